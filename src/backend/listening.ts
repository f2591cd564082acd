import type { System } from './netlink/libc.ts'
import { encode, flags, toU32 } from './netlink/message.ts'

/** A port that a program listens at, and the address: `0.0.0.0`, `::`, or one of the namespace's, in the kernel's bytes. */
export interface Listening {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** Hexadecimal, as in /proc/net/tcp: 32-bit words in the machine's byte order. Only zeros: every address. */
  readonly at: string
}

const FILES = [
  ['tcp', 'tcp'],
  ['tcp', 'tcp6'],
  ['udp', 'udp'],
  ['udp', 'udp6'],
] as const
/** TCP_LISTEN, and the TCP_CLOSE that udp(7) sockets without a peer have. */
const STATE = { tcp: '0A', udp: '07' } as const

/** NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, and the messages that end an answer: sock_diag(7). */
const [SOCK_DIAG, BY_FAMILY, NLMSG_ERROR, NLMSG_DONE] = [4, 20, 2, 3]
const [AF_INET, AF_INET6, IPPROTO_TCP, TCP_LISTEN] = [2, 10, 6, 10]
/** What was received last. */
const answer = Buffer.alloc(1 << 16)

/** What listens in the namespace that the thread is in. */
export function listeningHere(system: System): Listening[] {
  const tcp = tcpListeners(system)
  return [...(tcp ?? []), ...fromFiles(system, tcp ? ['udp'] : ['tcp', 'udp'])]
}

/**
 * The TCP listeners, by sock_diag(7); undefined: the kernel does not have it. For /proc/net/tcp it goes through its table of all connections,
 * which takes 5 ms of processor time for each namespace.
 */
function tcpListeners(system: System): Listening[] | undefined {
  const fd = system.open(SOCK_DIAG)
  if (fd < 0) return undefined
  try {
    const found: Listening[] = []
    for (const family of [AF_INET, AF_INET6]) {
      // struct inet_diag_req_v2: the family, the protocol, the states, and a socket, of which nothing is asked
      const header = Buffer.concat([Uint8Array.of(family, IPPROTO_TCP, 0, 0), toU32(1 << TCP_LISTEN), Buffer.alloc(48)])
      const { bytes } = encode({ type: BY_FAMILY, flags: flags.dump, header, attributes: [] })
      if (system.libc.send(fd, bytes, bytes.length, 0) < 0) return undefined
      for (let isDone = false; !isDone;) {
        const length = system.receive(fd, answer)
        if (length <= 0) return undefined
        for (let at = 0; at + 16 <= length; at += (answer.readUInt32LE(at) + 3) & ~3) {
          const type = answer.readUInt16LE(at + 4)
          if (type === NLMSG_ERROR) return undefined
          isDone = type === NLMSG_DONE
          if (isDone) break
          // struct inet_diag_msg: four bytes, the ports, the address
          const address = answer.subarray(at + 24, at + 24 + (family === AF_INET ? 4 : 16))
          found.push({ protocol: 'tcp', port: answer.readUInt16BE(at + 20), at: procAddress(address) })
        }
      }
    }
    return found
  } finally {
    system.libc.close(fd)
  }
}

/** The UDP ports of all sockets in the namespace that the thread is in, also of those that take datagrams from one peer only. */
export const udpPortsHere = (system: System): Set<number> => new Set(socketsIn(system, ['udp']).map(({ port }) => port))

/** The same from /proc/net/tcp and its siblings (proc_net(5)). */
const fromFiles = (system: System, protocols: readonly Listening['protocol'][]): Listening[] =>
  socketsIn(system, protocols).flatMap(({ state, ...one }) => (state === STATE[one.protocol] ? [one] : []))

function socketsIn(system: System, protocols: readonly Listening['protocol'][]): (Listening & { state: string })[] {
  return FILES.filter(([protocol]) => protocols.includes(protocol)).flatMap(([protocol, file]) => {
    const text = readProc(system, `thread-self/net/${file}`)
    return text.split('\n').flatMap((line) => {
      const [, at, port = '', state = ''] =
        /^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /.exec(line) ?? []
      return at === undefined ? [] : [{ protocol, port: parseInt(port, 16), at, state }]
    })
  })
}

function readProc(system: System, path: string): string {
  const fd = system.openProc(path, 0)
  if (fd < 0) return ''
  let text = ''
  for (;;) {
    const length = system.libc.read(fd, answer, answer.length)
    if (length <= 0) break
    text += answer.toString('latin1', 0, length)
  }
  system.libc.close(fd)
  return text
}

/** An address as /proc/net/tcp has it. */
export function procAddress(bytes: Uint8Array): string {
  const words = Buffer.from(bytes)
  return words.swap32().toString('hex').toUpperCase()
}

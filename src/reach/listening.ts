import type { System } from '../backend/netlink/libc.ts'

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

/** What listens in the namespace that the thread is in, from /proc/net/tcp and its siblings (proc_net(5)). */
export function listeningHere(system: System): Listening[] {
  return FILES.flatMap(([protocol, file]) => {
    const text = readProc(system, `thread-self/net/${file}`)
    return text.split('\n').flatMap((line): Listening[] => {
      const [, at, port = '', state] =
        /^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /.exec(line) ?? []
      return at !== undefined && state === STATE[protocol] ? [{ protocol, port: parseInt(port, 16), at }] : []
    })
  })
}

function readProc(system: System, path: string): string {
  const fd = system.openProc(path, 0)
  if (fd < 0) return ''
  const parts: Buffer[] = []
  for (;;) {
    const part = Buffer.alloc(64 << 10)
    const length = system.libc.read(fd, part, part.length)
    if (length <= 0) break
    parts.push(part.subarray(0, length))
  }
  system.libc.close(fd)
  return Buffer.concat(parts).toString()
}

/** An address as /proc/net/tcp has it. */
export function procAddress(bytes: Uint8Array): string {
  const words = Buffer.from(bytes)
  return words.swap32().toString('hex').toUpperCase()
}

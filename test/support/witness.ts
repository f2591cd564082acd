import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type * as Koffi from 'koffi'
import { openSystem } from '../../src/backend/netlink/libc.ts'
import { neighborsRefused } from '../../src/backend/netlink/neighbor-room.ts'
import { decodePacket, RAW_IP, sought, type Packet } from '../../src/checks/packet.ts'
import { grownCounters, readCounters } from '../../src/walk/counters.ts'
import { openPrograms, type Heard } from './trace-programs.ts'

/** An IP packet, or a question or answer of ARP, at an interface. */
export interface Frame {
  readonly namespace: string
  readonly device: string
  readonly direction: 'in' | 'out'
  /** It came in, and was addressed to the MAC address of another. */
  readonly strange: boolean
  /** To whom the frame is addressed, if there is such a header. */
  readonly mac: string
  readonly packet: Omit<Packet, 'time'>
  /** The address that a question for a neighbour asks for. */
  readonly sought?: string
}

/** An interface, and what it is to others. */
export interface WitnessedLink {
  readonly ifname: string
  readonly ifindex: number
  readonly address: string
  readonly master?: string
  readonly mtu: number
  readonly flags: readonly string[]
  readonly addr_info: readonly { readonly local: string }[]
}

/** A rule that counts the packets that met it. */
export interface CountedRule {
  /** `ip filter FORWARD 3`: its table, its chain, and its place there. */
  readonly name: string
  readonly packets: number
}

/** What happened in the kernel meanwhile, seen without netlab's trace. */
export interface Evidence {
  readonly frames: readonly Frame[]
  /** By namespace: the rules that counted more, and how much more. */
  readonly rules: ReadonlyMap<string, ReadonlyMap<string, number>>
  /** By namespace: what grew in /proc/net/snmp and the like. */
  readonly counters: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly heard: readonly Heard[]
  /** How often the kernel of the machine had no room for a neighbour. */
  readonly refused: number
}

/** Sees everything that happens in these namespaces. */
export interface Witness {
  readonly links: ReadonlyMap<string, readonly WitnessedLink[]>
  /** The namespaces that answer questions for neighbours on behalf of others (proxy_arp in ip-sysctl.rst). */
  readonly proxies: ReadonlySet<string>
  /** The policies of chains: namespace, then `ip filter FORWARD` → `drop`. */
  readonly policies: ReadonlyMap<string, ReadonlyMap<string, string>>
  /** What happened since the last call. */
  readonly look: () => Evidence
  /** Whether the kernel has a route there, as `ip route get` says. */
  readonly hasRoute: (namespace: string, ...words: string[]) => boolean
  /** Whether the kernel knows the MAC address of a neighbour, as `ip neigh` says. One that has failed may be forgotten at any time. */
  readonly knowsMac: (namespace: string, address: string) => boolean
  readonly close: () => Promise<void>
}

const [AF_PACKET, SOCK_RAW, SOCK_NONBLOCK, SOCK_CLOEXEC, ALL] = [17, 3, 0o4000, 0o2000000, 0x0300]
/** packet(7): sent by this host; addressed to another one. */
const [OUTGOING, OTHERHOST] = [4, 3]
const [SOL_SOCKET, SO_RCVBUFFORCE] = [1, 33]
/** libnftables.h: NFT_CTX_OUTPUT_JSON. */
const JSON_OUTPUT = 16

interface Listed {
  readonly nftables: readonly {
    readonly chain?: {
      readonly family: string
      readonly table: string
      readonly name: string
      readonly policy?: string
    }
    readonly rule?: {
      readonly family: string
      readonly table: string
      readonly chain: string
      readonly expr: readonly { readonly counter?: { readonly packets: number } }[]
    }
  }[]
}

/** Opens a packet socket in each of the namespaces, and starts programs that listen in some. */
export function openWitness(namespaces: readonly string[], listeners: readonly string[]): Witness {
  const koffi = createRequire(__filename).resolve('koffi')
  const system = openSystem(koffi)
  const library = (createRequire(__filename)(koffi) as typeof Koffi).load('libc.so.6')
  const recvfrom = library.func('long recvfrom(int, void *, size_t, int, void *, void *)') as (
    ...args: unknown[]
  ) => number
  const sockets = new Map<string, number>()
  const links = new Map<string, WitnessedLink[]>()
  const policies = new Map<string, Map<string, string>>()
  const proxies = new Set<string>()
  const within = <T>(namespace: string, act: () => T): T => {
    if (!system.enter(namespace)) throw new Error(`${namespace}: ${system.error()}`)
    try {
      return act()
    } finally {
      system.back()
    }
  }
  for (const name of namespaces) {
    links.set(name, JSON.parse(execFileSync('ip', ['-n', name, '-j', 'addr'], { encoding: 'utf8' })) as WitnessedLink[])
    within(name, () => {
      if (readFileSync('/proc/sys/net/ipv4/conf/all/proxy_arp', 'utf8').trim() === '1') proxies.add(name)
      const fd = system.call('socket', AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, ALL)
      const room = Buffer.from(Int32Array.of(4 << 20).buffer)
      system.call('setsockopt', fd, SOL_SOCKET, SO_RCVBUFFORCE, room, room.length)
      sockets.set(name, fd)
    })
  }
  const programs = openPrograms(system, library, listeners)

  const counted = (namespace: string): Map<string, number> =>
    within(namespace, () => {
      const { failed, output, error } = system.nft()!('list ruleset', JSON_OUTPUT)
      if (failed) throw new Error(error)
      const places = new Map<string, number>()
      const found = new Map<string, number>()
      const known = new Map<string, string>()
      for (const { chain, rule } of (JSON.parse(output) as Listed).nftables) {
        if (chain?.policy !== undefined) known.set(`${chain.family} ${chain.table} ${chain.name}`, chain.policy)
        if (!rule) continue
        const name = `${rule.family} ${rule.table} ${rule.chain}`
        const at = (places.get(name) ?? 0) + 1
        places.set(name, at)
        const counter = rule.expr.find((one) => one.counter)?.counter
        if (counter) found.set(`${name} ${at}`, counter.packets)
      }
      policies.set(namespace, known)
      return found
    })

  function drain(namespace: string): Frame[] {
    const fd = sockets.get(namespace)!
    const names = new Map(links.get(namespace)!.map(({ ifindex, ifname }) => [ifindex, ifname]))
    const [bytes, from, length] = [Buffer.alloc(2048), Buffer.alloc(20), Buffer.alloc(4)]
    const frames: Frame[] = []
    for (;;) {
      length.writeUInt32LE(from.length)
      const size = recvfrom(fd, bytes, bytes.length, 0, from, length)
      if (size < 0) return frames
      const [ifindex, type] = [from.readInt32LE(4), from[10]]
      const device = names.get(ifindex) ?? `if${ifindex}`
      const isArp = from.readUInt16BE(2) === 0x0806
      const body = Buffer.from(bytes.subarray(14, size))
      const packet = isArp
        ? {
            protocol: 'arp',
            source: body.subarray(14, 18).join('.'),
            destination: body.subarray(24, 28).join('.'),
            bytes: body,
          }
        : decodePacket(body, RAW_IP)
      // What lo sends comes in there, too.
      if (!packet || (device === 'lo' && type === OUTGOING)) continue
      const asks = sought({ time: 0n, ...packet })
      frames.push({
        ...{ namespace, device, direction: type === OUTGOING ? 'out' : 'in', strange: type === OTHERHOST },
        ...{ mac: bytes.toString('hex', 0, 6), packet, ...(asks !== undefined && { sought: asks }) },
      })
    }
  }

  const all = <T>(read: (namespace: string) => T): Map<string, T> =>
    new Map(namespaces.map((name) => [name, read(name)]))
  const countersOf = (namespace: string): Map<string, number> => within(namespace, readCounters)
  const now = () => ({ rules: all(counted), counters: all(countersOf), refused: neighborsRefused(system) })
  let before = now()
  return {
    ...{ links, policies, proxies },
    look() {
      const after = now()
      const grown = (kind: 'rules' | 'counters') =>
        all((name) => grownCounters(before[kind].get(name) ?? new Map<string, number>(), after[kind].get(name)!))
      const [rules, counters] = [grown('rules'), grown('counters')]
      const refused = after.refused - before.refused
      before = after
      return { frames: namespaces.flatMap(drain), rules, counters, heard: programs.heard(), refused }
    },
    hasRoute(namespace, ...words) {
      try {
        execFileSync('ip', ['-n', namespace, 'route', 'get', ...words], { stdio: 'ignore' })
        return true
      } catch {
        return false
      }
    },
    knowsMac: (namespace, address) =>
      / lladdr /.test(execFileSync('ip', ['-n', namespace, 'neigh', 'show', address], { encoding: 'utf8' })),
    async close() {
      for (const fd of sockets.values()) system.libc.close(fd)
      await programs.close()
    },
  }
}

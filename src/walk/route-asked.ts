import { createRequire } from 'node:module'
import { openSystem, type System } from '../backend/netlink/libc.ts'
import { addressBytes, attribute, encode, toBe16, toU32 } from '../backend/netlink/message.ts'
import { decodeRoutes } from '../backend/netlink/read-routes.ts'
import { RTA } from '../backend/netlink/attribute-numbers.ts'
import { parseCidr, contains } from '../model/cidr.ts'
import type { IpHop, IpRoute, IpRule } from '../model/runner.ts'
import { LOCAL_TABLE, MAIN_TABLE } from '../model/tables.ts'
import type { WayRoute } from '../model/packet-way.ts'
import { routeTypes } from '../model/route-spec.ts'
import { ipprotoNumber } from '../model/rule-spec.ts'
import type { LabIndex } from '../checks/lab-index.ts'
import type { Packet } from '../checks/packet.ts'
import { groupedBy } from '../model/grouped.ts'
import { placeIn } from '../model/place.ts'
import { PROTOCOL } from './needles.ts'
import type { WalkMachine } from './walk-machine.ts'

/** A question for a route. */
export interface RouteQuestion {
  readonly packet: Omit<Packet, 'time'>
  readonly mark: number
  /** The index of the interface by which it came; absent: it is made here. */
  readonly iif?: number
}

/** The kernel's answer: a route, or an error. */
export type RouteAnswer = { readonly route: IpRoute } | { readonly errno: number }

/** A request of rtnetlink in a namespace. */
export interface RouteRequest {
  /** Its name under /run/netns, or a path; absent: where netlab runs. */
  readonly netns?: string
  readonly bytes: Uint8Array
}

/** Asks the kernel for routes. */
export interface RouteOracle {
  /**
   * What the kernel has answered. Undefined: nobody can be asked, the answer is not understood, or the question is new; `inquire`
   * asks those.
   */
  readonly ask: (namespace: string, question: RouteQuestion) => RouteAnswer | undefined
  /** Asks what is new. False: nothing is. */
  readonly inquire: () => Promise<boolean>
}

const [RTM_GETROUTE, NETLINK_ROUTE, AF_INET, AF_INET6] = [26, 0, 2, 10]
/** The route as it is configured (rtnetlink.h); IPv4 has to be asked for the number of its table, IPv6 must not be (net/ipv6/route.c). */
const FLAGS = { 4: 0x2000 | 0x1000, 6: 0x2000 } as const
const MORE = { iif: 3, mark: 16, ipProto: 27, sport: 28, dport: 29 } as const
const NUMBERS: Readonly<Record<string, number>> = PROTOCOL

/** The answers of the kernel of this machine to requests: `ip route get fibmatch`, in process. */
export function askRoutesHere(requests: readonly RouteRequest[]): (Buffer | undefined)[] {
  const system: System = openSystem(createRequire(__filename).resolve('koffi'))
  const answer = Buffer.alloc(1 << 16)
  try {
    return requests.map(({ netns, bytes }) => {
      const fd = system.socket(netns, NETLINK_ROUTE)
      if (fd < 0 || system.libc.send(fd, bytes, bytes.length, 0) < 0) return undefined
      const length = system.receive(fd, answer)
      return length < 16 ? undefined : Buffer.from(answer.subarray(0, length))
    })
  } finally {
    system.back()
  }
}

/** A source that is not yet chosen, for a packet to this address. */
export const anySource = (destination: string): string => (destination.includes(':') ? '::' : '0.0.0.0')

/** Opens the way to the routes of these namespaces. */
export function openRoutes(
  { places, nodes }: Pick<LabIndex, 'places' | 'nodes'>,
  machineOf: (namespace: string) => Pick<WalkMachine, 'askRoutes'>,
): RouteOracle {
  const answers = new Map<string, RouteAnswer | undefined>()
  const asked = new Map<string, { readonly namespace: string; readonly request: RouteRequest }>()
  return {
    ask(namespace, question) {
      const { bytes } = encode(messageOf(question))
      const key = `${namespace} ${Buffer.from(bytes).toString('hex')}`
      if (!answers.has(key)) asked.set(key, { namespace, request: { ...placeIn(places.get(namespace)), bytes } })
      return answers.get(key)
    },
    async inquire() {
      const fresh = groupedBy(asked, ([, { namespace }]) => machineOf(namespace))
      asked.clear()
      const asking = [...fresh].map(async ([machine, some]) => {
        const replies = await machine.askRoutes(some.map(([, { request }]) => request))
        for (const [i, [key, { namespace }]] of some.entries()) {
          const interfaces = nodes.get(namespace)?.interfaces
          answers.set(
            key,
            answerIn(replies[i], (index) => interfaces?.get(index) ?? `if${index}`),
          )
        }
      })
      await Promise.all(asking)
      return fresh.size > 0
    },
  }
}

function answerIn(reply: Buffer | undefined, nameOf: (index: number) => string): RouteAnswer | undefined {
  if (!reply) return undefined
  if (reply.readUInt16LE(4) === 2 /* NLMSG_ERROR */) return { errno: -reply.readInt32LE(16) }
  try {
    const [route] = decodeRoutes(reply, { from: 0, to: reply.length }, nameOf)
    return route && { route }
  } catch {
    return undefined // an encapsulation that only iproute2 understands
  }
}

function messageOf({ packet, mark, iif }: RouteQuestion) {
  const six = packet.source.includes(':')
  const bits = six ? 128 : 32
  const { protocol, sport, dport } = packet
  const number = NUMBERS[protocol]
  return {
    type: RTM_GETROUTE,
    flags: 0,
    header: Uint8Array.of(six ? AF_INET6 : AF_INET, bits, bits, 0, 0, 0, 0, 0, ...toU32(FLAGS[six ? 6 : 4])),
    attributes: [
      attribute(RTA.dst, addressBytes(packet.destination)),
      attribute(RTA.src, addressBytes(packet.source)),
      ...(iif === undefined ? [] : [attribute(MORE.iif, toU32(iif))]),
      ...(mark === 0 ? [] : [attribute(MORE.mark, toU32(mark))]),
      ...(number === undefined ? [] : [attribute(MORE.ipProto, Uint8Array.of(number))]),
      ...(sport === undefined ? [] : [attribute(MORE.sport, toBe16(sport))]),
      ...(dport === undefined ? [] : [attribute(MORE.dport, toBe16(dport))]),
    ],
  }
}

const tableName = (table: string): string =>
  ({ [MAIN_TABLE]: 'main', [LOCAL_TABLE]: 'local', 253: 'default' })[Number(table)] ?? table

const gatewayOf = ({ gateway, via }: IpHop): string | undefined => gateway ?? via?.host

/** A route as the way has it, with the rule that led to its table. */
export function wayRoute(
  { type = '1', dst, table = String(MAIN_TABLE), dev, nexthops, ...rest }: IpRoute,
  question: RouteQuestion & { readonly device?: string },
  rules: readonly IpRule[],
): WayRoute {
  const via = gatewayOf(rest)
  const rule = ruleFor(table, question, rules)
  return {
    // Where no rule separates them, the kernel keeps the local table in main (fib_trie_unmerge in net/ipv4/fib_trie.c).
    ...{ table: type === '2' && table === String(MAIN_TABLE) ? 'local' : tableName(table), prefix: dst },
    ...(routeTypes[type] !== undefined && { type: routeTypes[type] }),
    ...(via !== undefined && { via }),
    ...(dev !== undefined && { dev }),
    ...(nexthops && { nexthops: nexthops.map(hopText) }),
    ...(rule !== undefined && { rule }),
  }
}

function hopText(hop: IpHop): string {
  const via = gatewayOf(hop)
  return [...(via === undefined ? [] : [`via ${via}`]), ...(hop.dev === undefined ? [] : [`dev ${hop.dev}`])].join(' ')
}

/** The kernel's own rules: local at 0, main at 32766, default at 32767. */
const OWN = [0, 32766, 32767]

/** The rule of `ip rule` that led to the table; undefined where that is the kernel's own, or is not known for sure. */
function ruleFor(
  table: string,
  question: RouteQuestion & { readonly device?: string },
  rules: readonly IpRule[],
): string | undefined {
  const candidates = [...rules]
    .sort((a, b) => a.priority - b.priority)
    .filter((rule) => rule.table === table && [undefined, '1', 'to_tbl'].includes(rule.action))
  const found = candidates.find((rule) => applies(rule, question) !== false)
  if (found && applies(found, question) === undefined) return undefined
  if (!found || OWN.includes(found.priority)) return undefined
  const words = [
    ...(found.src === undefined || found.src === 'all'
      ? []
      : [`from ${found.src}${found.srclen === undefined ? '' : `/${found.srclen}`}`]),
    ...(found.dst === undefined || found.dst === 'all'
      ? []
      : [`to ${found.dst}${found.dstlen === undefined ? '' : `/${found.dstlen}`}`]),
    ...(found.iif === undefined ? [] : [`iif ${found.iif}`]),
    ...(found.fwmark === undefined ? [] : [`fwmark ${found.fwmark}`]),
    ...(found.ipproto === undefined ? [] : [`ipproto ${protocolName(ipprotoNumber(found.ipproto))}`]),
    ...portWords('sport', found.sport, found.sport_start, found.sport_end),
    ...portWords('dport', found.dport, found.dport_start, found.dport_end),
  ]
  return `${found.priority}: ${[...(found.not === undefined ? [] : ['not']), ...words].join(' ') || 'from all'} lookup ${tableName(table)}`
}

const protocolName = (number: number): string =>
  Object.entries(NUMBERS).find(([, one]) => one === number)?.[0] ?? String(number)

const portWords = (word: string, one?: number, from?: number, to?: number): string[] =>
  one !== undefined ? [`${word} ${one}`] : from !== undefined ? [`${word} ${from}-${to}`] : []

/** Whether a rule applies to the packet; undefined when it has a selector of which a packet says nothing. */
function applies(
  rule: IpRule,
  { packet, mark, device }: RouteQuestion & { readonly device?: string },
): boolean | undefined {
  const isIn = (address: string, network = 'all', length?: number): boolean => {
    if (network === 'all') return true
    const cidr = parseCidr(length === undefined ? network : `${network}/${length}`)
    return cidr !== undefined && contains(cidr, address)
  }
  const isPort = (port: number | undefined, one?: number, from = one, to = from): boolean =>
    from === undefined || (port !== undefined && port >= from && port <= (to ?? from))
  const mask = Number(rule.fwmask ?? 0xffffffff)
  const fits =
    isIn(packet.source, rule.src, rule.srclen) &&
    isIn(packet.destination, rule.dst, rule.dstlen) &&
    (rule.iif === undefined || rule.iif === (device ?? 'lo')) &&
    (rule.fwmark === undefined || (mark & mask) >>> 0 === (Number(rule.fwmark) & mask) >>> 0) &&
    (rule.ipproto === undefined || ipprotoNumber(rule.ipproto) === NUMBERS[packet.protocol]) &&
    isPort(packet.sport, rule.sport, rule.sport_start, rule.sport_end) &&
    isPort(packet.dport, rule.dport, rule.dport_start, rule.dport_end)
  const others = [
    rule.tos,
    rule.uid_start,
    rule.tun_id,
    rule.oif,
    rule.l3mdev,
    rule.suppress_prefixlen,
    rule.suppress_ifgroup,
  ]
  const isSure = others.every((selector) => selector === undefined)
  if (!isSure && fits) return undefined
  return fits === (rule.not === undefined)
}

import type { Case } from './trace-judge.ts'
import { ttlOf, type SeenFrame } from './trace-frames.ts'

/** A kind of end: the words of its reason, and what contradicts it. */
type Ending = readonly [
  words: RegExp,
  wrong: (one: Case, words: readonly string[], part: SeenFrame['part']) => string | undefined,
]

/** Whether one of the counters of a namespace grew. */
export const grew = ({ evidence }: Case, namespace: string, ...names: string[]): boolean =>
  names.some((name) => evidence.counters.get(namespace)?.has(name))

/** Whether a namespace has an address. */
export const owns = ({ witness }: Case, namespace: string, address: string): boolean =>
  witness.links.get(namespace)?.some(({ addr_info }) => addr_info.some(({ local }) => local === address)) ?? false

const isUp = ({ witness }: Case, place: string): boolean => {
  const [namespace = '', device] = place.split(':')
  return (
    witness.links
      .get(namespace)
      ?.find(({ ifname }) => ifname === device)
      ?.flags.includes('UP') ?? false
  )
}

/** The text, unless something holds. */
export const needs = (holds: boolean, text: string): string | undefined => (holds ? undefined : text)

/** The frames of the part that came to a namespace, and not only past it. */
export const cameTo = ({ frames }: Case, namespace: string, part: SeenFrame['part']): SeenFrame[] =>
  frames.filter((one) => one.part === part && one.namespace === namespace && one.direction === 'in' && !one.strange)

/** Who asked for a neighbour, and whether there was an answer. */
function askedInVain(one: Case, namespace: string, address: string): string | undefined {
  const here = one.evidence.frames.filter((frame) => frame.namespace === namespace)
  const asked = here.some(({ direction, sought }) => direction === 'out' && sought === address)
  const isAnswer = ({ protocol, bytes }: SeenFrame['packet']): boolean =>
    protocol === 'arp' ? bytes.readUInt16BE(6) === 2 : protocol === 'icmp6' && bytes[40] === 136
  const answered = here.some(
    ({ direction, packet }) => direction === 'in' && isAnswer(packet) && packet.source === address,
  )
  return needs(asked, `${namespace} did not ask for ${address}`) ?? needs(!answered, `${address} answered ${namespace}`)
}

/** Whether a rule counted something there, or a policy drops. */
const drops = ({ evidence, witness }: Case, namespace: string): string | undefined =>
  needs(
    (evidence.rules.get(namespace)?.size ?? 0) > 0 || [...witness.policies.get(namespace)!.values()].includes('drop'),
    `no rule and no policy of ${namespace} did anything`,
  )

/** Whether a namespace has no route to an address, for a packet from one of its own addresses. */
export function lacksRoute({ witness }: Case, namespace: string, address: string): string | undefined {
  const own = witness.links.get(namespace)!.flatMap(({ addr_info }) => addr_info.map(({ local }) => local))
  const sources = own.filter((local) => local.includes(':') === address.includes(':') && !local.startsWith('fe80'))
  const ways = [[], ...sources.map((source) => ['from', source])]
  const hasAll = ways.every((words) => witness.hasRoute(namespace, address, ...words))
  return needs(!hasAll, `${namespace} has a route to ${address}`)
}

/** A packet that no route leads on: nothing of it is counted as dropped elsewhere. */
function noRoute(one: Case, namespace: string, address: string, part: SeenFrame['part']): string | undefined {
  const came = cameTo(one, namespace, part)
  if (came.length === 0) return lacksRoute(one, namespace, address)
  if (!came.some(({ inner }) => inner.destination === address) && !one.way.hops.some(({ rewrites }) => rewrites.length))
    return `what came to ${namespace} was not for ${address}`
  return needs(
    grew(one, namespace, 'IpExt.InNoRoutes', 'Ip6InNoRoutes'),
    `the counter of ${namespace} for it did not grow`,
  )
}

/** Whether an interface carries as much as was said, and that is too little. */
function isTooBig({ witness }: Case, [namespace, device]: readonly [string, string], size: number, mtu: number) {
  const link = witness.links.get(namespace)?.find(({ ifname }) => ifname === device)
  return needs(link?.mtu === mtu && size > mtu, `${namespace}:${device} carries ${link?.mtu}`)
}

/** The length of a packet by its header, in bytes. */
const lengthOf = ({ bytes }: SeenFrame['inner']): number =>
  (bytes[0] ?? 0) >> 4 === 6 ? 40 + bytes.readUInt16BE(4) : bytes.readUInt16BE(2)

/** Every reason that trace gives for a loss. */
export const ENDINGS: readonly Ending[] = [
  [
    /^(\S+) has no route to ([^\s,]+)(, the other end of the tunnel)?/,
    (one, [, namespace = '', address = '', tunnel], part) =>
      tunnel === undefined ? noRoute(one, namespace, address, part) : lacksRoute(one, namespace, address),
  ],
  [
    /^the reverse path filter of (\S+) dropped it/,
    (one, [, namespace = '']) => needs(grew(one, namespace, 'TcpExt.IPReversePathFilter'), 'its counter did not grow'),
  ],
  [
    /^forwarding is off in (\S+)$/,
    (one, [, namespace = '']) =>
      needs(grew(one, namespace, 'Ip.InAddrErrors', 'Ip6InAddrErrors'), 'its counter did not grow'),
  ],
  [
    /^its (?:time to live|hop limit) ended in (\S+)/,
    (one, [, namespace = ''], part) =>
      needs(grew(one, namespace, 'Ip.InHdrErrors', 'Ip6InHdrErrors'), 'its counter did not grow') ??
      needs(
        cameTo(one, namespace, part).some(({ inner }) => ttlOf(inner) === 1),
        'nothing came there with a time to live of 1',
      ),
  ],
  [
    /^nobody at (?:the interfaces of )?(\S+?)(?::(\S+))? has ([\da-f.:]+)/,
    (one, [, namespace = '', , address = '']) => askedInVain(one, namespace, address),
  ],
  [
    /^(\S+):(\S+) has ([\da-f.:]+), and did not answer (?:the interfaces of )?([^\s:,]+)(:[^\s:,]+)?(: it is down)?(?:, on the way .*)?$/,
    (one, [, holder = '', device = '', address = '', namespace = '', , down]) =>
      askedInVain(one, namespace, address) ??
      needs(owns(one, holder, address), `${holder} does not have it`) ??
      needs(
        (down !== undefined) !== isUp(one, `${holder}:${device}`),
        `${holder}:${device} is ${down ? 'up' : 'down'}`,
      ),
  ],
  [
    /^(\S+?):(\S+) does not get the MAC address of ([^\s,;]+)(, which nobody in the lab has)?/,
    (one, [, namespace = '', device, address = '', nobody], part) =>
      needs(!one.witness.knowsMac(namespace, address), `${namespace} has the MAC address of ${address}`) ??
      needs(
        (nobody === undefined) === [...one.witness.links.keys()].some((holder) => owns(one, holder, address)),
        `somebody has ${address}, or nobody has`,
      ) ??
      needs(
        !one.frames.some(
          (f) => f.part === part && f.namespace === namespace && f.device === device && f.direction === 'out',
        ),
        `it left by ${namespace}:${device}`,
      ),
  ],
  [
    /^it was to leave by (\S+?):(\S+), and did not; the kernel had no room for more neighbours/,
    (one, [, namespace = '', device], part) =>
      needs(one.evidence.refused > 0, 'it had') ??
      needs(
        !one.frames.some(
          (f) => f.part === part && f.namespace === namespace && f.device === device && f.direction === 'out',
        ),
        `it left by ${namespace}:${device}`,
      ),
  ],
  [
    /^it is too big for (\S+?):(\S+?): (\d+) bytes, and (\d+) is the most$/,
    (one, [, namespace = '', device = '', size, mtu], part) =>
      isTooBig(one, [namespace, device], Number(size), Number(mtu)) ??
      needs(
        cameTo(one, namespace, part).some(({ inner }) => lengthOf(inner) === Number(size)),
        `nothing of ${size} bytes came to ${namespace}`,
      ),
  ],
  [
    /^it is too big: (\d+) bytes, and (\S+?):(\S+?) sends (\d+) at most/,
    (one, [, size, namespace = '', device = '', mtu]) =>
      isTooBig(one, [namespace, device], Number(size), Number(mtu)) ??
      needs(one.request.size === Number(size) && one.frames.length === 0, 'it was sent'),
  ],
  [
    /^it is too big: (\d+) bytes(?:;|$)/,
    (one, [, size]) =>
      needs(one.request.size === Number(size) && one.frames.length === 0, 'it was sent') ??
      needs(
        one.witness.links.get(one.request.from)!.some(({ mtu }) => mtu < Number(size)),
        'all interfaces carry it',
      ),
  ],
  [/is unknown/, () => 'trace does not know why'],
  [
    /^(\S+):(\S+) has no carrier/,
    (one, [, namespace = '', device]) =>
      needs(
        one.witness.links.get(namespace)!.some(({ ifname, flags }) => ifname === device && !flags.includes('LOWER_UP')),
        `${namespace}:${device} has a carrier`,
      ),
  ],
  [
    /^(\S+) answered, and (\S+) has a rule or a filter that drops ICMPv6/,
    (one, [, address = '', namespace = '']) =>
      needs(askedInVain(one, namespace, address) !== undefined, 'there was no answer') ?? drops(one, namespace),
  ],
  [
    /^(\S+):(\S+) has (\S+), and did not answer (\S+?):(\S+?): (\S+) has a rule or a filter that drops/,
    (one, [, holder = '', , address = '', namespace = '']) =>
      askedInVain(one, namespace, address) ?? drops(one, holder),
  ],
  [/^(\S+) is down$/, (one, [, place = '']) => needs(!isUp(one, place), `${place} is up`)],
  [
    /^(?:a route of (\S+) (?:says that|prohibits) (\S+)|(\S+) has a route to (\S+) that says unreachable)/,
    (one, [, a, b, c, d], part) => discarded(one, a ?? c ?? '', b ?? d ?? '', part),
  ],
  [
    /^(\S+) discards packets for (\S+): by a blackhole/,
    (one, [, namespace = '', address = ''], part) => discarded(one, namespace, address, part),
  ],
  [
    /^the (?:\w+) route to (\S+) of (\S+) discards it/,
    (one, [, , namespace = ''], part) => discarded(one, namespace, undefined, part),
  ],
  [
    /^(\S+) discards what comes to it with its own address (\S+)/,
    (one, [, namespace = '', address = '']) =>
      needs(owns(one, namespace, address), `${namespace} does not have ${address}`),
  ],
  [
    /^(\S+) got the packet that carries it, and has no tunnel that takes it$/,
    (one, [, namespace = ''], part) =>
      needs(
        cameTo(one, namespace, part).some(({ inner, packet }) => inner !== packet),
        'nothing that carries it came',
      ) ?? needs(grew(one, namespace, 'Udp.NoPorts', 'Udp6NoPorts'), `the counter of ${namespace} for it did not grow`),
  ],
  [
    /^\S+ answered, but (\S+) does not take an answer from \[?(\S+?)\]?:(\d+): it asked /,
    (one, [, namespace = '', source, sport]) =>
      needs(
        cameTo(one, namespace, 'reply').some(({ inner }) => inner.source === source && inner.sport === Number(sport)),
        `no answer came from ${source} ${sport}`,
      ),
  ],
  [
    /^it arrived at (\S+), which did not ask$/,
    (one, [, namespace = ''], part) =>
      needs(namespace !== one.request.from, `${namespace} asked`) ??
      needs(
        cameTo(one, namespace, part).some(({ inner }) => owns(one, namespace, inner.destination)),
        `nothing for ${namespace} came there`,
      ),
  ],
  [
    /^(\S+?):(\S+) ignores it: it is addressed to another MAC address/,
    (one, [, namespace = '', device], part) =>
      needs(
        one.frames.some((f) => f.part === part && f.namespace === namespace && f.device === device && f.strange),
        'nothing for another one came there',
      ),
  ],
]

/** A route that discards: the packet came there, and neither left nor was counted as lost in another way. */
function discarded(
  one: Case,
  namespace: string,
  address: string | undefined,
  part: SeenFrame['part'],
): string | undefined {
  const came = cameTo(one, namespace, part)
  // It may have passed there before.
  const passed = [...one.way.hops, ...(one.way.reply?.hops ?? [])].some(
    (hop) => hop.namespace === namespace && hop.out !== undefined,
  )
  const left = !passed && one.frames.some((f) => f.part === part && f.namespace === namespace && f.direction === 'out')
  return (
    needs(!left, `it left ${namespace}`) ??
    needs(
      !grew(one, namespace, 'IpExt.InNoRoutes', 'TcpExt.IPReversePathFilter', 'Ip.InAddrErrors'),
      'it was counted as lost for another reason',
    ) ??
    (came.length === 0 && address !== undefined ? lacksRoute(one, namespace, address) : undefined)
  )
}

import { countedName, type Case } from './trace-judge.ts'
import type { SeenFrame } from './trace-frames.ts'
import { PORT } from './trace-walls.ts'

/** A kind of end: the words of its reason, and what contradicts it. */
type Ending = readonly [
  words: RegExp,
  wrong: (one: Case, words: readonly string[], part: SeenFrame['part']) => string | undefined,
]

const grew = ({ evidence }: Case, namespace: string, ...names: string[]): boolean =>
  names.some((name) => evidence.counters.get(namespace)?.has(name))

const owns = ({ witness }: Case, namespace: string, address: string): boolean =>
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

const needs = (holds: boolean, text: string): string | undefined => (holds ? undefined : text)

/** The frames of the part that came to a namespace, and not only past it. */
const cameTo = ({ frames }: Case, namespace: string, part: SeenFrame['part']): SeenFrame[] =>
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
function lacksRoute({ witness }: Case, namespace: string, address: string): string | undefined {
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

const ENDINGS: readonly Ending[] = [
  [
    /^(\S+) has no route to (\S+)/,
    (one, [, namespace = '', address = ''], part) => noRoute(one, namespace, address, part),
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
        cameTo(one, namespace, part).some(({ inner: { bytes } }) => bytes[(bytes[0] ?? 0) >> 4 === 6 ? 7 : 8] === 1),
        'nothing came there with a time to live of 1',
      ),
  ],
  [
    /^nobody at (\S+?)(?::(\S+))? has ([\da-f.:]+)/,
    (one, [, namespace = '', , address = '']) => askedInVain(one, namespace, address),
  ],
  [
    /^(\S+):(\S+) has ([\da-f.:]+), and did not answer (\S+?):(\S+?)(: it is down)?$/,
    (one, [, holder = '', device = '', address = '', namespace = '', , down]) =>
      askedInVain(one, namespace, address) ??
      needs(owns(one, holder, address), `${holder} does not have it`) ??
      needs(
        (down !== undefined) !== isUp(one, `${holder}:${device}`),
        `${holder}:${device} is ${down ? 'up' : 'down'}`,
      ),
  ],
  [
    /^it was to leave by (\S+?):(\S+), and did not; why is unknown: no neighbor solicitation was sent either/,
    (one, [, namespace = '']) =>
      needs(!grew(one, namespace, 'Icmp6OutNeighborSolicits'), `${namespace} asked`) ?? drops(one, namespace),
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
  const left = one.frames.some((f) => f.part === part && f.namespace === namespace && f.direction === 'out')
  return (
    needs(!left, `it left ${namespace}`) ??
    needs(
      !grew(one, namespace, 'IpExt.InNoRoutes', 'TcpExt.IPReversePathFilter', 'Ip.InAddrErrors'),
      'it was counted as lost for another reason',
    ) ??
    (came.length === 0 && address !== undefined ? lacksRoute(one, namespace, address) : undefined)
  )
}

/** Whether an answer came to whom it was for, by what was seen and counted. */
function wasAnswered(one: Case): boolean {
  const { from, protocol } = one.request
  if (protocol === 'icmp') return grew(one, from, 'Icmp.InEchoReps', 'Icmp6InEchoReplies')
  const counters = one.evidence.counters.get(from)
  const sum = (...names: string[]): number => names.reduce((all, name) => all + (counters?.get(name) ?? 0), 0)
  const came = cameTo(one, from, 'reply')
  const asked = one.evidence.heard.filter(({ namespace }) => namespace === from).length
  if (protocol === 'tcp') {
    // Its own opening, when it comes back to where it was made, is a segment that came, too.
    const own = cameTo(one, from, 'request').length
    return came.some(({ inner }) => !isResetOf(inner)) && sum('Tcp.InSegs') > own
  }
  // What came behind the hook of INPUT, apart from everything else that did.
  const carriers = one.evidence.frames.filter(
    (f) => f.namespace === from && f.direction === 'in' && f.packet.dport === 4789,
  )
  const delivered = sum('Ip.InDelivers', 'Ip6InDelivers') - sum('Icmp.InMsgs', 'Icmp6InMsgs') - carriers.length - asked
  return came.length > 0 && delivered > 0
}

function isResetOf({ bytes }: SeenFrame['packet']): boolean {
  const header = (bytes[0] ?? 0) >> 4 === 6 ? 40 : ((bytes[0] ?? 0) & 15) * 4
  return ((bytes[header + 13] ?? 0) & 4) !== 0
}

/** What of the verdict and its reason the evidence contradicts. */
export function complaintsOfEnd(one: Case): string[] {
  const { way, request } = one
  const { verdict, at } = way
  const complaints: string[] = []
  const say = (text: string | undefined): void => void (text !== undefined && complaints.push(text))
  const answered = wasAnswered(one)
  if (answered !== (verdict === 'answered')) say(`it was ${answered ? '' : 'not '}answered`)
  const [, back] = /^\S+ answered, but the answer was lost: (.*)$/.exec(way.reason) ?? []
  const part = back === undefined ? 'request' : 'reply'
  const [reason = '', sentBack] = (back ?? way.reason).split(/; (?=\S+ (?:sent back|reports): )/)
  const errors = /^(\S+) (sent back|reports): /.exec(sentBack ?? reason)
  if (errors) {
    const came = cameTo(one, request.from, 'error').some(({ quoted }) => quoted?.part === 'request')
    const isLost = new RegExp(`the report was lost: ${request.from} `).test(way.reason)
    say(needs(isLost || (errors[2] === 'sent back') === came, `an error came to ${request.from}: ${came}`))
  }
  if (verdict === 'answered') return complaints
  if (verdict === 'lost') {
    const ending = ENDINGS.find(([words]) => words.test(reason))
    if (!ending && !errors) say(`nobody can witness these words: ${reason}`)
    say(ending?.[1](one, ending[0].exec(reason)!, part))
  } else if (at?.rule) {
    const { rule } = at
    const counted = one.evidence.rules.get(at.namespace)?.get(countedName(rule))
    const policy = one.witness.policies.get(at.namespace)?.get(countedName(rule))
    const isDrop = verdict === 'dropped' ? /drop/i : /reject/i
    say(needs(isDrop.test(rule.text), `the rule does not: ${rule.text}`))
    say(needs(rule.number === undefined ? policy === 'drop' : counted !== undefined, `the rule counted nothing`))
  } else if (verdict === 'refused') say(refused(one))
  else if (verdict === 'arrived') say(arrived(one))
  else say(`no rule is named`)
  return complaints

  function refused({ evidence }: Case): string | undefined {
    const [, port, namespace = ''] = /^nobody listens at port (\d+) of (\S+?)(?:;|$)/.exec(way.reason) ?? []
    if (port === undefined) return needs(errors !== null, 'neither a rule nor an error is named')
    const isHeard = evidence.heard.some((heard) => heard.namespace === namespace)
    return (
      needs(!isHeard, `a program of ${namespace} heard it`) ??
      (request.protocol === 'tcp'
        ? needs(grew(one, namespace, 'Tcp.OutRsts'), `${namespace} sent no reset`)
        : needs(grew(one, namespace, 'Udp.NoPorts', 'Udp6NoPorts'), `the counter of ${namespace} for it did not grow`))
    )
  }

  function arrived({ evidence, listeners }: Case): string | undefined {
    const namespace = at?.namespace ?? ''
    const heard = evidence.heard.some((one) => one.namespace === namespace)
    const came =
      request.protocol === 'icmp'
        ? grew(one, namespace, 'Icmp.InEchos', 'Icmp6InEchos')
        : request.protocol === 'udp'
          ? heard || grew(one, namespace, 'Udp.NoPorts', 'Udp6NoPorts')
          : grew(one, namespace, 'Tcp.InSegs')
    const [, source] = /has no route back to (\S+)$/.exec(way.reason) ?? []
    return (
      needs(came, `nothing came to ${namespace}`) ??
      needs(
        !one.frames.some((f) => f.part === 'reply' && f.namespace === namespace && f.direction === 'out'),
        `${namespace} answered`,
      ) ??
      (source === undefined ? undefined : lacksRoute(one, namespace, source)) ??
      (/a program has it/.test(way.reason)
        ? needs(heard && listeners.includes(namespace) && request.to.endsWith(`:${PORT.silent}`), 'no program heard it')
        : undefined)
    )
  }
}

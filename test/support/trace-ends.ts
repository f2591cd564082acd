import { countedName, type Case } from './trace-judge.ts'
import type { SeenFrame } from './trace-frames.ts'
import { cameTo, ENDINGS, grew, lacksRoute, needs, owns } from './trace-reasons.ts'
import { PORT } from './trace-walls.ts'

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
    // What does not fit is answered by a reset.
    return came.some(({ inner }) => !isResetOf(inner)) && sum('Tcp.InSegs') > own && sum('Tcp.OutRsts') === 0
  }
  // What came behind the hook of INPUT, apart from everything else that did. Tunnels are of IPv4.
  const six = /:.*:/.test(one.request.to)
  const carriers = one.evidence.frames.filter(
    ({ namespace, direction, packet }) =>
      !six && namespace === from && direction === 'in' && packet.dport === 4789 && owns(one, from, packet.destination),
  )
  const others = (six ? sum('Icmp6InMsgs', 'Udp6NoPorts') : sum('Icmp.InMsgs', 'Udp.NoPorts')) + carriers.length + asked
  const delivered = sum(six ? 'Ip6InDelivers' : 'Ip.InDelivers') - others
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
        /whether somebody answered is unknown/.test(way.reason) ||
          !one.frames.some((f) => f.part === 'reply' && f.namespace === namespace && f.direction === 'out'),
        `${namespace} answered`,
      ) ??
      (source === undefined ? undefined : lacksRoute(one, namespace, source)) ??
      (/a program has it/.test(way.reason)
        ? needs(heard && listeners.includes(namespace) && request.to.endsWith(`:${PORT.silent}`), 'no program heard it')
        : /nobody listens/.test(way.reason)
          ? needs(!heard && grew(one, namespace, 'Udp.NoPorts', 'Udp6NoPorts'), `a program has it`)
          : undefined)
    )
  }
}

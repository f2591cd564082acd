import { metrics, metricValue, type Metric } from '../../model/metrics.ts'
import type { IpNexthop } from '../../model/ip-nexthop.ts'
import type { IpRoute } from '../../model/runner.ts'

type Writable<T> = { -readonly [K in keyof T]: T[K] }
type Route = Writable<IpRoute>
type Hop = Writable<NonNullable<IpRoute['nexthops']>[number]>

/**
 * Whether the JSON of iproute2 6.1 hides something of a route: which metrics are locked; the destination, where an encapsulation
 * has one; that it is a route of MPLS.
 */
export const isHidden = (r: IpRoute): boolean =>
  r.metrics !== undefined ||
  r.encap !== undefined ||
  r.nexthops?.some(({ encap }) => encap !== undefined) === true ||
  isLabel(r.dst)

const isLabel = (word: string): boolean => /^\d+$/.test(word)
const isNetwork = (word: string | undefined): boolean => word !== undefined && /^default$|[.:/]/.test(word)
const byWord = new Map(metrics.map((metric) => [metric.word, metric]))
const FLAGS = new Set(['dead', 'onlink', 'pervasive', 'offload', 'trap', 'notify', 'linkdown', 'unresolved'])
for (const flag of ['rt_offload', 'rt_trap']) FLAGS.add(flag)

/** The routes that `ip -o -N route show table all` prints: what its JSON says, and what that hides. */
export const readRouteText = (text: string): IpRoute[] =>
  text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [readLine(line)]))

/** The nexthop objects of a family that `ip -o -d -N nexthop show` prints, without groups. */
export const readNexthopText = (text: string, family: 4 | 6): IpNexthop[] =>
  text.split('\n').flatMap((line): IpNexthop[] => {
    const [word, id, ...words] = split(line)
    if (word !== 'id') return []
    const has = (name: string): boolean => words.includes(name)
    const [blackhole, fdb] = [has('blackhole'), has('fdb')]
    const { encap, gateway, dev, scope, protocol, flags = [] } = readWords<Route>({ dst: '' }, words)
    return [
      {
        id: Number(id),
        family,
        flags,
        ...(gateway !== undefined && { gateway }),
        ...(dev !== undefined && { dev }),
        ...(scope !== undefined && { scope }),
        ...(protocol !== undefined && { protocol }),
        ...(encap !== undefined && { encap }),
        ...(blackhole && { blackhole: null }),
        ...(fdb && { fdb: null }),
      },
    ]
  })

function readLine(line: string): IpRoute {
  const [first = '', ...ways] = line.split(/\\?\s*\bnexthop\s/)
  const words = split(first)
  const type = isLabel(words[0] ?? '') && isNetwork(words[1]) ? (words.shift() ?? '') : '1'
  const route: Route = { type, dst: words.shift() ?? '', table: '254', protocol: '3', scope: '0', flags: [] }
  readWords(route, words)
  if (ways.length) route.nexthops = ways.map((way) => readWords<Hop>({ flags: [] }, split(way)))
  return route
}

const split = (text: string): string[] => text.split(/[\s\\]+/).filter(Boolean)

/** What follows the destination, or `nexthop`. */
function readWords<T extends Route | Hop>(into: T, words: string[]): T {
  const route = into as unknown as Route & Hop
  const flags: string[] = []
  const found: Record<string, number | string> = {}
  const next = (): string => words.shift() ?? ''
  for (let word = next(); word !== ''; word = next()) {
    const metric = byWord.get(word)
    if (metric) {
      const locked = words[0] === 'lock' && next() === 'lock'
      found[word] = metricValue(metric, metricOf(metric, next()), locked)
    } else if (FLAGS.has(word)) flags.push(word)
    else if (word === 'encap') route.encap = encapsulation(words)
    else if (word === 'via') {
      const one = next()
      if (one === 'inet' || one === 'inet6') route.via = { family: one, host: next() }
      else route.gateway = one
    } else if (word === 'as') {
      if (words[0] === 'to') next()
      route.to = next()
    } else if (word === 'realm' || word === 'realms') {
      const [from, to] = next().split('/')
      route.flow = to === undefined ? { to: from ?? '' } : { from: from ?? '', to }
    } else if (word === 'metric') route.metric = Number(next())
    else if (word === 'weight') route.weight = Number(next())
    else if (word === 'nhid') route.nhid = Number(next())
    else if (word === 'proto') route.protocol = next()
    else if (word === 'src') route.prefsrc = next()
    else if (['from', 'tos', 'dev', 'table', 'scope', 'pref'].includes(word))
      (route as unknown as Record<string, string>)[word] = next()
    else if (word === 'ttl-propogate' || word === 'ttl-propagate')
      route.ttl_propagate = next() // the first is iproute2's own
    else if (word === 'expires') route.expires = Number.parseInt(next())
  }
  if (Object.keys(found).length) route.metrics = [found]
  route.flags = flags
  return into
}

/** The words of an encapsulation: it is printed before the way, which is all but always there. */
function encapsulation(words: string[]): string {
  const end = words.findIndex((word) => word === 'via' || word === 'dev')
  const all = words.splice(0, end < 0 ? words.length : end)
  // The type of service of the route itself is hexadecimal.
  if (all.at(-2) === 'tos' && all.at(-1)?.startsWith('0x')) words.unshift(...all.splice(-2))
  return all.join(' ')
}

/** `1.5s` and `250ms` are times, of which iproute2 tells the first with six digits. */
function metricOf({ perMillisecond, words }: Metric, text: string): number | string {
  if (perMillisecond === undefined) return words ? text : Number(text)
  const seconds = /^([\d.]+)s$/.exec(text)?.[1]
  return seconds === undefined ? text : `${Math.round(Number(seconds) * 1000)}ms`
}

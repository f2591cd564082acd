import type { Colors } from 'picocolors/types'
import type { Way, WayHop, WayPacket, WayRewrite, WayRoute, WayRule } from '../model/packet-way.ts'
import type { FORMAT } from './json.ts'
import type { ComparedWay } from './ways-compared.ts'

/** What `netlab trace --json` prints. */
export interface TraceJson extends Way {
  readonly format_version: typeof FORMAT
  readonly lab: string
  /** With --compare. */
  readonly compared?: ComparedWay
}

const end = (address: string, port: number | undefined): string =>
  port === undefined ? address : address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

/** `10.0.0.1:4000 → 10.0.0.2:80 tcp` */
const packetWords = ({ protocol, source, destination, sport, dport }: WayPacket): string =>
  `${end(source, sport)} → ${end(destination, dport)} ${protocol}`

/** The story of a packet: hop by hop, then the way of its answer, then the end in one sentence. */
export function renderWay(way: Way, c: Colors): string {
  const { verdict, reason, hops, reply, at } = way
  const blocks = renderHops(hops, c)
  const paint = verdict === 'answered' ? c.green : c.red
  const source = at?.rule?.source
  return [
    `${c.bold(`${way.from} → ${way.to}`)}\n`,
    ...(blocks.length ? ['\n', ...blocks] : []),
    ...(reply
      ? [
          `\n${c.bold(reply.kind === 'answer' ? 'The answer' : 'The error that came back')}\n\n`,
          ...renderHops(reply.hops, c),
        ]
      : []),
    `\n${paint(c.bold(verdict))}: ${reason}.\n`,
    ...(source === undefined ? [] : [c.dim(`  ${source}\n`)]),
  ].join('')
}

/** The hops. What goes round a loop is shown once. */
function renderHops(hops: readonly WayHop[], c: Colors): string[] {
  const met = new Set<string>()
  let again = 0
  return hops.flatMap((hop, i) => {
    const key = [hop.namespace, hop.in, hop.out].join(' ')
    const isKnown = met.has(key) && i < hops.length - 1
    met.add(key)
    if (isKnown) return (again++, [])
    const skipped = again === 0 ? [] : [c.dim(`  … and so on: ${again} more hops round the loop …\n`)]
    again = 0
    return [...skipped, renderHop(hop, hops[i - 1], c)]
  })
}

function renderHop(hop: WayHop, before: WayHop | undefined, c: Colors): string {
  const { namespace, interfaces, bridge, packet, route, carrier_route, neighbor, rules, rewrites, unknown } = hop
  const names = interfaces.map(({ interface: name }) => name)
  const way = names.filter((name, i) => name !== names[i - 1]).join(' → ')
  const head = `  ${c.bold(c.cyan(namespace))}  ${way || c.dim('(it came to no interface)')}`
  const isSame = before && packetWords(before.packet) === packetWords(packet)
  const lines = [
    ...(isSame ? [] : [`${packetWords(packet)}, ttl ${packet.ttl}`]),
    ...(bridge === undefined ? [] : [`bridge ${bridge}`]),
    ...ordered(rules, rewrites, route, neighbor),
    ...interfaces.flatMap(({ interface: name, carried_by: outer, wire }) => [
      ...(outer ? [`at ${name} carried by ${packetWords(outer)}`] : []),
      ...(wire ? [`at ${name} carried by VXLAN ${wire.vni} from ${wire.from} to ${wire.to}`] : []),
    ]),
    ...(carrier_route ? [`carrier: ${routeWords(carrier_route)}`] : []),
    ...(unknown === undefined ? [] : [c.yellow(`unknown: ${unknown}`)]),
  ]
  return `${head}\n${lines.map((line) => `    ${line}\n`).join('')}`
}

/** Hooks before the route of a packet is chosen. */
const EARLY = ['ingress', 'prerouting']

/** What happened in a namespace, in the order in which it did. */
function ordered(
  rules: readonly WayRule[],
  rewrites: readonly WayRewrite[],
  route: WayRoute | undefined,
  neighbor: WayHop['neighbor'],
): string[] {
  const lines: string[] = []
  let isEarly = true
  const told = new Set<string>()
  const rewritten = (hook: string): void => {
    if (told.has(hook)) return
    told.add(hook)
    const here = rewrites.filter((one) => one.hook === hook)
    if (here.length) lines.push(here.map(rewriteWords).join(', '))
  }
  const routed = (): void => {
    if (!isEarly) return
    isEarly = false
    for (const hook of EARLY) rewritten(hook)
    if (route) lines.push(routeWords(route))
  }
  let hook = ''
  const isLocal = rewrites.some((one) => one.hook === 'output') || rules[0]?.hook === 'output'
  if (isLocal) routed()
  for (const rule of rules) {
    if (rule.hook !== undefined && rule.hook !== hook) {
      if (hook !== '') rewritten(hook)
      hook = rule.hook
      if (!EARLY.includes(hook)) routed()
    }
    const line = ruleLine(rule)
    if (line !== undefined) lines.push(line)
  }
  if (hook !== '') rewritten(hook)
  routed()
  for (const one of rewrites) rewritten(one.hook)
  if (neighbor)
    lines.push(
      `asks at ${neighbor.interface} who has ${neighbor.address}${neighbor.answered ? '' : ': nobody answers'}`,
    )
  return lines
}

/** A rule as a line; undefined for a policy that lets the packet pass. */
function ruleLine({ table, chain, number, text, verdict, carrier }: WayRule): string | undefined {
  if (number === undefined && verdict === 'accept') return undefined
  const place = number === undefined ? '' : ` ${number}`
  return `${carrier ? 'carrier: ' : ''}${table} ${chain}${place}: ${text}${number === undefined || text.includes(verdict) ? '' : ` (${verdict})`}`
}

const rewriteWords = ({ hook, field, before, after }: WayRewrite): string =>
  `${hook}: ${field} ${before} becomes ${after}`

function routeWords({ table, prefix, type, via, dev, nexthops, rule }: WayRoute): string {
  if (table === 'local') return `the address ${prefix} is its own`
  const to = [
    ...(type === undefined ? [] : [type]),
    prefix,
    ...(via === undefined ? [] : [`via ${via}`]),
    ...(dev === undefined ? [] : [`dev ${dev}`]),
  ].join(' ')
  const where = table === 'main' ? '' : `, table ${table}`
  const several = nexthops ? `, one of ${nexthops.length} next hops: ${nexthops.join(', ')}` : ''
  return `route ${to}${where}${rule === undefined ? '' : ` (ip rule ${rule})`}${several}`
}

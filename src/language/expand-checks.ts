import { canonicalAddress, parseCidr } from '../model/cidr.ts'
import type { Check, Observation } from '../model/check.ts'
import { nameOf } from '../model/resource.ts'
import type { Topology } from '../model/topology.ts'
import type { Expansion } from './expansion.ts'
import type { CheckFile, Settings } from './lab-file.ts'
import { quantity } from '../kinds/impairments.ts'
import { argvOf } from '../kinds/process-lab.ts'
import { suggest } from './report.ts'
import type { Path } from './yaml/source.ts'

const kinds = ['ping', 'tcp', 'udp', 'run'] as const
type Kind = (typeof kinds)[number]
/** Fields that cannot be used with some kinds of check, and why. */
const senseless: Readonly<Record<string, Readonly<Partial<Record<Kind, string>>>>> = {
  to: { ping: 'The kernel answers pings, so nothing needs to listen.' },
  mtu: {
    tcp: 'TCP splits its data into packets that fit. Test the size with ping.',
    udp: 'Test the size with ping.',
    run: 'The command creates its own packets: give it their size, as in ping -M do -s 1472.',
  },
}
/** The fields by which an observation identifies packets. */
const marks = ['source', 'destination', 'sport', 'dport', 'protocol'] as const

/** The most that a check may take with `within`, in seconds. */
const LONGEST = 3600

/** The lab's own tests. */
export function expandChecks(x: Expansion, topology: Topology): Check[] {
  return (x.file.checks ?? []).flatMap((check, i) => expandCheck(x, topology, check, ['checks', i]) ?? [])
}

function expandCheck(x: Expansion, topology: Topology, c: CheckFile, path: Path): Check | undefined {
  const before = x.report.diagnostics.length
  const known = (name: string, where: Path): boolean => {
    if (Object.hasOwn(x.file.namespaces, name)) return true
    const names = Object.keys(x.file.namespaces)
    x.report.error(
      'unknown-reference',
      where,
      `there is no namespace ${name}`,
      () => suggest(name, names) ?? `There are: ${names.join(', ')}.`,
    )
    return false
  }
  const target = (text: string, where: Path): void => {
    if (canonicalAddress(text) === undefined) known(text, where)
  }
  const withPort = (text: string, where: Path): string | undefined => {
    const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
    if (port === undefined || Number(port) < 1 || Number(port) > 65535)
      return void x.report.error(
        'bad-value',
        where,
        `"${text}" is not a host and port`,
        'Write it as web:80, 10.0.0.1:80 or [fd00::1]:80.',
      )
    return bracketed ?? plain
  }
  known(c.from, [...path, 'from'])
  const said = kinds.filter((kind) => c[kind] !== undefined)
  const [kind] = said
  if (said.length !== 1 || kind === undefined)
    return void x.report.error(
      'bad-check',
      path,
      said.length
        ? `a check has one of ping, tcp, udp and run, this one has ${said.join(' and ')}`
        : 'the check has nothing to run',
      'Give one of ping, tcp, udp and run.',
    )
  for (const [field, reasons] of Object.entries(senseless))
    if (c[field] !== undefined && reasons[kind] !== undefined)
      x.report.error('bad-check', [...path, field], `${field} has no effect with ${kind}`, reasons[kind], 'key')
  if (kind === 'ping') target(String(c['ping']), [...path, 'ping'])
  if (kind === 'tcp' || kind === 'udp') {
    const host = withPort(String(c[kind]), [...path, kind])
    if (host !== undefined) target(host, [...path, kind])
  }
  if (c['to'] !== undefined) {
    const host = withPort(String(c['to']), [...path, 'to'])
    if (host !== undefined) known(host, [...path, 'to'])
  }
  const during = c['during'] as string | undefined
  if (during !== undefined && !Object.hasOwn(x.file.faults ?? {}, during)) {
    const names = Object.keys(x.file.faults ?? {})
    x.report.error(
      'unknown-reference',
      [...path, 'during'],
      `there are no faults ${during}`,
      () =>
        suggest(during, names) ?? (names.length ? `There are: ${names.join(', ')}.` : 'Describe them under faults.'),
    )
  }
  const { expect } = c
  if (typeof expect === 'object' && kind !== 'run')
    x.report.error(
      'bad-check',
      [...path, 'expect'],
      'exit code and output can be expected only of a command (run)',
      'Here expect is pass or fail.',
    )
  for (const stream of ['stdout', 'stderr']) {
    const wanted = (expect as Settings | undefined)?.[stream]
    const [, pattern, flags] = /^\/(.*)\/([imsu]*)$/s.exec(typeof wanted === 'string' ? wanted : '') ?? []
    if (pattern !== undefined)
      try {
        new RegExp(pattern, flags)
      } catch (error) {
        x.report.error(
          'bad-value',
          [...path, 'expect', stream],
          `${String(wanted)} is not a pattern`,
          (error as Error).message,
        )
      }
  }
  const duration = (field: 'timeout' | 'within'): number | undefined => {
    if (c[field] === undefined) return undefined
    const time = quantity(c[field], { us: 1, ms: 1e3, s: 1e6, m: 6e7 }, 1e6)
    if (!time)
      x.report.error(
        'bad-value',
        [...path, field],
        `"${String(c[field])}" is not a time`,
        'Seconds, or a duration such as 500ms.',
      )
    return time === undefined ? undefined : time / 1e6
  }
  const [timeout, within] = [duration('timeout'), duration('within')]
  if (within !== undefined && within > LONGEST)
    x.report.error('out-of-range', [...path, 'within'], `${String(c['within'])} is too long`, 'At most an hour: 60m.')
  const observed = ([] as Settings[]).concat((c['observe'] as Settings | undefined) ?? [])
  observed.forEach((o, i) =>
    checkObservation(x, topology, o, kind, [...path, 'observe', ...(Array.isArray(c['observe']) ? [i] : [])], known),
  )
  if (x.report.diagnostics.length > before) return undefined
  const { run, timeout: _, within: __, observe: ___, ...rest } = c
  return {
    ...(rest as unknown as Check),
    ...(run !== undefined && { run: argvOf(run) }),
    ...(timeout !== undefined && { timeout }),
    ...(within !== undefined && { within }),
    ...(observed.length && { observe: observed as unknown as Observation[] }),
    get source() {
      return x.report.position(path)
    },
  }
}

/** Reports an observation at an interface that does not exist, or of a packet that cannot appear there. */
function checkObservation(
  x: Expansion,
  { links }: Topology,
  o: Settings,
  kind: Kind,
  where: Path,
  known: (name: string, where: Path) => boolean,
): void {
  const [home = '', name = ''] = String(o['at']).split(/:(.*)/s)
  if (name === '')
    x.report.error('bad-value', [...where, 'at'], `"${String(o['at'])}" is not a place`, 'Write NAMESPACE:INTERFACE.')
  else if (known(home, [...where, 'at'])) {
    const base = x.file.namespaces[home]?.shares ?? home
    const here = links(base).map(({ id }) => nameOf(id))
    if (!here.includes(name) && !x.borrowed(base))
      x.report.error(
        'unknown-reference',
        [...where, 'at'],
        `there is no interface ${name} in ${home}`,
        () => suggest(name, here) ?? `There are: ${here.join(', ')}.`,
      )
  }
  for (const field of ['source', 'destination']) {
    const text = o[field] === undefined ? undefined : String(o[field])
    if (text === undefined || canonicalAddress(text) !== undefined || parseCidr(text)) continue
    if (/[/:]/.test(text))
      x.report.error(
        'bad-value',
        [...where, field],
        `"${text}" is not an address`,
        'Write an address, a subnet or a namespace.',
      )
    else known(text, [...where, field])
  }
  const protocol = String(o['protocol'])
  if (protocol.startsWith('icmp'))
    for (const field of ['sport', 'dport'])
      if (o[field] !== undefined)
        x.report.error(
          'bad-check',
          [...where, field],
          `${field} has no effect with ${protocol}`,
          'ICMP has no ports.',
          'key',
        )
  if (kind === 'run' && marks.every((field) => o[field] === undefined))
    x.report.error(
      'bad-check',
      where,
      'with run, an observation needs a field that describes the packet',
      `Otherwise any packet would match, because netlab does not know which packets the command sends. Give one of ${marks.join(', ')}.`,
    )
}

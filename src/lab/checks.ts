import { canonicalAddress } from '../model/cidr.ts'
import type { Check, Observation } from '../model/check.ts'
import type { Expansion } from './context.ts'
import type { CheckFile, Settings } from './file.ts'
import { quantity } from './impairments.ts'
import { argvOf } from './processes.ts'
import { suggest } from './report.ts'
import type { Path } from './source.ts'

const kinds = ['ping', 'tcp', 'udp', 'run'] as const
/** Fields that mean something only with some kinds of check. */
const onlyWith: Readonly<Record<string, readonly string[]>> = {
  to: ['tcp', 'udp'],
  mtu: ['ping'],
  count: ['ping', 'tcp', 'udp'],
  observe: ['ping', 'tcp', 'udp'],
}

/** The lab's own tests. */
export function expandChecks(x: Expansion): Check[] {
  return (x.file.checks ?? []).flatMap((check, i) => expandCheck(x, check, ['checks', i]) ?? [])
}

function expandCheck(x: Expansion, c: CheckFile, path: Path): Check | undefined {
  const before = x.report.diagnostics.length
  const known = (name: string, where: Path): boolean => {
    if (Object.hasOwn(x.file.namespaces, name)) return true
    const names = Object.keys(x.file.namespaces)
    x.report.error(where, `there is no namespace ${name}`, suggest(name, names) ?? `There are: ${names.join(', ')}.`)
    return false
  }
  const target = (text: string, where: Path): void => {
    if (canonicalAddress(text) === undefined) known(text, where)
  }
  const withPort = (text: string, where: Path): string | undefined => {
    const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
    if (port === undefined || Number(port) < 1 || Number(port) > 65535)
      return void x.report.error(
        where,
        `"${text}" is no host and port`,
        'Write it as web:80, 10.0.0.1:80 or [fd00::1]:80.',
      )
    return bracketed ?? plain
  }
  known(c.from, [...path, 'from'])
  const said = kinds.filter((kind) => c[kind] !== undefined)
  const [kind] = said
  if (said.length !== 1 || kind === undefined)
    return void x.report.error(
      path,
      said.length ? `a check tries one thing, this one ${said.join(' and ')}` : 'the check tries nothing',
      'Give one of ping, tcp, udp and run.',
    )
  for (const [field, allowed] of Object.entries(onlyWith))
    if (c[field] !== undefined && !allowed.includes(kind))
      x.report.error([...path, field], `${field} means nothing with ${kind}`, undefined, 'key')
  if (kind === 'ping') target(String(c['ping']), [...path, 'ping'])
  if (kind === 'tcp' || kind === 'udp') {
    const host = withPort(String(c[kind]), [...path, kind])
    if (host !== undefined) target(host, [...path, kind])
  }
  if (c['to'] !== undefined) {
    const host = withPort(String(c['to']), [...path, 'to'])
    if (host !== undefined) known(host, [...path, 'to'])
  }
  const { expect } = c
  if (typeof expect === 'object' && kind !== 'run')
    x.report.error(
      [...path, 'expect'],
      'an exit code and output are expected of a command (run)',
      'Here it is pass or fail.',
    )
  for (const stream of ['stdout', 'stderr']) {
    const wanted = (expect as Settings | undefined)?.[stream]
    if (typeof wanted === 'string' && /^\/.*\/$/s.test(wanted))
      try {
        new RegExp(wanted.slice(1, -1))
      } catch (error) {
        x.report.error([...path, 'expect', stream], `${wanted} is no pattern`, (error as Error).message)
      }
  }
  const timeout =
    c['timeout'] === undefined ? undefined : quantity(c['timeout'], { us: 1, ms: 1e3, s: 1e6, m: 6e7 }, 1e6)
  if (c['timeout'] !== undefined && !timeout)
    x.report.error(
      [...path, 'timeout'],
      `"${String(c['timeout'])}" is no time`,
      'Seconds, or a duration such as 500ms.',
    )
  const observed = ([] as Settings[]).concat((c['observe'] as Settings | undefined) ?? []).map((o, i, all) => {
    const where = Array.isArray(c['observe']) && all.length ? [...path, 'observe', i] : [...path, 'observe']
    const [home = '', name = ''] = String(o['at']).split(/:(.*)/s)
    if (name === '') x.report.error([...where, 'at'], `"${String(o['at'])}" is no place`, 'Write NAMESPACE:INTERFACE.')
    else if (known(home, [...where, 'at'])) {
      const base = x.file.namespaces[home]?.shares ?? home
      const here = [...x.resources.values()]
        .filter((r) => r.namespace === base && 'up' in r.spec)
        .map(({ id }) => id.slice(base.length + 1))
      if (!here.includes(name) && !x.file.namespaces[base]?.root)
        x.report.error(
          [...where, 'at'],
          `there is no interface ${name} in ${home}`,
          suggest(name, here) ?? `There are: ${here.join(', ')}.`,
        )
    }
    for (const field of ['source', 'destination'])
      if (o[field] !== undefined && canonicalAddress(String(o[field])) === undefined)
        x.report.error([...where, field], `"${String(o[field])}" is no address`)
    return o as unknown as Observation
  })
  if (x.report.diagnostics.length > before) return undefined
  const { run, timeout: _, observe: __, ...rest } = c
  return {
    ...(rest as unknown as Check),
    ...(run !== undefined && { run: argvOf(run) }),
    ...(timeout !== undefined && { timeout: timeout / 1e6 }),
    ...(observed.length && { observe: observed }),
    get source() {
      return x.report.position(path)
    },
  }
}

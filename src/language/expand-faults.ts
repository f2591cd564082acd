import { impairments, quantity } from '../kinds/impairments.ts'
import { parseCidr } from '../model/cidr.ts'
import { parseTarget, isPattern } from '../model/fault-target.ts'
import { nameOf } from '../model/resource.ts'
import type { Span, Timeline, TimelineAction, TimelineStep } from '../model/timeline.ts'
import type { Topology } from '../model/topology.ts'
import type { Expansion } from './expansion.ts'
import type { FaultStepFile, Settings } from './lab-file.ts'
import { suggest } from './report.ts'
import type { Path } from './yaml/source.ts'

const ACTIONS = ['cut', 'impair', 'partition', 'heal'] as const
type Action = (typeof ACTIONS)[number]
/** Fields that have no meaning with some actions. */
const FIELDS: Readonly<Record<string, readonly Action[]>> = {
  one_way: ['cut'],
  impairments: ['impair'],
  to: ['impair'],
  from: ['impair'],
  for: ['cut', 'impair', 'partition'],
  pick: ['cut', 'impair', 'heal'],
}
/** The longest time in a timeline, in milliseconds: a day. */
const LONGEST = 86_400_000

/** The timelines of a lab, by name. Errors are reported. */
export function expandFaults(x: Expansion, topology: Topology): Map<string, Timeline> {
  return new Map(
    Object.entries(x.file.faults ?? {}).map(([name, steps]) => {
      const path = ['faults', name]
      const all = (steps ?? []).flatMap((step, i) => expandStep(x, topology, step, [...path, i]) ?? [])
      return [name, { name, steps: all, source: x.report.position(path, 'key') }]
    }),
  )
}

function expandStep(x: Expansion, topology: Topology, step: FaultStepFile, path: Path): TimelineStep | undefined {
  const before = x.report.diagnostics.length
  const given = ACTIONS.filter((one) => step[one] !== undefined)
  const [action] = given
  if (given.length !== 1 || action === undefined)
    return void x.report.error(
      'bad-fault',
      path,
      given.length
        ? `a step has one of ${ACTIONS.join(', ')}, this one has ${given.join(' and ')}`
        : 'the step does nothing',
      `Give exactly one of ${ACTIONS.join(', ')}.`,
    )
  for (const [field, actions] of Object.entries(FIELDS))
    if (step[field] !== undefined && !actions.includes(action))
      x.report.error('bad-fault', [...path, field], `${field} has no effect with ${action}`, undefined, 'key')
  const at = spanOf(x, step.at, [...path, 'at'])
  const lasts = step['for'] === undefined ? undefined : spanOf(x, step['for'], [...path, 'for'])
  const what = actionOf(x, topology, action, step, path)
  if (x.report.diagnostics.length > before || !at || !what) return undefined
  const pick = step['pick'] as number | undefined
  return { ...what, at, ...(lasts && { lasts }), ...(pick !== undefined && { pick }) }
}

/** A time, or `1s..5s`, in milliseconds. */
function spanOf(x: Expansion, value: unknown, path: Path): Span | undefined {
  const times = String(value)
    .split('..')
    .map((text) => quantity(text, { us: 1, ms: 1e3, s: 1e6, m: 6e7, min: 6e7, h: 3.6e9 }, 1e6))
  const [least, most = least] = times.map((time) => (time === undefined ? undefined : time / 1000))
  if (times.length > 2 || least === undefined || most === undefined || most < least)
    return void x.report.error('bad-value', path, `"${String(value)}" is not a time`, 'As in 5s, 500ms or 1s..5s.')
  if (most > LONGEST)
    return void x.report.error('out-of-range', path, `${String(value)} is too long`, 'At most a day: 24h.')
  return [least, most]
}

const listOf = (value: unknown): readonly string[] => (Array.isArray(value) ? (value as string[]) : [String(value)])

function actionOf(
  x: Expansion,
  topology: Topology,
  action: Action,
  step: FaultStepFile,
  path: Path,
): TimelineAction | undefined {
  const known = (name: string, where: Path): void => void mustBeKnown(x, name, where)
  if (action === 'partition') {
    const groups = (step['partition'] as readonly unknown[]).map(listOf)
    const seen = new Set<string>()
    for (const [i, group] of groups.entries())
      for (const [j, name] of group.entries()) {
        const where = [...path, 'partition', i, ...(Array.isArray((step['partition'] as unknown[])[i]) ? [j] : [])]
        known(name, where)
        if (seen.has(name)) x.report.error('given-twice', where, `${name} is in two groups`)
        seen.add(name)
      }
    return { do: 'partition', groups }
  }
  const words = listOf(step[action])
  const targets = action === 'heal' && words.length === 1 && words[0] === 'all' ? [] : words
  for (const [i, word] of targets.entries())
    checkTarget(x, topology, word, [...path, action, ...(Array.isArray(step[action]) ? [i] : [])])
  if (action === 'heal') return { do: 'heal', targets }
  if (action === 'cut') return { do: 'cut', targets, ...(step['one_way'] === true && { oneWay: true as const }) }
  const { to, from } = step as { to?: string; from?: string }
  for (const [side, value] of Object.entries({ to, from }))
    for (const part of value?.split(',') ?? []) if (!parseCidr(part.trim())) known(part.trim(), [...path, side])
  if (to !== undefined && from !== undefined)
    x.report.error('bad-fault', [...path, 'from'], 'to and from exclude each other', 'Write two steps.', 'key')
  const entry = (step['impairments'] ?? {}) as Settings
  const inner = [...path, 'impairments']
  const spec = impairments(entry, {
    ...{ namespace: '', root: false, name: '', folder: '', resources: x.resources },
    error: (code, at, ...said) => x.report.error(code, [...inner, ...at], ...said),
    warning: (code, at, ...said) => x.report.warning(code, [...inner, ...at], ...said),
  })
  if (!spec && Object.keys(entry).length === 0)
    x.report.error('bad-fault', path, 'impair has no impairments', 'As in: impairments: { delay: 50ms }')
  const settings = Object.fromEntries(Object.entries(entry).map(([name, value]) => [name, String(value)]))
  return { do: 'impair', targets, settings, ...(to !== undefined && { to }), ...(from !== undefined && { from }) }
}

function mustBeKnown(x: Expansion, name: string, where: Path): boolean {
  const names = Object.keys(x.file.namespaces)
  if (isPattern(name) || Object.hasOwn(x.file.namespaces, name)) return true
  x.report.error(
    'unknown-reference',
    where,
    `there is no namespace ${name}`,
    () => suggest(name, names) ?? `There are: ${names.join(', ')}.`,
  )
  return false
}

/** Reports a target that is not written as one, or is not in the lab. */
function checkTarget(x: Expansion, { links }: Topology, word: string, where: Path): void {
  const ends = parseTarget(word, (name) => Object.hasOwn(x.file.namespaces, name))
  if (!ends) return x.report.error('bad-value', where, `"${word}" is no target`, 'Write NS:IF, NS:IF-NS:IF or NS.')
  for (const { namespace, device } of ends) {
    if (!mustBeKnown(x, namespace, where) || isPattern(namespace) || device === undefined || isPattern(device)) continue
    const home = x.file.namespaces[namespace]?.shares ?? namespace
    const here = links(home).map(({ id }) => nameOf(id))
    if (!here.includes(device) && !x.borrowed(home))
      x.report.error(
        'unknown-reference',
        where,
        `there is no interface ${device} in ${namespace}`,
        () => suggest(device, here) ?? `There are: ${here.join(', ')}.`,
      )
  }
}

import type { IptablesKind, IptablesSpec } from '../model/firewall.ts'
import type { Kind, LabContext, PlanContext } from '../model/kind.ts'
import type { Difference, Emission, Stage } from '../model/change.ts'
import type { Resource } from '../model/resource.ts'
import { removalStage, isLost, within, mapped } from './common.ts'
import {
  entryFault,
  ipsetValue,
  entryKey,
  setNameFault,
  setNamesIn,
  parseIpsets,
  type IpsetSpec,
} from '../firewall/ipset-text.ts'
import { restoreInput, type TableLines } from '../firewall/transaction.ts'
import { setsOf } from '../firewall/rule-words.ts'
import { ofNamespace } from './lab-entry.ts'

/** `ns0/ipset/blocked` */
export const ipsetId = (namespace: string, name: string): string => `${namespace}/ipset/${name}`

/** The resource of a set. */
export const ipsetResource = (namespace: string, spec: IpsetSpec): Resource<IpsetSpec> => ({
  id: ipsetId(namespace, spec.name),
  kind: 'ipset',
  namespace,
  spec,
})

/** A set as a lab file has it. */
export interface IpsetFile {
  readonly type: string
  readonly entries?: readonly (string | number)[]
  readonly [setting: string]: unknown
}

function fromLab({ type, entries = [], ...settings }: IpsetFile, { name, error }: LabContext): IpsetSpec {
  const fault = setNameFault(name)
  if (fault) error('bad-set', [], fault.summary, fault.detail, 'key')
  const texts = entries.map(String)
  texts.forEach((text, i) => {
    const wrong = entryFault(text)
    if (wrong) error('bad-set', ['entries', i], wrong.summary, wrong.detail)
  })
  return {
    name,
    type,
    settings: mapped(settings, (value) => (value === true ? true : String(value))),
    entries: texts,
    written: true,
  }
}

/** The name of a set that is created to be swapped with another: no set of a lab can have it. */
const NEW = 'netlab.new'

/** The line of `ipset restore` that creates an empty set. */
export const creation = ({ name, type, settings }: IpsetSpec, as = name): string =>
  ['create', as, type, ...Object.entries(settings).flatMap(([key, value]) => (value === true ? [key] : [key, value]))].join(' ') // prettier-ignore

/** The lines of `ipset restore` that create and fill a set. */
export const filling = (spec: IpsetSpec, as = spec.name): string[] => [
  creation(spec, as),
  ...[...spec.entries, ...(spec.passing ?? [])].map((entry) => `add ${as} ${entry}`),
]

/** The setting that the kernel doubles when the set is full. */
const GROWING = 'hashsize'

const note = 'ipset cannot change it in place: the set is made anew, and its counters start at zero'

/** The differences: in type, settings and entries. An entry with the same key and other options is one difference. */
export function compareIpsets(live: IpsetSpec, desired: IpsetSpec): Difference[] {
  const fields = [...new Set([...Object.keys(live.settings), ...Object.keys(desired.settings)])]
  const settings = fields.flatMap((field): Difference[] => {
    const [from, to] = [live.settings[field], desired.settings[field]]
    if (from === to || (field === GROWING && Number(from) >= Number(to ?? 0))) return []
    return [{ field, ...(from !== undefined && { from }), ...(to !== undefined && { to }), note }]
  })
  const [before, after] = [byKey(live.entries), byKey(desired.entries)]
  const entries = [...new Set([...before.keys(), ...after.keys()])].flatMap((key): Difference[] => {
    const [from, to] = [before.get(key), after.get(key)]
    if (from === to || (to === undefined && desired.filled)) return []
    return [{ field: 'entries', ...(from !== undefined && { from }), ...(to !== undefined && { to }) }]
  })
  const type = live.type === desired.type ? [] : [{ field: 'type', from: live.type, to: desired.type, note }]
  return [...type, ...settings, ...entries]
}

const byKey = (entries: readonly string[]): Map<string, string> =>
  new Map(entries.map((entry) => [entryKey(entry), entry]))

const restoring = (resource: Resource<any>, stage: Stage, lines: readonly string[]): Emission[] => {
  const operation = { ...within(resource, 'ipset', 'restore'), input: `${lines.join('\n')}\n` }
  return [{ stage, operation }]
}

/**
 * Replaces a set that rules refer to, which the kernel refuses: these rules are removed, and then put back in their places.
 * Other rules are not touched. The arguments are the inputs of iptables-restore and ip6tables-restore before, then after.
 */
const APART = `# the rules that name the set step aside
rules() { [ -z "$2" ] || printf '%s' "$2" | "$1" --noflush -w; }
rules iptables-restore "$1" && rules ip6tables-restore "$2" || exit
ipset restore || exit
rules iptables-restore "$3" && rules ip6tables-restore "$4"`

/** The commands that remove the rules which refer to a set from their chains, and those that put them back. */
function aside(
  resource: Resource<IpsetSpec>,
  kind: IptablesKind,
  live: PlanContext['live'],
  fits: boolean,
): [string, string] {
  const found = live.get(`${resource.namespace}/${kind}`)?.spec as unknown as IptablesSpec | undefined
  const tables: Record<'out' | 'back', TableLines[]> = { out: [], back: [] }
  for (const [table, chains] of Object.entries(found?.tables ?? {})) {
    const slots = Object.entries(chains).flatMap(([chain, { rules }]) =>
      rules.flatMap((rule, i) => (setsOf(rule).includes(resource.spec.name) ? [{ chain, place: i + 1, rule }] : [])),
    )
    if (slots.length === 0) continue
    tables.out.push({ table, lines: slots.toReversed().map(({ chain, place }) => `-D ${chain} ${place}`) })
    // A rule that does not fit the new set is not desired any more: an empty rule keeps its position until that is deleted.
    tables.back.push({
      table,
      lines: slots.map(({ chain, place, rule }) => `-I ${chain} ${place} ${fits ? rule : ''}`),
    })
  }
  return [restoreInput(tables.out), restoreInput(tables.back)]
}

/** Replaces a set by one of another type or family, with which the kernel cannot swap it. */
function remake(live: Resource<IpsetSpec>, desired: Resource<IpsetSpec>, context: PlanContext): Emission[] {
  const { name } = live.spec
  const lists = [...context.live.values()].flatMap(({ kind, namespace, spec }) =>
    kind === 'ipset' && namespace === live.namespace && setNamesIn(spec as unknown as IpsetSpec).includes(name)
      ? [String(spec['name'])]
      : [],
  )
  const fits = familyOf(live.spec) === familyOf(desired.spec)
  const [out4, back4] = aside(live, 'iptables', context.live, fits)
  const [out6, back6] = aside(live, 'ip6tables', context.live, fits)
  const lines = [
    ...lists.map((list) => `del ${list} ${name}`),
    `destroy ${name}`,
    ...filling(desired.spec),
    ...lists.map((list) => `add ${list} ${name}`),
  ]
  const argv = ['sh', '-c', APART, 'sh', out4, out6, back4, back6]
  return [{ stage: 'load sets', operation: { ...within(desired, ...argv), input: `${lines.join('\n')}\n` } }]
}

const familyOf = ({ settings }: IpsetSpec): string => String(settings['family'] ?? 'inet')

/** A set of ipset, to which rules of iptables refer. */
export const ipset: Kind<IpsetSpec> = {
  name: 'ipset',
  read: (dump, { namespace, borrowed }) =>
    borrowed ? [] : parseIpsets(dump.ipsets ?? '').map((spec) => ipsetResource(namespace, spec)),
  fromLab,
  toLab: (r) => ofNamespace(r, { ipsets: { [r.spec.name]: ipsetValue(r.spec) } }),
  describe: ({ type, entries, passing = [] }) => {
    const count = entries.length + passing.length
    return `${type}, ${count} ${count === 1 ? 'entry' : 'entries'}`
  },
  compare: compareIpsets,
  requires: () => ['ipset', 'ip_set'],
  needs: ({ namespace, spec }) => [namespace, ...setNamesIn(spec).map((name) => ipsetId(namespace, name))],
  lostWith: ({ namespace }) => [namespace],
  create: (r) => restoring(r, 'load sets', filling(r.spec)),
  update: ({ live, desired, differences }, context) => {
    const { name } = desired.spec
    if (live.spec.type !== desired.spec.type || familyOf(live.spec) !== familyOf(desired.spec))
      return remake(live, desired, context)
    if (differences.some(({ field }) => field !== 'entries')) {
      const lines = [...filling(desired.spec, NEW), `swap ${NEW} ${name}`, `destroy ${NEW}`]
      return restoring(desired, 'load sets', lines)
    }
    // The set may already have the entry with a timeout.
    const add = desired.spec.settings['timeout'] === undefined ? 'add' : 'add -exist'
    const lines = differences.flatMap(({ from, to }) => [
      ...(from === undefined ? [] : [`del ${name} ${entryKey(String(from))}`]),
      ...(to === undefined ? [] : [`${add} ${name} ${String(to)}`]),
    ])
    return restoring(desired, 'load sets', lines)
  },
  remove: (r, context) => {
    if (isLost(ipset, r, context)) return []
    const early = removalStage(r, context) === 'delete rules'
    // A set is deleted after the rules that refer to it, and a list before the sets in it.
    const [list, others] = early
      ? (['delete rules', 'delete routes'] as const)
      : (['load firewall', 'delete sets'] as const)
    return restoring(r, r.spec.type === 'list:set' ? list : others, [`destroy ${r.spec.name}`])
  },
}

import type { IptablesChain, IptablesKind, IptablesSpec } from '../model/firewall.ts'
import type { Kind } from '../model/kind.ts'
import type { Difference, Emission } from '../model/change.ts'
import type { Resource } from '../model/resource.ts'
import { removalStage, isLost, mapped, within } from './common.ts'
import { savedOf } from '../firewall/division.ts'
import { orderedDifferences } from '../firewall/ordered.ts'
import { isBuiltin, ownSpec, savedSpec } from '../firewall/save.ts'
import { fullLoad, reset, restoreInput, tableLines, type TableLines } from '../firewall/transaction.ts'
import { restored } from '../firewall/restore.ts'
import { structured, type RuleContext, type Written } from '../firewall/written.ts'
import { iptablesValue } from '../firewall/rule-files.ts'
import { ofNamespace } from './lab-entry.ts'

export { firewallDefinitions, firewallFields, iptablesSchema } from '../firewall/firewall-schema.ts'

/** `ns0/iptables` */
export const iptablesId = (namespace: string, kind: IptablesKind): string => `${namespace}/${kind}`

/** The resource of a desired rule set; undefined when the rule set is empty. */
export function iptablesResource(
  kind: IptablesKind,
  namespace: string,
  spec: IptablesSpec,
  extra: Pick<Resource, 'borrowed' | 'source'> = {},
): Resource<IptablesSpec> | undefined {
  if (Object.keys(spec.tables).length === 0) return undefined
  return { id: iptablesId(namespace, kind), kind, namespace, ...extra, spec }
}

/**
 * The rule set in the value of an `iptables` or `ip6tables` field, which has passed the schema, and the errors that its text
 * shows. It is not in the form of the tools yet. `context.dump` is the text of the file that `restore` names.
 */
export function desiredIptables(value: unknown, context: RuleContext): Written {
  const fields = (value ?? {}) as Readonly<Record<string, unknown>>
  return Object.hasOwn(fields, 'restore') ? restored(context.dump ?? '', context) : structured(fields, context)
}

function chainDifferences(table: string, name: string, from?: IptablesChain, to?: IptablesChain): Difference[] {
  const field = `${table}/${name}`
  const differences: Difference[] = []
  if (!isBuiltin(table, name) && !from) differences.push({ field, to: 'chain' })
  if (from?.policy !== to?.policy)
    differences.push({ field: `${field}/policy`, from: from?.policy ?? 'ACCEPT', to: to?.policy ?? 'ACCEPT' })
  differences.push(...orderedDifferences(field, from?.rules ?? [], to?.rules ?? []))
  if (!isBuiltin(table, name) && !to) differences.push({ field, from: 'chain' })
  return differences
}

/** `filter: 12 rules, nat: 1 rule` */
const describeIptables = ({ tables }: IptablesSpec): string =>
  Object.entries(tables)
    .map(([table, chains]) => {
      const count = Object.values(chains).reduce((sum, { rules }) => sum + rules.length, 0)
      return `${table}: ${count} ${count === 1 ? 'rule' : 'rules'}`
    })
    .join(', ')

/** The differences, rule by rule and in order. `field` is `TABLE/CHAIN`; a whole chain is `chain`, without positions. */
export function compareIptables(live: IptablesSpec, desired: IptablesSpec): Difference[] {
  const union = (a: object = {}, b: object = {}) => [...new Set([...Object.keys(a), ...Object.keys(b)])]
  return union(desired.tables, live.tables).flatMap((table) =>
    union(desired.tables[table], live.tables[table]).flatMap((name) =>
      chainDifferences(table, name, live.tables[table]?.[name], desired.tables[table]?.[name]),
    ),
  )
}

/**
 * Changes several tables, all or none: iptables-restore commits table by table, so when a later one fails, the script restores
 * the earlier ones with their counters. The arguments are the program and the tables.
 */
const GUARDED = `# all of these tables, or none
restore=$1 save=$2; shift 2
before=$(for table; do "$save" -c -t "$table"; done) || exit
"$restore" --noflush -w && exit
code=$?
printf '%s\\n' "$before" | "$restore" -w -c
exit $code`

function restoring(
  kind: IptablesKind,
  resource: Resource<any>,
  tables: readonly TableLines[],
  stage: Emission['stage'] = 'load firewall',
): Emission[] {
  if (tables.length === 0) return []
  const program = `${kind}-restore`
  const argv =
    tables.length === 1
      ? [program, '--noflush', '-w']
      : ['sh', '-c', GUARDED, 'sh', program, `${kind}-save`, ...tables.map(({ table }) => table)]
  const operation = { ...within(resource, ...argv), input: restoreInput(tables) }
  return [{ stage, operation }]
}

const nothing: IptablesSpec = { tables: {} }

/** The tables without the positions of rules among those of others. */
const publishedTables = (tables: IptablesSpec['tables']) =>
  mapped(tables, (chains) => mapped(chains, ({ places: _, shared: __, ...chain }) => chain))

/** The rules of one family in one namespace: one resource, whose rules are ordered and changed in place, all or none. */
export const iptablesKind = (kind: IptablesKind): Kind<IptablesSpec> => {
  const self: Kind<IptablesSpec> = {
    name: kind,
    read: (dump, { namespace, borrowed, lab, nftables }) => {
      if (dump[kind] === '') return []
      const saved = savedOf(dump[kind], kind === 'iptables' ? 'ip' : 'ip6', nftables)
      const spec = borrowed ? ownSpec(saved, lab) : savedSpec(saved)
      if (Object.keys(spec.tables).length === 0) return []
      return [{ id: iptablesId(namespace, kind), kind, namespace, ...(borrowed && { borrowed }), spec }]
    },
    describe: describeIptables,
    toLab: (r) => ofNamespace(r, { [kind]: iptablesValue(r.spec) }),
    published: ({ tables }) => ({ tables: publishedTables(tables) }),
    compare: compareIptables,
    requires: () => [`${kind}-restore`, `${kind}-save`],
    needs: ({ namespace }) => [namespace],
    lostWith: ({ namespace }) => [namespace],
    create: (r) => restoring(kind, r, r.borrowed ? tableLines(nothing, r.spec, true) : fullLoad(r.spec)),
    update: ({ live, desired }) =>
      restoring(kind, desired, tableLines(live.spec, desired.spec, desired.borrowed !== undefined)),
    remove: (r, context) => {
      if (isLost(self, r, context)) return []
      return restoring(
        kind,
        r,
        r.borrowed ? tableLines(r.spec, nothing, true) : reset(r.spec),
        removalStage(r, context),
      )
    },
  }
  return self
}

export const iptables = iptablesKind('iptables')
export const ip6tables = iptablesKind('ip6tables')

import { setsFilledBy, setsOf } from '../firewall/rule-words.ts'
import { ipset, ipsetId, ipsetResource } from '../kinds/ipset.ts'
import type { IptablesSpec } from '../model/firewall.ts'
import { nameOf, type Resource } from '../model/resource.ts'
import { labContext, type Expansion } from './expansion.ts'
import type { PlaceInFile } from './expand-firewalls.ts'
import { suggest } from './report.ts'

/** The sets of ipset of every namespace, as they are written. */
export function expandIpsets(x: Expansion): void {
  for (const [namespace, fields] of Object.entries(x.file.namespaces)) {
    const path = ['namespaces', namespace, 'ipsets']
    const sets = Object.entries(fields?.ipsets ?? {})
    if (x.borrowed(namespace) && sets.length) {
      x.report.error(
        'not-the-labs',
        path,
        'a lab cannot have sets in a namespace that it does not own',
        'A set cannot record which lab owns it.',
      )
      continue
    }
    // The kernel wants what is listed to be there first.
    sets.sort(([, a], [, b]) => Number(a.type === 'list:set') - Number(b.type === 'list:set'))
    for (const [name, entry] of sets) {
      const at = [...path, name]
      const spec = ipset.fromLab?.(entry, labContext(x, namespace, name, at))
      if (spec) x.add(ipsetResource(namespace, spec), at, 'key')
    }
  }
}

/** The sets that rules name: they must be the lab's, and some are filled by rules. Rules have been expanded. */
export function checkIpsets(x: Expansion, where: PlaceInFile): void {
  const all = [...x.resources.values()]
  for (const rules of all.filter(({ kind }) => kind === 'iptables' || kind === 'ip6tables')) {
    const { tables, written } = rules.spec as unknown as IptablesSpec
    for (const [table, chains] of Object.entries(tables))
      for (const [chain, { rules: list }] of Object.entries(chains))
        list.forEach((rule, i) => {
          const place = written?.[table]?.chains[chain]?.[i] ?? { path: [table, chain] }
          for (const name of setsOf(rule)) {
            if (x.resources.has(ipsetId(rules.namespace, name))) continue
            const position = where(rules.id, place).position ?? x.report.position(['namespaces', rules.namespace])
            x.report.at('bad-set', position, ...missing(x, rules, name))
          }
          for (const name of setsFilledBy(rule)) {
            const id = ipsetId(rules.namespace, name)
            const set = x.resources.get(id)
            if (set) x.resources.set(id, { ...set, spec: { ...set.spec, filled: true } })
          }
        })
  }
}

function missing(x: Expansion, { namespace, borrowed }: Resource, name: string): [summary: string, detail: string] {
  if (borrowed)
    return [
      `a rule in a namespace that the lab does not own cannot use the set ${name}`,
      'A lab cannot own sets there.',
    ]
  const others = [...x.resources.values()].flatMap(({ kind, namespace: home, id }) =>
    kind === 'ipset' && home === namespace ? [nameOf(nameOf(id))] : [],
  )
  const advice = `Declare it in namespaces.${namespace}: ipsets: { ${name}: { type: hash:ip, entries: [] } }`
  return [`there is no set ${name} in ${namespace}`, `${suggest(name, others) ?? ''} ${advice}`.trim()]
}

import type { RuleFile } from '../kinds/rule-lab.ts'
import { rule, ruleId } from '../kinds/rule.ts'
import { labContext, type Expansion } from './expansion.ts'
import type { Settings } from './lab-file.ts'
import { interfaceName } from './valid-names.ts'
import { suggest } from './report.ts'
import type { Path } from './yaml/source.ts'

/** The names of a namespace's interfaces; undefined for the machine's own, which has others than the lab knows. */
type Devices = ReadonlySet<string> | undefined

const FIRST_PRIORITY = 1000
const STEP = 10

/** The rules of a namespace. Those without a priority get 1000, 1010, … in their order, past those that others ask for. */
export function expandRules(
  x: Expansion,
  namespace: string,
  devices: Devices,
  rules: readonly Settings[],
  path: Path,
): void {
  const taken = new Set(rules.map(({ priority }) => priority))
  let free = FIRST_PRIORITY - STEP
  for (const [i, entry] of rules.entries()) {
    if (entry['priority'] === undefined)
      do free += STEP
      while (taken.has(free))
    const priority = (entry['priority'] as number | undefined) ?? free
    expandRule(x, namespace, devices, { ...entry, priority }, [...path, i])
  }
}

function expandRule(x: Expansion, namespace: string, devices: Devices, entry: RuleFile, path: Path): void {
  const spec = rule.fromLab?.(entry, labContext(x, namespace, '', path))
  if (spec && (['iif', 'oif'] as const).every((field) => mayBe(x, devices, spec[field], [...path, field])))
    x.add({ id: ruleId(namespace, spec), kind: 'rule', namespace, spec }, path)
}

/** Whether an interface can have that name; a rule may well wait for one that the lab does not have. */
function mayBe(x: Expansion, devices: Devices, name: string | undefined, path: Path): boolean {
  if (name === undefined || devices?.has(name)) return true
  const possible = interfaceName.test(name)
  if (!possible) x.report.error('bad-name', path, `"${name}" cannot be the name of an interface`)
  else if (devices)
    x.report.warning(
      'unknown-reference',
      path,
      `there is no interface ${name} here`,
      suggest(name, devices) ?? 'The rule matches nothing until there is one.',
    )
  return possible
}

import type { RuleFile } from '../kinds/rule-lab.ts'
import { isOfKernel, rule, ruleId } from '../kinds/rule.ts'
import { looksLike, passesFor } from '../model/rule-spec.ts'
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
  const before = new Map<string, Path>()
  for (const [i, entry] of rules.entries()) {
    if (entry['priority'] === undefined)
      do free += STEP
      while (taken.has(free))
    const priority = (entry['priority'] as number | undefined) ?? free
    expandRule(x, namespace, devices, { ...entry, priority }, [...path, i], before)
  }
}

/** Adds a rule. `before`: what the rules above it pass for, and their places. */
function expandRule(
  x: Expansion,
  namespace: string,
  devices: Devices,
  entry: RuleFile,
  path: Path,
  before: Map<string, Path>,
): void {
  const spec = rule.fromLab?.(entry, labContext(x, namespace, '', path))
  if (!spec || !(['iif', 'oif'] as const).every((field) => mayBe(x, devices, spec[field], [...path, field]))) return
  const id = ruleId(namespace, spec)
  const same = before.get(looksLike(spec))
  if (isOfKernel(spec))
    return x.report.error('given-twice', path, 'the kernel adds this rule to every namespace', 'Leave it out.')
  if (same && !x.resources.has(id))
    return x.report.error(
      'given-twice',
      path,
      `the kernel considers this rule a duplicate of the one on line ${x.report.position(same).line} and refuses it`,
      'Give it another priority. Among rules of the same priority, the kernel ignores `not` and the target of `goto`, and compares from, to, tos and realms only if the second rule has them.',
    )
  for (const looks of passesFor(spec)) if (!before.has(looks)) before.set(looks, path)
  x.add({ id, kind: 'rule', namespace, spec }, path)
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
      suggest(name, devices) ?? 'The rule matches no packets until the interface exists.',
    )
  return possible
}

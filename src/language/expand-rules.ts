import { ruleId } from '../kinds/rule.ts'
import type { RuleSpec } from '../model/rule-spec.ts'
import { parseCidr, subnetOf } from '../model/cidr.ts'
import { linkId } from '../model/resource.ts'
import type { Expansion } from './expansion.ts'
import type { Settings } from './lab-file.ts'
import { interfaceName } from './valid-names.ts'
import { suggest } from './report.ts'
import { otherSelectors } from './rule-selectors.ts'
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
  const taken = new Set(rules.map((rule) => rule['priority']))
  let free = FIRST_PRIORITY - STEP
  for (const [i, rule] of rules.entries()) {
    if (rule['priority'] === undefined)
      do free += STEP
      while (taken.has(free))
    expandRule(x, namespace, devices, rule, free, [...path, i])
  }
}

const tables: Readonly<Record<string, number>> = { main: 254, default: 253, local: 255 }
/** The number of a table: by number, by the kernel's names, by a VRF's. Undefined when it is the main one, or (told) none. */
export function tableNumber(
  x: Expansion,
  namespace: string,
  value: number | string | undefined,
  path: Path,
): number | undefined {
  const vrf = x.resources.get(linkId(namespace, String(value)))
  const number =
    value === undefined
      ? 254
      : typeof value === 'number'
        ? value
        : vrf?.kind === 'vrf'
          ? Number(vrf.spec['table'])
          : (tables[value] ?? (/^\d+$/.test(value) ? Number(value) : undefined))
  if (number === undefined || number < 1 || number > 0xffffffff)
    x.report.error(
      [...path, 'table'],
      `"${String(value)}" is no routing table`,
      'A number from 1 to 4294967295; main, default, local; or the name of a VRF of this namespace.',
    )
  return number === 254 ? undefined : number
}

function expandRule(x: Expansion, namespace: string, devices: Devices, r: Settings, free: number, path: Path): void {
  const families = new Set<4 | 6>()
  const network = (field: 'from' | 'to'): string | undefined => {
    const text = r[field] as string | undefined
    if (text === undefined || text === 'all') return undefined
    const cidr = parseCidr(text)
    if (!cidr) x.report.error([...path, field], `"${text}" is no network`, 'Write a CIDR such as 10.0.0.0/8, or all.')
    if (cidr) families.add(cidr.family)
    // To the kernel every address is as good as none.
    return cidr && cidr.prefix > 0 ? subnetOf(cidr) : undefined
  }
  const [from, to] = [network('from'), network('to')]
  if (families.size > 1) return x.report.error(path, 'from and to are of different families')
  const named = r['family'] === undefined ? undefined : r['family'] === 'inet6' ? 6 : 4
  const family = [...families][0] ?? named ?? 4
  if (named !== undefined && named !== family)
    return x.report.error([...path, 'family'], `the addresses of this rule are not of ${String(r['family'])}`)
  const mark = fwmark(r['fwmark'])
  if (r['fwmark'] !== undefined && mark === undefined)
    return x.report.error(
      [...path, 'fwmark'],
      `"${String(r['fwmark'])}" is no mark`,
      'A number such as 0x1, or mark/mask.',
    )
  if (mark !== undefined && /^0x0(\/0x0)?$/.test(mark))
    return x.report.error(
      [...path, 'fwmark'],
      'to the kernel a mark of 0 is no mark: the rule would hold for every packet',
      'Leave it out, or write 0/0xffffffff for packets without a mark.',
    )
  if (r['action'] !== undefined && r['table'] !== undefined)
    return x.report.error(path, 'a rule has either a table or an action')
  const targets = ['table', 'action', 'goto', 'nop', 'l3mdev'].filter((field) => r[field] !== undefined)
  if (targets.length > 1) return x.report.error(path, `a rule has one of ${targets.join(', ')}`)
  const rest = otherSelectors(x, r, path)
  if (family === 6 && rest.realms !== undefined)
    return x.report.error([...path, 'realms'], 'an IPv6 rule has no realms', undefined, 'key')
  if (typeof rest.goto === 'number' && rest.goto <= ((r['priority'] as number | undefined) ?? free))
    return x.report.error([...path, 'goto'], 'a rule can only go to one that comes later')
  const table = tableNumber(x, namespace, r['table'] as number | string | undefined, path) ?? 254
  const text = (field: string): string | undefined => r[field] as string | undefined
  for (const field of ['iif', 'oif']) if (!mayBe(x, devices, text(field), [...path, field])) return
  const spec: RuleSpec = {
    family,
    priority: (r['priority'] as number | undefined) ?? free,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(text('iif') !== undefined && { iif: text('iif') as string }),
    ...(text('oif') !== undefined && { oif: text('oif') as string }),
    ...(mark !== undefined && { fwmark: mark }),
    ...rest,
    ...(r['action'] !== undefined && { action: r['action'] as NonNullable<RuleSpec['action']> }),
    ...(targets.every((field) => field === 'table') && { table }),
  }
  x.add({ id: ruleId(namespace, spec), kind: 'rule', namespace, spec }, path)
}

/** Whether an interface can have that name; a rule may well wait for one that the lab does not have. */
function mayBe(x: Expansion, devices: Devices, name: string | undefined, path: Path): boolean {
  if (name === undefined || devices?.has(name)) return true
  const possible = interfaceName.test(name)
  if (!possible) x.report.error(path, `"${name}" cannot be the name of an interface`)
  else if (devices)
    x.report.warning(
      path,
      `there is no interface ${name} here`,
      suggest(name, devices) ?? 'The rule matches nothing until there is one.',
    )
  return possible
}

/** `0x1/0xff` as the kernel prints it; undefined when it is no mark. */
function fwmark(value: unknown): string | undefined {
  const parts = value === undefined ? [] : String(value).split('/')
  const numbers = parts.map(Number)
  if (!parts.length || parts.length > 2 || numbers.some((n) => !Number.isInteger(n) || n < 0 || n > 0xffffffff))
    return undefined
  return numbers
    .map((n) => `0x${n.toString(16)}`)
    .filter((n, i) => !(i === 1 && n === '0xffffffff' && numbers[0]))
    .join('/')
}

import { parseCidr, subnetOf } from '../model/cidr.ts'
import type { LabContext } from '../model/kind.ts'
import { linkId } from '../model/resource.ts'
import { ruleWords, type RuleSpec } from '../model/rule-spec.ts'

/** A rule of a lab file, with its priority. */
export type RuleFile = Readonly<Record<string, unknown>> & { readonly priority: number }

const tables: Readonly<Record<string, number>> = { main: 254, default: 253, local: 255 }
/** The number of a table, given by number, by the kernel's name or by a VRF. Undefined: main, or after reporting an error. */
export function routingTable(
  value: number | string | undefined,
  { namespace, resources, error }: LabContext,
): number | undefined {
  const vrf = resources.get(linkId(namespace, String(value)))
  const number =
    value === undefined
      ? 254
      : typeof value === 'number'
        ? value
        : vrf?.kind === 'vrf'
          ? Number(vrf.spec['table'])
          : (tables[value] ?? (/^\d+$/.test(value) ? Number(value) : undefined))
  if (number === undefined || number < 1 || number > 0xffffffff)
    error(
      'bad-value',
      ['table'],
      `"${String(value)}" is not a routing table`,
      'A number from 1 to 4294967295; main, default, local; or the name of a VRF of this namespace.',
    )
  return number === 254 ? undefined : number
}

/** The settings that a rule of a lab file asks for; undefined after an error. Names of interfaces are checked elsewhere. */
export function ruleFromLab(r: RuleFile, context: LabContext): RuleSpec | undefined {
  const { error } = context
  const families = new Set<4 | 6>()
  const network = (field: 'from' | 'to'): string | undefined => {
    const text = r[field] as string | undefined
    if (text === undefined || text === 'all') return undefined
    const cidr = parseCidr(text)
    if (!cidr) error('bad-value', [field], `"${text}" is not a network`, 'Write a CIDR such as 10.0.0.0/8, or all.')
    if (cidr) families.add(cidr.family)
    // A prefix of length 0 is the same to the kernel as no prefix.
    return cidr && cidr.prefix > 0 ? subnetOf(cidr) : undefined
  }
  const [from, to] = [network('from'), network('to')]
  if (families.size > 1) return void error('family-mismatch', [], 'from and to are of different families')
  const named = r['family'] === undefined ? undefined : r['family'] === 'inet6' ? 6 : 4
  const family = [...families][0] ?? named ?? 4
  if (named !== undefined && named !== family)
    return void error('family-mismatch', ['family'], `the addresses of this rule are not of ${String(r['family'])}`)
  const mark = fwmark(r['fwmark'])
  if (r['fwmark'] !== undefined && mark === undefined)
    return void error(
      'bad-value',
      ['fwmark'],
      `"${String(r['fwmark'])}" is not a mark`,
      'A number such as 0x1, or mark/mask.',
    )
  if (mark !== undefined && /^0x0(\/0x0)?$/.test(mark))
    return void error(
      'bad-value',
      ['fwmark'],
      'the kernel treats a mark of 0 as no mark: the rule would match every packet',
      'Leave it out, or write 0/0xffffffff for packets without a mark.',
    )
  if (r['action'] !== undefined && r['table'] !== undefined)
    return void error('senseless-field', [], 'a rule has either a table or an action')
  const targets = ['table', 'action', 'goto', 'nop', 'l3mdev'].filter((field) => r[field] !== undefined)
  if (targets.length > 1) return void error('senseless-field', [], `a rule has one of ${targets.join(', ')}`)
  const rest = otherSelectors(r, context)
  if (family === 6 && rest.realms !== undefined)
    return void error('family-mismatch', ['realms'], 'an IPv6 rule has no realms', undefined, 'key')
  if (typeof rest.goto === 'number' && rest.goto <= r.priority)
    return void error('senseless-field', ['goto'], 'a rule can only go to one that comes later')
  const table = routingTable(r['table'] as number | string | undefined, context) ?? 254
  const text = (field: string): string | undefined => r[field] as string | undefined
  return {
    family,
    priority: r.priority,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(text('iif') !== undefined && { iif: text('iif') as string }),
    ...(text('oif') !== undefined && { oif: text('oif') as string }),
    ...(mark !== undefined && { fwmark: mark }),
    ...rest,
    ...(r['action'] !== undefined && { action: r['action'] as NonNullable<RuleSpec['action']> }),
    ...(targets.every((field) => field === 'table') && { table }),
  }
}

/** A mark in the form that the kernel prints, `0x1/0xff`; undefined when it is invalid. */
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

type Others = Pick<RuleSpec, (typeof ruleWords)[number]>

/** IP protocol numbers (IANA) by name. */
const protocols: Readonly<Record<string, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  gre: 47,
  esp: 50,
  ah: 51,
  'ipv6-icmp': 58,
  ospf: 89,
  sctp: 132,
}
const MOST = { sport: 65535, dport: 65535, uidrange: 0xfffffffe } as const

/** The other selectors of a rule, in the form of the kernel. */
function otherSelectors(r: RuleFile, { error }: LabContext): Others {
  const found: Record<string, string | number | true> = {}
  for (const word of ruleWords) {
    const given = r[word] as string | number | true | undefined
    if (given === undefined) continue
    const value = canonical(word, given)
    if (value === undefined)
      error('bad-value', [word], `"${given}" is not a valid ${word}`, helps[word as keyof typeof helps])
    else found[word] = value
  }
  return found
}

const helps = {
  tos: 'A byte whose two lowest bits are 0, such as 0x10.',
  uidrange: 'A user’s number, or a range such as 1000-1999.',
  ipproto: `A number from 1 to 255, or one of ${Object.keys(protocols).join(', ')}.`,
  sport: 'A port from 1 to 65535, or a range such as 1024-2048.',
  dport: 'A port from 1 to 65535, or a range such as 1024-2048.',
}

function canonical(word: keyof Others, given: string | number | true): string | number | true | undefined {
  switch (word) {
    case 'tos':
      return Number(given) & 3 || Number(given) > 255 || Number(given) === 0
        ? undefined
        : `0x${Number(given).toString(16)}`
    case 'ipproto': {
      const number = protocols[String(given)] ?? Number(given)
      return number >= 1 && number <= 255 ? number : undefined
    }
    case 'sport':
    case 'dport':
    case 'uidrange': {
      const [first = 0, last = first] = String(given).split('-').map(Number)
      if (first > last || last > MOST[word] || (first === 0 && word !== 'uidrange')) return undefined
      return first === last && word !== 'uidrange' ? first : `${first}-${last}`
    }
    case 'realms':
      return String(given).replace(/^0+\//, '')
    default:
      return given
  }
}

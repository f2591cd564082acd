import { ruleWords, type RuleSpec } from '../model/rule-spec.ts'
import type { Expansion } from './expansion.ts'
import type { Settings } from './lab-file.ts'
import type { Path } from './yaml/source.ts'

type Others = Pick<RuleSpec, (typeof ruleWords)[number]>

/** IANA's numbers of the protocols that people name. */
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

/** The selectors of a rule that are no address, interface or mark, as the kernel has them. */
export function otherSelectors(x: Expansion, r: Settings, path: Path): Others {
  const found: Record<string, string | number | true> = {}
  for (const word of ruleWords) {
    const given = r[word] as string | number | true | undefined
    if (given === undefined) continue
    const value = canonical(word, given)
    if (value === undefined)
      x.report.error([...path, word], `"${given}" is no ${word} of a rule`, helps[word as keyof typeof helps])
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

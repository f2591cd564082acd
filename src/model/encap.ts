import { canonicalAddress } from './cidr.ts'

/** The words of an encapsulation, in the order in which iproute2 prints them. */
interface Form {
  /** Words with a value, each with its default. */
  readonly pairs: Readonly<Record<string, string | undefined>>
  readonly flags?: readonly string[]
}

const ip = { flags: ['key', 'csum', 'seq'] }
const forms: Readonly<Record<string, Form>> = {
  seg6: { pairs: { mode: undefined, segs: undefined, hmac: undefined } },
  seg6local: {
    pairs: Object.fromEntries(
      ['action', 'segs', 'table', 'vrftable', 'nh4', 'nh6', 'iif', 'oif'].map((word) => [word, undefined]),
    ),
    flags: ['srh'],
  },
  ip: { ...ip, pairs: { id: '0', src: '0.0.0.0', dst: '0.0.0.0', ttl: '0', tos: '0' } },
  ip6: { ...ip, pairs: { id: '0', src: '::', dst: '::', hoplimit: '0', tc: '0' } },
}
const ADDRESSES = new Set(['src', 'dst', 'nh4', 'nh6'])
const NUMBERS = new Set(['id', 'ttl', 'tos', 'hoplimit', 'tc', 'table', 'vrftable'])
const MAX_LABEL = 0xfffff

/**
 * The canonical form of a route's encapsulation (ip-route(8), what follows `encap`), whether a person or iproute2 wrote it;
 * undefined for one that netlab cannot write: `bpf`, `xfrm` and unknown words.
 */
export function canonicalEncap(text: string): string | undefined {
  // iproute2 prints `segs fd00::1,fd00::2` as `segs 2 [ fd00::1 fd00::2 ]`; in mode inline it adds `::` for the destination.
  const listed = text
    .trim()
    .replace(/\bsegs \d+ \[ ([^\]]*?) \]/, (_, list: string) => `segs ${list.split(/\s+/).join(',')}`)
    .replace(/(\bmode inline segs \S+),::(?= |$)/, '$1')
  const [type = '', ...words] = listed.split(/\s+/)
  if (type === 'mpls') return labels(words)
  const form = Object.hasOwn(forms, type) ? forms[type] : undefined
  if (!form) return undefined
  const found = new Map<string, string>()
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const takes = Object.hasOwn(form.pairs, word)
    if (found.has(word) || !(takes || form.flags?.includes(word))) return undefined
    const value = takes ? valueOf(word, words.shift() ?? '') : ''
    if (value === undefined) return undefined
    if (!takes || value !== form.pairs[word]) found.set(word, value)
  }
  if (type === 'seg6' && !(found.has('mode') && found.has('segs'))) return undefined
  if (type === 'seg6local' && !found.has('action')) return undefined
  return [
    type,
    ...Object.keys(form.pairs).flatMap((word) => {
      const value = found.get(word)
      if (value === undefined) return []
      return [...(type === 'seg6local' && word === 'segs' ? ['srh'] : []), word, value]
    }),
    ...(form.flags ?? []).filter((flag) => flag !== 'srh' && found.has(flag)),
  ].join(' ')
}

function labels([stack = '', ...more]: readonly string[]): string | undefined {
  const all = stack.split('/')
  if (!all.every((label) => /^\d{1,7}$/.test(label) && Number(label) <= MAX_LABEL)) return undefined
  const [word, ttl = '', ...rest] = more
  if (word === undefined) return `mpls ${all.map(Number).join('/')}`
  return word === 'ttl' && /^\d{1,3}$/.test(ttl) && Number(ttl) <= 255 && rest.length === 0
    ? `mpls ${all.map(Number).join('/')} ttl ${Number(ttl)}`
    : undefined
}

function valueOf(word: string, value: string): string | undefined {
  if (ADDRESSES.has(word)) return canonicalAddress(value)
  if (word === 'segs') {
    const all = value.split(',').map((address) => canonicalAddress(address))
    return all.includes(undefined) ? undefined : all.join(',')
  }
  if (NUMBERS.has(word)) return /^(0x[\da-f]+|\d+)$/i.test(value) ? String(Number(value)) : undefined
  return /^[\w.@+=,~-]+$/.test(value) ? value : undefined
}

/** The feature (src/kinds/features.ts) that an encapsulation needs. */
export const featureOf = (encap: string | undefined): 'mpls' | 'seg6' | undefined =>
  encap?.startsWith('mpls ') ? 'mpls' : encap?.startsWith('seg6') ? 'seg6' : undefined

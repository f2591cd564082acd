import { canonicalAddress } from '../model/cidr.ts'
import type { FilterName } from '../model/qdisc-options.ts'

/** Whether a filter looks at destinations or at sources. */
export type Side = 'to' | 'from'

/** The handle of the htb, by which a tree of netlab's is recognised. */
export const TREE = '6e6c:'

/** A filter that is live. */
export type LiveFilter = FilterName & {
  readonly side: Side
  /** The canonical CIDR that it matches; absent when it matches anything else. */
  readonly network?: string
  /** The minor number of the class that it sends packets to; 0: none. */
  readonly minor: number
  /** All that tc prints of it, in one line. */
  readonly text: string
}

/** The filters of a tree in what `tc -d filter show` prints. */
export function readNetworkFilters(printed: string): LiveFilter[] {
  return printed.split(/^(?=filter )/m).flatMap((block): LiveFilter[] => {
    const [, protocol = '', pref = '', kind = '', rest = ''] =
      /^filter protocol (\S+) pref (\d+) (\S+) (?:chain 0 )?([^]*)$/.exec(block) ?? []
    const handle = /^(?:fh|handle) (\S+)/.exec(rest)?.[1]
    if (handle === undefined || /^fh \S+: ht divisor/.test(rest)) return []
    const text = block.replaceAll(/\s+/g, ' ').trim()
    const name = { parent: TREE, protocol, pref: Number(pref), kind, handle, text }
    const flow = /\*?flowid 6e6c:(\w+)(?: not_in_hw)? *$/m.exec(rest)?.[1]
    const matches = [...rest.matchAll(/^ {2}match (\w{8})\/(\w{8}) at (\d+)$/gm)].map(
      ([, value = '', mask = '', at]) => ({
        value: Number.parseInt(value, 16),
        bits: bitsOf(Number.parseInt(mask, 16)),
        at: Number(at),
      }),
    )
    // Of the lines of the block, one names the filter and the others are its matches: an action or a link is another line.
    const plain = kind === 'u32' && flow !== undefined && block.trimEnd().split('\n').length === matches.length + 1
    const network = plain ? networkOf(protocol, matches) : undefined
    return [{ ...name, minor: Number.parseInt(flow ?? '0', 16), side: 'to', ...network }]
  })
}

/** The length of the prefix of a mask; undefined when it has gaps. */
function bitsOf(mask: number): number | undefined {
  const bits = mask === 0 ? 0 : 32 - Math.log2((~mask >>> 0) + 1)
  return Number.isInteger(bits) ? bits : undefined
}

/** The network whose packets the matches of a u32 filter find (linux/ip.h, linux/ipv6.h: where the addresses are). */
function networkOf(
  protocol: string,
  matches: readonly { readonly value: number; readonly bits: number | undefined; readonly at: number }[],
): { side: Side; network: string } | undefined {
  const first = matches[0]?.at
  const [side, words] =
    protocol === 'ip' && (first === 16 || first === 12)
      ? ([first === 16 ? 'to' : 'from', 1] as const)
      : protocol === 'ipv6' && (first === 24 || first === 8)
        ? ([first === 24 ? 'to' : 'from', 4] as const)
        : ([undefined, 0] as const)
  if (side === undefined || first === undefined || matches.length > words) return undefined
  let prefix = 0
  const values: number[] = []
  for (const [i, { value, bits, at }] of matches.entries()) {
    if (bits === undefined || at !== first + 4 * i || (i > 0 && prefix !== 32 * i)) return undefined
    prefix += bits
    values.push(value)
  }
  while (values.length < words) values.push(0)
  const halves = values.flatMap((value) => [value >>> 16, value & 0xffff])
  const text =
    words === 1
      ? values.flatMap((v) => [v >>> 24, (v >>> 16) & 255, (v >>> 8) & 255, v & 255]).join('.')
      : halves.map((half) => half.toString(16)).join(':')
  const address = canonicalAddress(text)
  return address === undefined ? undefined : { side, network: `${address}/${prefix}` }
}

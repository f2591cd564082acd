import type { NftSpec } from '../model/firewall.ts'
import { bare } from './division.ts'
import { parseNft } from './nft-parse.ts'

/** A statement, or a block with what precedes its brace; both in single spaces. */
type Item = string | { readonly head: string; readonly items: readonly Item[] }

/** The nesting of blocks in a rule set: tables, and chains and sets in them. Deeper braces belong to statements. */
const BLOCKS = 2

/**
 * The tables that a text of nftables declares, in its own words, as far as that can be known without nft: undefined when it
 * has commands besides declarations of tables (`add rule …`, `define`), or declares one twice.
 */
export function writtenNft(text: string): NftSpec | undefined {
  const items = itemsOf(text)
  if (!items) return undefined
  const tables: string[] = []
  for (const item of items) {
    if (item === 'flush ruleset' && tables.length === 0) continue
    const [, family = 'ip', name] = /^table (?:(ip6?|inet|arp|bridge|netdev) )?(\S+)$/.exec(textOf(item)) ?? []
    if (name === undefined || typeof item === 'string') return undefined
    tables.push(`table ${family} ${name}`)
  }
  if (new Set(tables).size < tables.length) return undefined
  const blocks = items.flatMap((item) => (typeof item === 'string' ? [] : [item.items]))
  return parseNft(blocks.map((block, i) => `${tables[i]} {\n${block.map(listed).join('\n')}\n}\n`).join(''))
}

const textOf = (item: Item): string => (typeof item === 'string' ? item : item.head)

/** An item of a table as `nft list` lays it out. */
function listed(item: Item): string {
  if (typeof item === 'string') return item
  const texts = item.items.map(textOf)
  const hook = texts.find((text) => /^type \S+ hook /.test(text))
  const policy = texts.find((text) => /^policy \w+$/.test(text))
  const rest = hook === undefined ? texts : texts.filter((text) => text !== hook && text !== policy)
  const base = hook === undefined ? [] : [`${hook};${policy === undefined ? '' : ` ${policy};`}`]
  return [`${item.head} {`, ...base, ...rest, '}'].join('\n')
}

/** The items of a text; undefined when its braces do not match. */
function itemsOf(written: string): Item[] | undefined {
  const text = written.replace(/("[^"\n]*")|#.*|\\\n/g, (_, quoted?: string) => quoted ?? ' ')
  const words = bare(text)
  let at = 0
  const readAt = (depth: number): Item[] | undefined => {
    const items: Item[] = []
    let [from, braces] = [at, 0]
    const take = (): string => {
      const said = text.slice(from, at).replace(/("[^"\n]*")|\s+/g, (_, quoted?: string) => quoted ?? ' ')
      from = at + 1
      return said.trim()
    }
    for (; at <= words.length; at++) {
      const c = words[at]
      if (c === '{' && depth === BLOCKS) braces++
      else if (c === '}' && braces > 0) braces--
      else if (c === '{') {
        const head = take()
        at++
        const inner = readAt(depth + 1)
        if (!inner) return undefined
        items.push({ head, items: inner })
        from = at + 1
      } else if (c === undefined || c === '}' || ((c === ';' || c === '\n') && braces === 0)) {
        const said = take()
        if (said) items.push(said)
        if (c === '}') return depth === 0 ? undefined : items
      }
    }
    return depth === 0 ? items : undefined
  }
  return readAt(0)
}

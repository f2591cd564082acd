import { bare } from '../../firewall/division.ts'
import type { RulePlace } from '../../model/firewall.ts'

interface NftChainText {
  /** What all chains of the text share: jumps are looked for in the whole text. */
  readonly table: string
  readonly name: string
  readonly isBase: boolean
  readonly place: RulePlace
  readonly rules: readonly { readonly place: RulePlace; readonly jumps: readonly string[]; readonly ends: boolean }[]
  /** The chains to which anything in the text jumps: maps have elements that do. */
  readonly called: readonly string[]
}

/** A rule without conditions that ends the way of a packet; texts in quotes are blank here. */
const FINAL =
  /^(counter |log (prefix |level \w+ |group \d+ |flags \w+ )*)*(accept|drop|return|reject( with [\w -]+)?|goto [\w.-]+)( comment)?$/

/**
 * The chains in a text of nftables that has only blocks; none for a text with commands (`add rule …`), variables or includes that
 * are not resolved: what these mean is left to nft.
 */
export function nftChains(text: string): NftChainText[] {
  const code = bare(text)
  if (/\$|\b(define|include|insert|replace)\b|^\s*(add|create|delete|destroy)\s/m.test(code)) return []
  const starts = [0]
  for (let at = code.indexOf('\n'); at >= 0; at = code.indexOf('\n', at + 1)) starts.push(at + 1)
  const called = jumpsIn(code)
  let line = 0
  /** The place of an offset; offsets are asked for in their order. */
  const placeAt = (offset: number, length: number): RulePlace => {
    while ((starts[line + 1] ?? Infinity) <= offset) line++
    return { path: [], line: line + 1, column: offset - (starts[line] ?? 0) + 1, length }
  }
  const chains: NftChainText[] = []
  for (const { 0: head, 1: name = '', index } of code.matchAll(/\bchain\s+([\w./-]+)\s*\{/g)) {
    const place = placeAt(index, head.length)
    const rules: NftChainText['rules'][number][] = []
    let isBase = false
    for (const { from, to } of statements(code, index + head.length)) {
      const words = code.slice(from, to).trim().replace(/\s+/g, ' ')
      if (/^type .* hook /.test(words)) isBase = true
      if (words === '' || /^(type|policy|comment|devices?)\b/.test(words)) continue
      const at = placeAt(from + code.slice(from, to).search(/\S/), words.length)
      rules.push({ place: at, jumps: jumpsIn(words), ends: FINAL.test(words) })
    }
    chains.push({ table: 'this text', name, isBase, place, rules, called })
  }
  return chains
}

const jumpsIn = (code: string): string[] =>
  [...code.matchAll(/\b(?:jump|goto)\s+([\w./-]+)/g)].flatMap(([, chain]) => chain ?? [])

/** The statements from an offset to the brace that closes the block, at line ends and semicolons outside inner braces. */
function* statements(code: string, start: number): Generator<{ from: number; to: number }> {
  let [depth, from] = [0, start]
  for (let at = start; at < code.length; at++) {
    const c = code[at]
    if (c === '{') depth++
    else if (c === '}' && depth-- === 0) {
      yield { from, to: at }
      return
    } else if (depth === 0 && (c === '\n' || c === ';')) {
      yield { from, to: at }
      from = at + 1
    }
  }
}

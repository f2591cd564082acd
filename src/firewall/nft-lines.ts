import { bare } from './division.ts'

/** Where a text of nft has a chain: the line of its name, and those on which its rules begin, from 1. */
export interface ChainLines {
  readonly chain: number
  readonly rules: readonly number[]
}

/** What is no rule among the lines of a chain. */
const SETTING = /^(type|policy|comment|devices?|flags)\b/

/**
 * The lines of a chain that the text writes out in a block; undefined where it does not, or does so several times. `table` is
 * `FAMILY NAME`.
 */
export function chainLines(text: string, table: string, chain: string): ChainLines | undefined {
  const found: { chain: number; rules: number[] }[] = []
  /** What the open braces belong to. */
  const open: string[] = []
  let statement = ''
  let begin = 0
  const lineOf = (at: number): number => text.slice(0, at).split('\n').length
  const isTable = (words: string): boolean =>
    words === `table ${table}` || `table ip ${words.slice(6)}` === `table ${table}`
  const end = (): void => {
    const isRule = open.length === 2 && statement.trim() !== '' && !SETTING.test(statement.trim())
    if (isRule && open[1] === chain) found.at(-1)!.rules.push(lineOf(begin))
    statement = ''
  }
  for (const [at, char] of [...bare(text)].entries()) {
    if (char === '{') {
      const words = statement.trim().split(/\s+/).join(' ')
      const isOurs = open[0] === 'ours' && words === `chain ${chain}`
      if (open.length === 1 && isOurs) found.push({ chain: lineOf(begin), rules: [] })
      open.push(open.length === 0 && isTable(words) ? 'ours' : open.length === 1 && isOurs ? chain : '')
      if (open.length <= 2) {
        statement = ''
        continue
      }
    } else if (char === '}') {
      if (open.length <= 2) end()
      if (open.pop() === undefined) return undefined
      if (open.length < 2) continue
    } else if ((char === '\n' || char === ';') && open.length <= 2) {
      end()
      continue
    }
    if (statement.trim() === '') begin = at
    statement += char
  }
  return found.length === 1 ? found[0] : undefined
}

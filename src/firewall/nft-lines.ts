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
  let [line, begin] = [1, 1]
  const isTable = (head: string): boolean =>
    head === `table ${table}` || `table ip ${head.slice(6)}` === `table ${table}`
  const end = (): void => {
    const isRule = open.length === 2 && statement.trim() !== '' && !SETTING.test(statement.trim())
    if (isRule && open[1] === chain) found.at(-1)!.rules.push(begin)
    statement = ''
  }
  const words = bare(text)
  for (let at = 0; at < words.length; at++) {
    const char = words[at]
    const here = line
    if (text[at] === '\n') line++ // one of a continued line is none in `words`
    if (char === '{') {
      const head = statement.trim().split(/\s+/).join(' ')
      const isOurs = open[0] === 'ours' && head === `chain ${chain}`
      if (open.length === 1 && isOurs) found.push({ chain: begin, rules: [] })
      open.push(open.length === 0 && isTable(head) ? 'ours' : open.length === 1 && isOurs ? chain : '')
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
    if (statement.trim() === '') begin = here
    statement += char
  }
  return found.length === 1 ? found[0] : undefined
}

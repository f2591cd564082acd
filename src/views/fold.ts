import type { Colors } from 'picocolors/types'

/**
 * How many texts must be alike before they are folded into one. Fewer are quickly read; a lab of the usual size is printed as it is
 * written.
 */
const ENOUGH = 8
/** A number, or an address with colons, whose parts may be hexadecimal. */
const TOKEN = /[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}|[0-9]+/g
/** Follows a value of the first text that the others do not have and that does not count. No text of a lab has it: it is not a character. */
export const ODD = '\ufdd0'
/** Stands between the parts of a text. */
const BETWEEN = '\uffff'

/** A text, or several that differ only in numbers, as one. */
export interface Folded {
  /** With `[1..40]` in place of the number in its head that tells them apart, and `{i}` where that number occurs again. */
  readonly text: string
  /** How many texts it stands for. */
  readonly count: number
}

/** The letter of a number that tells the rows of one block apart, until it is known whether blocks are folded, too. */
const INNER = '\ufffe'

/** A namespace, and what is shown of it. The first cell of a row, with the name of what it shows, may have the number to fold. */
export interface Block {
  readonly name: string
  readonly rows: readonly (readonly string[])[]
}

/** A block, or several that are alike but for numbers. */
export interface FoldedBlock {
  readonly name: string
  /** How many namespaces it stands for. */
  readonly count: number
  /** `alike`: how many rows this one stands for; empty if it is a single one. */
  readonly rows: readonly { readonly cells: readonly string[]; readonly alike: string }[]
}

/** Folds the rows of each block, then the blocks; nothing is folded if `full`. All rows have `width` cells. */
export function foldBlocks(blocks: readonly Block[], width: number, full: boolean): FoldedBlock[] {
  const foldUnlessFull = full ? unfolded : fold
  const texts = blocks.map(({ name, rows }) => {
    const folded = foldUnlessFull(
      rows.map((cells) => cells.join('\0')),
      INNER,
    )
    return [name, ...folded.map(({ text, count }) => `${text}\0${count > 1 ? count : ''}`)].join('\0')
  })
  return foldUnlessFull(texts, 'i').map(({ text, count }) => {
    const [name = '', ...cells] = text.replaceAll(INNER, count > 1 ? 'j' : 'i').split('\0')
    const rows = Array.from({ length: cells.length / (width + 1) }, (_, row) => {
      const all = cells.slice(row * (width + 1), (row + 1) * (width + 1))
      return { cells: all.slice(0, width), alike: all[width] ?? '' }
    })
    return { name, count, rows }
  })
}

/** The heading of a block: its name, and how many namespaces it stands for. */
export const blockTitle = ({ name, count }: FoldedBlock, paint: (text: string) => string): string =>
  count > 1 ? `${paint(name)}  ${count} namespaces, each:` : paint(name)

/** Names as one text, those that are alike but for a number folded: `r h[1..400]`. */
export const foldNames = (names: readonly string[], full = false): string =>
  (full ? names : fold(names, 'i').map(({ text }) => text)).join(' ')

/** A line without marks of values that are those of the first text only, and a remark if it has some. */
export const plainLine = (line: string, c: Colors): string =>
  line.includes(ODD) ? `${line.replaceAll(ODD, '')}${c.dim('  # in the first; the others differ')}` : line

const unfolded = (texts: readonly string[]): Folded[] => texts.map((text) => ({ text, count: 1 }))

interface Parsed {
  readonly literals: readonly string[]
  readonly tokens: readonly string[]
  /** How many tokens precede the first NUL. */
  readonly inHead: number
}

/**
 * Folds texts that are alike but for numbers, at the place of the first of them. The part of a text up to its first NUL is its
 * head; the first number there that is another one in each text tells them apart. `letter` is the name of this number.
 */
export function fold(texts: readonly string[], letter: string): Folded[] {
  const single = (text: string): Folded => ({ text, count: 1 })
  if (texts.length < ENOUGH) return texts.map(single)
  const parsed = texts.map(parse)
  const groups = new Map<string, number[]>()
  parsed.forEach(({ literals }, index) => {
    const form = literals.join(BETWEEN)
    const group = groups.get(form)
    if (group) group.push(index)
    else groups.set(form, [index])
  })
  const result: (Folded | undefined)[] = texts.map(single)
  for (const group of groups.values()) {
    if (group.length < ENOUGH) continue
    const folded = foldGroup(
      group.map((index) => parsed[index]!),
      letter,
    )
    if (!folded) continue
    for (const index of group) result[index] = undefined
    result[group[0]!] = folded
  }
  return result.filter((one) => one !== undefined)
}

function parse(text: string): Parsed {
  const tokens = text.match(TOKEN) ?? []
  const head = text.indexOf('\0')
  return {
    literals: text.split(TOKEN),
    tokens,
    inHead: (head < 0 ? text : text.slice(0, head)).match(TOKEN)?.length ?? 0,
  }
}

/** The texts as one; undefined when no number in their heads tells them apart. */
function foldGroup(group: readonly Parsed[], letter: string): Folded | undefined {
  const [first] = group as [Parsed]
  const column = (place: number): string[] => group.map(({ tokens }) => tokens[place]!)
  const pivot = Array.from({ length: first.inHead }, (_, place) => place).find((place) => tellsApart(column(place)))
  if (pivot === undefined) return undefined
  const counted = column(pivot)
  const tokens = first.tokens.map((token, place) => {
    if (place === pivot) return `[${rangesOfNumbers(counted)}]`
    const values = column(place)
    if (values.every((value) => value === token)) return token
    return counts(values, counted, letter) ?? `${token}${ODD}`
  })
  const text = first.literals.map((literal, place) => `${literal}${tokens[place] ?? ''}`).join('')
  return { text, count: group.length }
}

const tellsApart = (values: readonly string[]): boolean =>
  values.every((value) => /^[0-9]{1,9}$/.test(value)) && new Set(values.map(Number)).size === values.length

/** `{i}` or `{i+1}`, when the values are that of the numbers; undefined when they are something else. */
function counts(values: readonly string[], numbers: readonly string[], letter: string): string | undefined {
  if (values.every((value, at) => value === numbers[at])) return `{${letter}}`
  const by = Number(values[0]) - Number(numbers[0])
  if (!values.every((value, at) => String(Number(numbers[at]) + by) === value)) return undefined
  return by === 0 ? `{${letter}}` : `{${letter}${by < 0 ? '-' : '+'}${Math.abs(by)}}`
}

/** How many runs of numbers are written out. */
const RUNS = 4

/** `1..40`, or `1..3,5,7..9` where numbers are missing. */
function rangesOfNumbers(texts: readonly string[]): string {
  const sorted = [...texts].sort((a, b) => Number(a) - Number(b))
  const runs: string[][] = []
  for (const text of sorted) {
    const run = runs.at(-1)
    if (run && Number(run.at(-1)) + 1 === Number(text)) run.push(text)
    else runs.push([text])
  }
  const shown = runs.map((run) => (run.length === 1 ? run[0]! : `${run[0]}..${run.at(-1)}`))
  return shown.length > RUNS ? `${shown.slice(0, RUNS - 1).join(',')},…,${shown.at(-1)}` : shown.join(',')
}

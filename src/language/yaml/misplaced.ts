import { lineOf, part, type Slip, type Spot } from './spot.ts'

/** `to:default`, and `a:{}`. */
export function spaceAfterColon(spot: Spot): Slip | undefined {
  const [, before = '', key, value = ''] = /^(\s*(?:- +)*)([\w.[\]~-]+):([^\s:].*)$/.exec(spot.line) ?? []
  if (key === undefined || /BAD_INDENT|quote/.test(`${spot.code} ${spot.message}`) || /^[^{[].*: /.test(value))
    return undefined
  return {
    summary: 'a space is missing after the colon',
    detail: `Write ${key}: ${value.trim()}`,
    ...part(spot, before.length + key.length, 1),
  }
}

/** Lines that are not where the lines above have them. */
export function indentation(spot: Spot): Slip | undefined {
  const { code, message, text, pos } = spot
  const lines = text.split('\n')
  const rest = spot.line.slice(pos[0] - spot.begin)
  let number = lineOf(text, pos[0]) - 1
  const isText = /^\s*[\w."'-]+\s*:?.*[|>][-+0-9]*\s*$/.test(lines[number - 1] ?? '')
  if (code === 'MULTILINE_IMPLICIT_KEY' || message.startsWith('Implicit map keys')) {
    if (isText)
      return {
        summary: 'the text after | is not indented',
        detail: 'Indent it further than the line above it, which ends in |.',
        ...part(spot, spot.line.search(/\S/)),
      }
    const [, before = '', key, value = ''] = /^(\s*(?:- +)*)([\w.-]+)\s*=\s*(.*)$/.exec(spot.line) ?? []
    return {
      summary: 'a colon is missing: each line of a map is KEY: VALUE',
      ...(key === undefined ? {} : { detail: `Write ${key}: ${value}` }),
      ...part(spot, key === undefined ? Math.max(spot.line.search(/\S/), 0) : before.length),
    }
  }
  if (message.startsWith('Nested mappings')) {
    const inner = /^\s*(?:- +)*[^\s:][^:]*: +(\S.*: .*|\S.*:)$/.exec(spot.line)?.[1]
    if (inner !== undefined)
      return {
        summary: 'two keys on one line',
        detail: `Put the second key on its own line, indented further, or both in braces: { KEY: VALUE }. Text that contains a colon and a space needs quotes.`,
        ...part(spot, spot.line.indexOf(inner)),
      }
    const [, before = '', item = ''] = /^(\s*)-(\w[\w.-]*:.*)$/.exec(spot.line) ?? []
    if (item !== '')
      return { summary: 'a space is missing after the dash', detail: `Write - ${item}`, ...part(spot, before.length) }
    return {
      summary: 'this line has a value, and the line below is indented as if it belonged to it',
      detail: 'Write either a value on the line itself, or a map on the lines below it.',
      ...part(spot, Math.max(spot.line.search(/\S/), 0)),
    }
  }
  if (code !== 'BAD_INDENT' && !message.startsWith('Sequence item') && !/at node end|in YAML stream/.test(message))
    return undefined
  // The parser may stop at the end of the line before.
  if (rest.replace(/^:/, '').trim() === '') while (number < lines.length - 1 && lines[++number]?.trim() === '');
  const line = lines[number] ?? ''
  const width = line.search(/\S/)
  const levels = levelsAbove(lines, number)
  if (width < 0 || levels.includes(width)) return undefined
  const begin = lines.slice(0, number).reduce((sum, { length }) => sum + length + 1, 0)
  return {
    summary: width ? `this line is indented by ${spaces(width)}, and no line above it is` : 'this line is not indented',
    detail: `Lines of the same map or list begin in the same column: indent it by ${list(levels.map(String))}.`,
    start: begin + width,
    end: begin + line.trimEnd().length,
  }
}

/** The indentations that a line may have: those of the lines above to which it can belong. */
function levelsAbove(lines: readonly string[], number: number): number[] {
  const levels: number[] = []
  for (const line of lines.slice(0, number)) {
    if (/^\s*(#|$)/.test(line)) continue
    const width = line.search(/\S/)
    while ((levels.at(-1) ?? -1) >= width) levels.pop()
    levels.push(width)
    // The keys of an item begin after its dash.
    for (const dash of line.matchAll(/(?<=^\s*(?:- +)*)- +(?=\S)/g)) levels.push(dash.index + dash[0].length)
  }
  return levels
}

const spaces = (n: number): string => (n === 1 ? '1 space' : `${n} spaces`)
const list = (words: readonly string[]): string =>
  [words.slice(0, -1).join(', '), ...words.slice(-1)].filter(Boolean).join(' or ')

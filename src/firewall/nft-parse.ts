import type { NftChain, NftObject, NftSpec, NftTable } from '../model/firewall.ts'
import { TRACE_TABLE } from '../model/tables.ts'
import { named } from './save.ts'

/** The text with blanks in place of quoted parts, so that braces and commas in them do not count. */
export const unquoted = (text: string): string => text.replace(/"[^"]*"/g, (quoted) => ' '.repeat(quoted.length))

const depthOf = (text: string): number => {
  const bare = unquoted(text)
  return bare.split('{').length - bare.split('}').length
}

interface Item {
  readonly text: string
  readonly handle?: number
}

/** Takes ` # handle N` off the end of a line of `nft -a`. */
function handled(line: string): Item {
  const match = /^(.*?)\s*# handle (\d+)$/.exec(line)
  return match ? { text: match[1]!, handle: Number(match[2]) } : { text: line }
}

/** Splits a list at its commas, except within braces and quotes. */
export function elementsOf(list: string): string[] {
  const bare = unquoted(list)
  const parts: string[] = []
  let [depth, start] = [0, 0]
  for (let i = 0; i <= bare.length; i++) {
    const c = bare[i]
    if (c === '{') depth++
    if (c === '}') depth--
    if (c === undefined || (c === ',' && depth === 0)) {
      const part = list.slice(start, i).trim()
      if (part) parts.push(part)
      start = i + 1
    }
  }
  return parts
}

let collator: Intl.Collator | undefined
/** Compares words, and numbers in them by size. */
function compare(a: string, b: string): number {
  collator ??= new Intl.Collator('en', { numeric: true }) // made on demand: that takes 10 ms
  return collator.compare(a, b)
}

/**
 * A rule with the elements of its anonymous sets and maps sorted: their order has no meaning, and nft 1.0.6 prints those with
 * flags (`syn | ack`) in varying order.
 */
function inOrder(rule: string): string {
  if (!rule.includes(' | ')) return rule
  const bare = unquoted(rule)
  let result = ''
  let end = 0
  for (const { index, 0: group } of bare.matchAll(/\{[^{}\n]*\}/g)) {
    const elements = elementsOf(rule.slice(index + 1, index + group.length - 1)).sort(compare)
    result += `${rule.slice(end, index)}{ ${elements.join(', ')} }`
    end = index + group.length
  }
  return result + rule.slice(end)
}

/** Collects the items of a block that starts at `lines[at]`: an item is a line, or lines that a brace holds together. */
function block(lines: readonly string[], at: number): { items: Item[]; end: number } {
  const items: Item[] = []
  for (let i = at; i < lines.length; i++) {
    const line = lines[i]!.trim()
    if (line === '') continue
    if (unquoted(line).startsWith('}')) return { items, end: i }
    const parts = [handled(line)]
    let depth = depthOf(parts[0]!.text)
    while (depth > 0 && i + 1 < lines.length) {
      parts.push(handled(lines[++i]!.trim()))
      depth += depthOf(parts.at(-1)!.text)
    }
    const handle = parts.at(-1)!.handle
    items.push({ text: parts.map(({ text }) => text).join('\n'), ...(handle !== undefined && { handle }) })
  }
  return { items, end: lines.length }
}

/** A setting with the devices of its list in quotes, without which nft 1.0.6 prints them. */
const quoted = (setting: string): string =>
  setting.replace(
    /(?<=\bdevices = \{)[^}]*/,
    (list) => ` ${elementsOf(list).map((name) => (name.startsWith('"') ? name : `"${name}"`)).join(', ')} `, // prettier-ignore
  )

const base = /^(type \S+ hook .+?);(?: policy (\w+);)?$/

function chainOf(items: readonly Item[]): NftChain {
  const rules: Item[] = []
  let settings: Pick<NftChain, 'hook' | 'policy' | 'comment'> = {}
  for (const item of items) {
    const match = base.exec(item.text)
    const comment = /^comment (".*")$/.exec(item.text)?.[1]
    if (match) settings = { ...settings, hook: quoted(match[1]!), ...(match[2] !== undefined && { policy: match[2] }) }
    else if (comment !== undefined) settings = { ...settings, comment }
    else rules.push(item)
  }
  const handles = rules.flatMap(({ handle }) => (handle === undefined ? [] : [handle]))
  return { ...settings, rules: rules.map(({ text }) => inOrder(text)), ...(handles.length > 0 && { handles }) }
}

function objectOf(items: readonly Item[]): NftObject {
  const elements = items.find(({ text }) => text.startsWith('elements = {'))
  const lines = items
    .filter((item) => item !== elements)
    .map(({ text }) => (text.startsWith('devices') ? quoted(text) : text))
  if (!elements) return { lines }
  const inside = elements.text.slice(elements.text.indexOf('{') + 1, elements.text.lastIndexOf('}'))
  return { lines, elements: elementsOf(inside.replace(/\s*\n\s*/g, ' ')).sort() }
}

/** Parses one table from the line after its head; returns the line that closes it. */
function tableOf(lines: readonly string[], at: number): { table: NftTable; end: number } {
  const table = { lines: [] as string[], objects: named<NftObject>(), chains: named<NftChain>() }
  let i = at
  for (; i < lines.length; i++) {
    const { text } = handled(lines[i]!.trim())
    if (text === '') continue
    if (text === '}') break
    if (!text.endsWith('{')) {
      table.lines.push(text)
      continue
    }
    const head = text.slice(0, -1).trim()
    const { items, end } = block(lines, i + 1)
    if (head.startsWith('chain ')) table.chains[head.slice('chain '.length)] = chainOf(items)
    else table.objects[head] = objectOf(items)
    i = end
  }
  return { table, end: i }
}

/** Parses what `nft -s list ruleset` prints, with `-a` or without. Tables by `FAMILY NAME`, but for those of a trace. */
export function parseNft(text: string): NftSpec {
  const tables = named<NftTable>()
  const lines = text.split('\n')
  for (let i = 0; i < lines.length; i++) {
    const head = /^table (\S+ \S+) \{/.exec(lines[i]!)?.[1]
    if (head === undefined) continue
    const { table, end } = tableOf(lines, i + 1)
    if (!head.endsWith(` ${TRACE_TABLE}`)) tables[head] = table
    i = end
  }
  return { tables }
}

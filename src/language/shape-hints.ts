import type { ErrorObject } from 'ajv'
import { isFields, type Fields } from '../model/fields.ts'
import type { Path } from './yaml/source.ts'
import { inQuotes } from './yaml/spot.ts'

/** The word and the value of `to:default` or `to = default`; undefined of other text. */
const pairIn = (text: string): readonly [key: string, value: string] | undefined => {
  const [, key, value = ''] = /^([A-Za-z][\w.-]*)(?::(?=\S)|\s*=\s*)(.*)$/.exec(text) ?? []
  return key === undefined ? undefined : [key, value]
}

/**
 * What to write in place of a value that has not one of these types (those of JSON Schema), where it is plain what was meant;
 * undefined where it is not.
 */
export function hintFor(value: unknown, types: readonly string[], path: Path): string | undefined {
  if (isFields(value)) return mapHint(value, types, path)
  if (Array.isArray(value)) return listHint(value, types, path)
  if (typeof value === 'string') return textHint(value, types, path)
  return value === null && path.length === 1 && types.includes('object')
    ? 'Put its entries on the lines below, indented further.'
    : undefined
}

function mapHint(map: Fields, types: readonly string[], path: Path): string | undefined {
  const keys = Object.keys(map)
  const [key = ''] = keys
  const { node, interface: device } = map
  if (path.at(-2) === 'endpoints' && typeof node === 'string' && typeof device === 'string')
    return `Write ${node}:${device}.`
  if (path.at(-2) === 'endpoints')
    return 'Ends with addresses are a map: endpoints: { a:eth0: 10.0.0.1/24, b:eth0: 10.0.0.2/24 }, without dashes.'
  const counted = countedIn(map)
  if (counted !== undefined) return counted
  // `- qdisc add root handle 1: htb` is a map to YAML.
  if (types.includes('string') && keys.length === 1 && /\s/.test(key))
    return `A colon and a space make a map: put the whole text in quotes. Write ${inQuotes(`${key}: ${String(map[key] ?? '')}`.trim())}.`
  if (!types.includes('array')) return undefined
  if (keys.every((name) => /^-\w/.test(name))) return `A space is missing after the dash: - ${key.slice(1)}: …`
  return Object.values(map).every(isFields)
    ? 'Items of a list have no names: begin each with a dash instead of a name.'
    : `Each item of a list begins with a dash: - ${key}: …, and its other fields below ${key}.`
}

/** The hint for `{i}` without quotes, which is a map to YAML. */
export function countedIn(value: unknown): string | undefined {
  if (!isFields(value)) return undefined
  const [key = '', ...others] = Object.keys(value)
  if (others.length || value[key] !== null || !/^[a-z][a-z]?( *[-+*/%] *[a-z0-9]+)*$/.test(key)) return undefined
  return `Braces begin a map. For the number of a range, use quotes: "{${key}}".`
}

function listHint(list: readonly unknown[], types: readonly string[], path: Path): string | undefined {
  if (!types.includes('object')) return undefined
  const texts = list.filter((item) => typeof item === 'string')
  if (path.length === 2 && path[0] === 'links')
    return texts.length === 2 ? `Write { endpoints: [${texts.join(', ')}] }.` : undefined
  const names = list.map((item) => (isFields(item) ? item['name'] : item)).filter((name) => typeof name === 'string')
  const [name] = names
  return names.length === list.length && name !== undefined
    ? `Write the names as keys of a map, without dashes: ${name}: …`
    : undefined
}

function textHint(text: string, types: readonly string[], path: Path): string | undefined {
  if (types.includes('boolean') && /^(yes|on|y|no|off|n)$/i.test(text))
    return `Write ${/^(yes|on|y)$/i.test(text) ? 'true' : 'false'}.`
  const isRoutes = path.at(-1) === 'routes'
  if (!types.includes('object') && !isRoutes) return undefined
  const ends = text.match(/[\w.[\]{}~-]+:[\w.[\]{}~-]+/g) ?? []
  if (path[0] === 'links' && path.length === 2 && ends.length === 2)
    return `Write { endpoints: [${ends.map((end) => (/[[\]{}]/.test(end) ? inQuotes(end) : end)).join(', ')}] }.`
  if (isRoutes || path.at(-2) === 'routes') {
    const [to, ...words] = text.split(/\s+/)
    const route = `{ to: ${to}${words.map((word, i) => (i % 2 ? ` ${word}` : `, ${word}:`)).join('')} }`
    return words.length && words.length % 2 === 0 ? `Write ${isRoutes ? `[${route}]` : route}.` : undefined
  }
  const pair = pairIn(text)
  return pair && `Write a colon and a space: ${pair[0]}: ${pair[1]}`
}

/** The hint for an unknown field, such as `to:default` in braces. `parent` is the key of the map in which it is. */
export function fieldHint(field: string, known: readonly string[], parent: Path[number] = ''): string | undefined {
  if (parent === 'policy' && known.includes(parent)) return `A chain has its policy: ${field}: { policy: DROP }`
  const pair = pairIn(field)
  if (pair && known.includes(pair[0])) return `A space is missing after the colon: ${pair[0]}: ${pair[1]}`
  // `- -j LOG --log-prefix "in: "` is a map to YAML.
  return /\s/.test(field) ? 'A colon followed by a space makes this a map: put the whole text in quotes.' : undefined
}

/**
 * The errors without those that follow from others. A field that is missing, where another is unknown, is most often that one.
 * Where a field has nothing and an unknown one comes next, the latter is not indented: `under` has the name of the former.
 */
export function causes(
  errors: readonly ErrorObject[],
  at: (pointer: string) => unknown,
  knownAt: (error: ErrorObject) => readonly string[],
): readonly { readonly error: ErrorObject; readonly under?: string }[] {
  const strange = new Map<string, ErrorObject[]>()
  for (const error of errors)
    if (error.keyword === 'additionalProperties') {
      const here = strange.get(error.instancePath)
      if (here) here.push(error)
      else strange.set(error.instancePath, [error])
    }
  const unders = new Map<ErrorObject, string>()
  const dropped = new Set<ErrorObject>()
  const empty = new Set<string>()
  for (const [pointer, unknown] of strange) {
    const found = at(pointer)
    const [first, ...others] = unknown
    if (!first || !isFields(found)) continue
    const keys = Object.keys(found)
    const under = keys[keys.indexOf(fieldOf(first)) - 1]
    if (under === undefined || found[under] !== null || !knownAt(first).includes(under)) continue
    unders.set(first, under)
    empty.add(`${pointer}/${under}`)
    for (const other of others) dropped.add(other)
  }
  const lists = new Set<string>()
  return errors.flatMap((error) => {
    const { keyword, instancePath } = error
    if (dropped.has(error) || empty.has(instancePath)) return []
    if (keyword === 'required' && strange.has(instancePath)) return []
    // Both ends are wrong in the same way.
    const [, link] = /^(.*\/endpoints)\/\d+$/.exec(instancePath) ?? []
    if (link !== undefined && keyword === 'type') {
      if (lists.has(link)) return []
      lists.add(link)
    }
    const under = unders.get(error)
    return [{ error, ...(under !== undefined && { under }) }]
  })
}

/** The name of the unknown field that an error is about. */
export const fieldOf = ({ params }: ErrorObject): string =>
  String((params as Record<string, unknown>)['additionalProperty'])

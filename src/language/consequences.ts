import type { Code } from '../model/diagnostic-codes.ts'
import type { Path } from './yaml/source.ts'

/** What may be missing, or be there twice, because an interface, an address or a name is wrong. */
const ofNamespace = new Set<Code>(['unknown-reference', 'no-subnet', 'no-bridge', 'ambiguous-interface', 'given-twice'])
/** What may follow from another error in the same interface, route, link or check. */
const ofItem = new Set<Code>(['given-twice', 'senseless-field', 'missing-field'])

/** The fields of a namespace with what its other fields may refer to. */
const referredTo = new Set(['interfaces', 'bridges', 'nexthops'])

/** Knows which errors follow from those that came before. */
export interface Consequences {
  /** Whether an error with this code at this path follows from an earlier one. */
  readonly follows: (code: Code, path: Path) => boolean
  /** Takes note of an error that was reported. */
  readonly note: (code: Code, path: Path) => void
  /** Whether something that others may refer to is missing in the namespace, because of an error. */
  readonly isBroken: (namespace: string) => boolean
}

/** The consequences of errors in this lab file, of which no error is known yet. */
export function consequencesIn(value: unknown): Consequences {
  const broken = new Set<string>()
  const items = new Set<string>()
  /** The end of a link is wrong, and the namespace for which it was meant is not known. */
  let isAllBroken = false
  /** The name of a namespace is wrong, by which others refer to it. */
  let isNameLost = false
  const names = Object(at(value, ['namespaces'])) as object
  const isBroken = (namespace: string): boolean =>
    isNameLost || (Object.hasOwn(names, namespace) && (isAllBroken || broken.has(namespace)))
  return {
    isBroken,
    follows: (code, path) =>
      (ofNamespace.has(code) && namespacesOf(value, path).some(isBroken)) ||
      (ofItem.has(code) && items.has(itemOf(path))),
    note(code, path) {
      if (!ofItem.has(code)) items.add(itemOf(path))
      const [top, name, part] = path
      if (top === 'namespaces' && part === undefined && code === 'bad-name') isNameLost = true
      if (top === 'namespaces' && !referredTo.has(String(part))) return
      if (top !== 'namespaces' && top !== 'links') return
      const ends = top === 'links' ? endsOf(value, Number(name)) : [String(name)]
      for (const end of ends)
        if (Object.hasOwn(names, end)) broken.add(end)
        else isAllBroken = true
    },
  }
}

const at = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((found, step) => (found as Record<string | number, unknown> | null | undefined)?.[step], value)

const before = (end: unknown): string => String(end).split(':')[0] ?? ''

/** The namespaces in which a link ends, as far as its ends say it. */
function endsOf(value: unknown, link: number): string[] {
  const ends = at(value, ['links', link, 'endpoints'])
  return (Array.isArray(ends) ? ends : Object.keys(Object(ends) as object)).map(before)
}

/** The namespaces that an error at a path is about: where it is, or those that the value there names. */
function namespacesOf(value: unknown, path: Path): string[] {
  const [top, name, , end] = path
  if (top === 'namespaces') return [String(name)]
  if (top === 'links' && end === undefined) return endsOf(value, Number(name))
  if (top === 'links') return [before(typeof end === 'number' ? at(value, path) : end)]
  const found = at(value, path)
  return typeof found === 'string' && found.includes(':') ? [before(found)] : []
}

/** An identifier of the interface, route, link or check that an error is in. */
const itemOf = (path: Path): string => path.slice(0, path[0] === 'namespaces' ? 4 : 2).join('\0')

import type { ErrorObject } from 'ajv'
import { schema } from './schema.ts'
import type { Schema } from './schema-words.ts'
import { foreignWord, surroundingsOf } from './foreign-words.ts'
import { pathText, suggest, type Report } from './report.ts'
import { causes, countedIn, fieldHint, fieldOf, hintFor } from './shape-hints.ts'
import type { Path } from './yaml/source.ts'

/** Reports what the validator says about a value that does not fit the schema. */
export function reportShape(said: readonly ErrorObject[], value: unknown, report: Report): void {
  const seen = new Set<string>()
  const errors = causes(relevant(said), (pointer) => at(value, pathOf(pointer, value)), knownFields)
  for (const { error, under } of errors) {
    const { path, summary, detail, on } = explain(error, value, under)
    const key = `${pathText(path)} ${summary}`
    if (seen.has(key)) continue
    seen.add(key)
    report.error('wrong-shape', path, path.length ? `${pathText(path)}: ${summary}` : summary, detail, on)
  }
}

const pathOf = (pointer: string, value: unknown): (string | number)[] => {
  let at: unknown = value
  return pointer
    .split('/')
    .slice(1)
    .map((part) => {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
      const step = Array.isArray(at) ? Number(key) : key
      at = (at as Record<string | number, unknown> | undefined)?.[step]
      return step
    })
}

const at = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((v, step) => (v as Record<string | number, unknown> | null | undefined)?.[step], value)

/**
 * When a value may have one of several forms, the validator reports errors for each of them. Only those of the form that was
 * probably meant are returned: the one of the same type with the fewest errors, or the union's own error if there is none.
 */
function relevant(errors: readonly ErrorObject[]): ErrorObject[] {
  const dropped = new Set<ErrorObject>(errors.filter(({ keyword }) => keyword === 'if'))
  for (const [i, union] of errors.entries()) {
    if (union.keyword !== 'anyOf' && union.keyword !== 'oneOf') continue
    // The errors of its shapes come right before its own: looking through all errors would be quadratic.
    let first = i
    while (`${errors[first - 1]?.instancePath}/`.startsWith(`${union.instancePath}/`)) first--
    const inside = errors.slice(first, i).filter((e) => e.schemaPath.startsWith(`${union.schemaPath}/`))
    const branch = (e: ErrorObject): string => e.schemaPath.slice(union.schemaPath.length + 1).split('/')[0] ?? ''
    const wrongType = new Set(
      inside
        .filter((e) => e.instancePath === union.instancePath && (e.keyword === 'type' || e.keyword === 'enum'))
        .map(branch),
    )
    const possible = new Map<string, ErrorObject[]>()
    for (const e of inside)
      if (!wrongType.has(branch(e))) possible.set(branch(e), [...(possible.get(branch(e)) ?? []), e])
    const [meant = []] = [...possible.values()].sort((a, b) => a.length - b.length)
    for (const e of inside) if (!meant.includes(e)) dropped.add(e)
    if (meant.length) dropped.add(union)
  }
  return errors.filter((e) => !dropped.has(e))
}

const names: Readonly<Record<string, string>> = {
  object: 'a map',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  null: 'nothing',
}
const found = (v: unknown): string =>
  v === null || v === undefined
    ? 'nothing'
    : Array.isArray(v)
      ? 'a list'
      : typeof v === 'object'
        ? 'a map'
        : `${typeof v === 'string' ? 'text' : typeof v} ${typeof v === 'number' ? String(v) : JSON.stringify(v)}`

/**
 * The advice for `"true"` and `"1500"` where true and 1500 fit, and for `true,`, `true;` and `true#why`; undefined where they
 * do not.
 */
function unquoted(value: unknown, fits: (meant: unknown) => boolean): string | undefined {
  if (typeof value !== 'string') return undefined
  const [, plain, rest = ''] = /^(true|false|-?(?:0|[1-9]\d*)(?:\.\d+)?)([,;]|#.*|)$/.exec(value) ?? []
  if (plain === undefined || !fits(JSON.parse(plain))) return undefined
  if (rest === '') return `Write ${plain} without quotes.`
  return rest.startsWith('#') ? 'A space is missing before the comment.' : `Write ${plain} without the ${rest}`
}

interface Explained {
  readonly path: Path
  readonly summary: string
  readonly detail?: string
  readonly on?: 'key' | 'value'
}

function explain(error: ErrorObject, value: unknown, under: string | undefined): Explained {
  const path = pathOf(error.instancePath, value)
  const params = error.params as Record<string, unknown>
  const here = at(value, path)
  switch (error.keyword) {
    case 'additionalProperties': {
      const field = fieldOf(error)
      const known = knownFields(error)
      const counted = countedIn(here)
      if (counted !== undefined) return { path, summary: `{${field}} is a map here`, detail: counted }
      if (under !== undefined)
        return {
          path: [...path, field],
          summary: `${field} is beside ${under}, which is empty`,
          detail: `If ${field} belongs to ${under}, indent it further.`,
          on: 'key',
        }
      const hint =
        fieldHint(field, known, path.at(-1)) ?? foreignWord(surroundingsOf(path), field) ?? suggest(field, known)
      return {
        path: [...path, field],
        summary: `unknown field "${field}"`,
        detail: hint ?? (known.length ? `Known here: ${known.join(', ')}.` : 'There is no such field here.'),
        on: 'key',
      }
    }
    case 'required':
      return { path, summary: `"${String(params['missingProperty'])}" is missing`, on: 'key' }
    case 'type': {
      const types = ([] as string[]).concat(params['type'] as string | string[])
      const hint =
        unquoted(here, (v) => types.some((t) => t === typeof v || (t === 'integer' && Number.isInteger(v)))) ??
        hintFor(here, types, path)
      return {
        path,
        summary: `expected ${types.map((t) => names[t] ?? t).join(' or ')}, found ${found(here)}`,
        ...(hint !== undefined && { detail: hint }),
      }
    }
    case 'enum': {
      const values = params['allowedValues'] as unknown[]
      const allowed = values.map(String)
      const hint =
        unquoted(here, (v) => values.includes(v)) ??
        hintFor(
          here,
          values.map((v) => typeof v),
          path,
        ) ??
        (typeof here === 'string' ? suggest(here, allowed) : undefined)
      return {
        path,
        summary: `expected ${allowed.join(', ')}; found ${found(here)}`,
        ...(hint !== undefined && { detail: hint }),
      }
    }
    case 'const':
      return { path, summary: `expected ${JSON.stringify(params['allowedValue'])}, found ${found(here)}` }
    case 'minimum':
    case 'maximum':
      return {
        path,
        summary: `${String(here)} is too ${error.keyword === 'minimum' ? 'small' : 'large'}: ${error.message ?? ''}`,
      }
    case 'pattern':
      return { path, summary: `${found(here)} is not well-formed`, ...described(error) }
    case 'anyOf':
    case 'oneOf':
      return { path, summary: `expected ${forms(error)}, found ${found(here)}`, ...meant(error, here, path) }
    default:
      return { path, summary: error.message ?? 'is not valid' }
  }
}

/** The parts of the schema on the way to the keyword that complained, the nearest first. */
function partsOf({ schemaPath }: ErrorObject): Record<string, unknown>[] {
  const parts = [schema as Record<string, unknown>]
  for (const step of schemaPath.split('/').slice(1, -1))
    parts.unshift(parts[0]?.[decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')] as Schema)
  return parts
}

/** What the schema says about the place, with its examples. */
function described(error: ErrorObject): { detail?: string } {
  const { description, examples } = partsOf(error).find((part) => typeof part['description'] === 'string') ?? {}
  const such = (examples as unknown[] | undefined)?.map((example) => JSON.stringify(example)).join(', ')
  return typeof description === 'string' ? { detail: such ? `${description} For example ${such}.` : description } : {}
}

/** What to write in place of a value that has none of the forms of a union. */
function meant(error: ErrorObject, here: unknown, path: Path): { detail?: string } {
  const branches = partsOf(error)[0]?.[error.keyword] as readonly Schema[]
  const types = branches.flatMap(({ type, enum: values }) =>
    Array.isArray(values) ? values.map((v) => typeof v) : [type].flat().map(String),
  )
  const detail = hintFor(here, types, path)
  return detail === undefined ? described(error) : { detail }
}

/** The forms that a union takes: `pass, fail or a map`. */
function forms(error: ErrorObject): string {
  const branches = partsOf(error)[0]?.[error.keyword] as readonly Schema[]
  const words = branches.flatMap(({ enum: values, type }) =>
    Array.isArray(values) ? values.map(String) : [type].flat().map((t) => names[String(t)] ?? String(t)),
  )
  const all = [...new Set(words)]
  return [all.slice(0, -1).join(', '), ...all.slice(-1)].filter(Boolean).join(' or ')
}

/** The fields that the part of the schema which complained knows. */
const knownFields = (error: ErrorObject): string[] => Object.keys((partsOf(error)[0]?.['properties'] as object) ?? {})

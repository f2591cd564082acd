import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import { isFields, type Fields } from '../model/fields.ts'
import { writeOut } from './ranges.ts'
import { pathText } from './report.ts'
import { readVars } from './vars.ts'
import { diagnosticAt } from './yaml/origin.ts'
import { parseYaml, type Origin, type Path, type Source } from './yaml/source.ts'

/** A lab file, and what it takes from outside. */
export interface Given {
  readonly file: string
  readonly text: string
  /** Reads a file by its name relative to the folder of the lab file. Throws as `readFileSync` does. */
  readonly read: (path: string) => string
  /** The values of vars that the command line gives. */
  readonly set?: ReadonlyMap<string, string>
}

const NONE: ReadonlyMap<string, string> = new Map()
/** Lists at the top of a file, to which an including file adds. */
const LISTS = new Set(['links', 'checks'])
/** The most files that a lab may include. */
const MOST_FILES = 100
/** Fields that count only in the file that is named to the command. */
const OWN = new Set(['name', 'description', 'include'])

/** A lab file with its includes merged, vars replaced and ranges written out. Never throws: errors are in `errors`. */
export function assemble({ file, text, read, set = NONE }: Given): Source {
  const main = parseYaml(file, text)
  const errors: Diagnostic[] = []
  const totals = { values: 0, things: 0 }
  const sources = hasField(main.value, 'include') ? withIncluded(main, read, errors) : [main]
  if (set.size === 0 && sources.every(({ value }) => !hasField(value, 'vars')))
    return sources.length === 1 && !errors.length
      ? writeOut(main)
      : merged(
          sources.map((source) => writeOut(source, undefined, totals)),
          errors,
        )
  const { vars, diagnostics } = readVars(sources, set)
  errors.push(...diagnostics)
  return merged(
    sources.map((source) => writeOut(source, vars, totals)),
    errors,
  )
}

const hasField = (value: unknown, field: string): boolean => Object.hasOwn(Object(value) as object, field)

/** The files that a file includes; empty where they are no list of texts, which the schema reports. */
function includesOf({ value }: Source): readonly string[] {
  const { include } = Object(value) as { include?: unknown }
  return Array.isArray(include) && include.every((one) => typeof one === 'string') ? include : []
}

/** The files that a lab is made of, each once: what a file includes comes before it. */
function withIncluded(main: Source, read: (path: string) => string, errors: Diagnostic[]): Source[] {
  const folder = dirname(main.file)
  const sources: Source[] = []
  const seen = new Set<string>()
  const visit = (source: Source, name: string, above: readonly string[]): void => {
    const complainAt = (path: Path, code: Diagnostic['code'], summary: string, detail: string): void => {
      errors.push(diagnosticAt(source, source.position(path), { severity: 'error', code, summary, detail }))
    }
    if (hasField(source.value, 'include') && !includesOf(source).length)
      complainAt(['include'], 'wrong-shape', 'include: expected a list of files', 'Write it as include: [base.yaml]')
    for (const [n, entry] of includesOf(source).entries()) {
      const complain = complainAt.bind(undefined, ['include', n])
      const path = isAbsolute(entry) ? entry : join(dirname(name), entry)
      const shown = isAbsolute(path) ? path : join(folder, path)
      const full = resolve(shown)
      if (above.some((file) => resolve(file) === full)) {
        const circle = [...above.slice(above.findIndex((file) => resolve(file) === full)), shown]
        complain('include-circle', `${entry} includes itself`, `The chain is circular: ${circle.join(' → ')}.`)
        continue
      }
      if (seen.has(full)) continue
      seen.add(full)
      if (seen.size > MOST_FILES) {
        if (seen.size === MOST_FILES + 1)
          complain('unreadable-file', `this lab includes more than ${MOST_FILES} files`, 'Join some of them.')
        return
      }
      try {
        const part = parseYaml(shown, read(path))
        if (part.value !== undefined && !isFields(part.value))
          complain('wrong-shape', `${entry} is not a lab file`, 'A lab file is a map with namespaces and links.')
        else visit(part, path, [...above, shown])
      } catch (error) {
        if (error instanceof UserError) errors.push(...error.diagnostics)
        else complain('unreadable-file', `cannot read ${entry}`, (error as Error).message)
      }
    }
    sources.push(source)
  }
  visit(main, main.file === '-' ? '-' : relative(folder, main.file), [main.file])
  return sources
}

/** Several files, of which the last includes the others, as one; each value knows the file in which it is written. */
function merged(sources: readonly Source[], more: readonly Diagnostic[]): Source {
  const main = sources.at(-1)!
  const errors = [...sources.flatMap((source) => source.errors), ...more]
  if (sources.length === 1) return { ...main, errors }
  const starts = startsOf(sources)
  const origin = (path: Path): Origin => {
    const [field, index, ...rest] = path
    if (LISTS.has(String(field)) && typeof index === 'number') {
      const start = starts.get(String(field))!.findLast(({ from }) => from <= index)
      if (start) return { source: start.source, path: [field!, index - start.from, ...rest] }
    }
    return { source: holderOf(sources, path), path }
  }
  const partOf = (file: string): Source => sources.find((source) => source.file === file) ?? main
  const value = sources.some((source) => source.value === undefined) ? undefined : valueOf(sources, errors)
  return {
    ...{ file: main.file, text: main.text, value, errors, parts: sources, origin },
    position: (path, on) => {
      const { source, path: own } = origin(path)
      return source.position(own, on)
    },
    offset: (path) => {
      const { source, path: own } = origin(path)
      return source.offset(own)
    },
    where: (path) => {
      const { source, path: own } = origin(path)
      return source.where?.(own)
    },
    at: main.at,
    snippet: (position) => partOf(position.file).snippet(position),
    isRepeated: (position) => partOf(position.file).isRepeated?.(position) ?? false,
  }
}

/** For each list that the files add to, where the items of each file begin. */
function startsOf(sources: readonly Source[]): Map<string, { readonly from: number; readonly source: Source }[]> {
  const starts = new Map<string, { from: number; source: Source }[]>()
  for (const field of LISTS) {
    let from = 0
    const all: { from: number; source: Source }[] = []
    for (const source of sources) {
      const list = (Object(source.value) as Fields)[field]
      if (!Array.isArray(list) || !list.length) continue
      all.push({ from, source })
      from += list.length
    }
    starts.set(field, all)
  }
  return starts
}

/** The file that has most of the path; the last of several. */
function holderOf(sources: readonly Source[], path: Path): Source {
  let candidates = sources.map((source) => ({ source, at: source.value }))
  for (const step of path) {
    const next = candidates.flatMap(({ source, at }) =>
      hasField(at, String(step)) && !(source !== sources.at(-1) && at === source.value && OWN.has(String(step)))
        ? [{ source, at: (at as Record<string | number, unknown>)[step] }]
        : [],
    )
    if (next.length === 0) break
    candidates = next
  }
  return candidates.at(-1)!.source
}

/** The values of all files as one. A setting that two of them have is an error. */
function valueOf(sources: readonly Source[], errors: Diagnostic[]): unknown {
  const main = sources.at(-1)!
  const join_ = (before: unknown, after: unknown, path: Path, source: Source): unknown => {
    if (before === undefined || (before === null && isFields(after))) return after
    if (after === null && isFields(before)) return before
    if (isFields(before) && isFields(after)) {
      const result: Record<string, unknown> = { ...before }
      for (const [key, value] of Object.entries(after))
        result[key] = Object.hasOwn(result, key) ? join_(result[key], value, [...path, key], source) : value
      return result
    }
    if (path.length === 1 && LISTS.has(String(path[0])) && Array.isArray(before) && Array.isArray(after))
      return [...(before as unknown[]), ...(after as unknown[])]
    const first = holderOf(sources.slice(0, sources.indexOf(source)), path).position(path, 'key')
    const position = source.position(path, 'key')
    const summary = `${pathText(path)} is set twice`
    const detail = `It is also at ${first.file}:${first.line}:${first.column}. Leave one of the two out.`
    errors.push(diagnosticAt(source, position, { severity: 'error', code: 'given-twice', summary, detail }))
    return after
  }
  return sources.reduce<unknown>((value, source) => {
    const { include: _, vars: __, ...fields } = source.value as Fields
    const own =
      source === main ? source.value : Object.fromEntries(Object.entries(fields).filter(([key]) => !OWN.has(key)))
    return join_(value, own, [], source)
  }, undefined)
}

import { distance } from 'fastest-levenshtein'
import type { Code } from '../model/diagnostic-codes.ts'
import type { Diagnostic, Position } from '../model/diagnostic.ts'
import { diagnosticAt } from './yaml/origin.ts'
import { consequencesIn, type Consequences } from './consequences.ts'
import type { Path, Source } from './yaml/source.ts'

/** A mistake that a range repeats so often is not looked up again: finding its place takes time. */
const ENOUGH = 1000

/** One name that does not exist may be used in many places, and an interface that is not a port may have many settings of ports. */
const lacks = new Set<Code>(['unknown-reference', 'no-bridge'])

/** Why, and what to do about it; a function if it takes time to find. */
export type Detail = string | (() => string | undefined)

/** Collects the errors and warnings of a lab file. */
export interface Report {
  readonly diagnostics: readonly Diagnostic[]
  readonly failed: () => boolean
  error(code: Code, path: Path, summary: string, detail?: Detail, on?: 'key' | 'value'): void
  warning(code: Code, path: Path, summary: string, detail?: Detail, on?: 'key' | 'value'): void
  /** For what knows its position itself. */
  at(code: Code, position: Position, summary: string, detail?: string): void
  /** A warning for what knows its position itself. */
  warn(code: Code, position: Position, summary: string, detail: string): void
  position(path: Path, on?: 'key' | 'value'): Position
  /** `line 3`, with the file when it is not the lab’s own. */
  line(position: Position): string
  /** Whether something that others may refer to is missing in the namespace, because of an error. */
  readonly isBroken: (namespace: string) => boolean
}

/** A report on this source. */
export function reporter(source: Source): Report {
  const diagnostics: Diagnostic[] = [...source.errors]
  const said = new Set<string>()
  let repeats = 0
  let consequences: Consequences | undefined
  const known = (): Consequences => (consequences ??= consequencesIn(source.value))
  /** Adds a diagnostic; nothing where it is there already, or follows from the error of another place. */
  const add = (
    severity: Diagnostic['severity'],
    code: Code,
    position: Position,
    summary: string,
    told: () => string | undefined,
  ): void => {
    // What is written once and used often, by an anchor or a range, is wrong once.
    const key = `${position.file}:${position.line}:${position.column} ${source.isRepeated?.(position) || code === 'wrong-shape' ? severity : summary}`
    const isMissing = severity === 'error' && lacks.has(code)
    if (said.has(key) || (isMissing && said.has(summary))) return void repeats++
    said.add(key)
    if (isMissing) said.add(summary)
    const detail = joined(told(), position.file === source.file ? oddity(source, position) : undefined)
    const more = detail === undefined ? {} : { detail }
    diagnostics.push(diagnosticAt(source, position, { severity, code, summary, ...more }))
  }
  const find =
    (severity: Diagnostic['severity']): Report['error'] =>
    (code, path, summary, given, on) => {
      if (repeats >= ENOUGH) return
      if (severity === 'error') {
        if (known().follows(code, path)) return
        known().note(code, path)
      }
      add(severity, code, source.position(path, on), summary, () => {
        const detail = typeof given === 'function' ? given() : given
        const counted = source.where?.(path)
        return counted === undefined ? detail : `${detail === undefined ? '' : `${detail} `}With ${counted}.`
      })
    }
  return {
    diagnostics,
    failed: () => diagnostics.some(({ severity }) => severity === 'error'),
    error: find('error'),
    warning: find('warning'),
    at: (code, position, summary, detail) => add('error', code, position, summary, () => detail),
    warn: (code, position, summary, detail) => add('warning', code, position, summary, () => detail),
    position: source.position,
    isBroken: (namespace) => consequences?.isBroken(namespace) === true,
    line: ({ file, line }) => `${file === source.file ? '' : `${file}, `}line ${line}`,
  }
}

/** Both sentences, as far as there are any. */
const joined = (one: string | undefined, other: string | undefined): string | undefined =>
  one !== undefined && other !== undefined ? `${one} ${other}` : (one ?? other)

/** What is strange about the text at a position, and cannot be seen in it. */
function oddity(source: Source, position: Position): string | undefined {
  const { firstLine, firstColumn = 1, lines } = source.snippet(position)
  const from = position.column - firstColumn
  const text = lines[position.line - firstLine]?.slice(Math.max(from, 0), from + (position.length ?? 1)) ?? ''
  if (/[\u00a0\u2007\u202f]/.test(text)) return 'It contains a no-break space: type the space again.'
  return /^[\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb]/.test(text)
    ? 'Its quotes are not those of YAML: " or \'.'
    : undefined
}

/** `namespaces.ns0.routes[1].via` */
export const pathText = (path: Path): string =>
  path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i ? `.${step}` : step)).join('')

const letters = (word: string): string => [...word].sort().join('')

/** No word of the language is nearly as long; the distance to longer ones takes long to find. */
const LONGEST_WORD = 64

/** `did you mean "addresses"?`, when one of the words is close; undefined otherwise. */
export function suggest(word: string, words: Iterable<string>): string | undefined {
  if (word.length > LONGEST_WORD) return undefined
  let best: string | undefined
  // Of three letters, two others make another word.
  let least = (word.length <= 3 ? 1 : Math.max(2, Math.floor(word.length / 3))) + 1
  for (const candidate of words) {
    const [a, b] = [word.toLowerCase(), candidate.toLowerCase()]
    const d = letters(a) === letters(b) ? 1 : distance(a, b)
    if (d < least) [best, least] = [candidate, d]
  }
  return best === undefined ? undefined : `Did you mean "${best}"?`
}

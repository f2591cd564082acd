import type { Diagnostic } from '../model/diagnostic.ts'
import { isFields } from '../model/fields.ts'
import type { Variables } from './arithmetic.ts'
import { NAMES, countedNames, RANGE, VALUE } from './range-text.ts'
import { suggest } from './report.ts'
import { diagnosticAt } from './yaml/origin.ts'
import type { Path, Source } from './yaml/source.ts'

/** The values of vars: as text, as YAML reads them, and those that are whole numbers. */
export interface Vars {
  readonly texts: Readonly<Record<string, string>>
  readonly values: Readonly<Record<string, unknown>>
  readonly numbers: Variables
}

/** Of a lab without vars. */
export const NO_VARS: Vars = { texts: {}, values: {}, numbers: {} }

/** The vars that the files declare, with the values that `--set` gives in place of those, and what is wrong with them. */
export function readVars(
  sources: readonly Source[],
  given: ReadonlyMap<string, string>,
): { readonly vars: Vars; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = []
  const entries: [name: string, text: string, value: unknown][] = []
  const places = new Map<string, string>()
  const used = usedIn(sources)
  const declared = new Set(sources.flatMap((source) => Object.keys(Object(varsOf(source)) as object)))
  for (const source of sources) {
    const vars = varsOf(source)
    if (!isFields(vars)) {
      const said = { summary: 'vars: expected a map', detail: 'Write it as vars: { hosts: 40 }' }
      diagnostics.push(
        diagnosticAt(source, source.position(['vars']), { severity: 'error', code: 'wrong-shape', ...said }),
      )
      continue
    }
    for (const [name, value] of Object.entries(vars)) {
      const path = ['vars', name]
      const place = placeText(source, path)
      const add = (
        severity: Diagnostic['severity'],
        code: Diagnostic['code'],
        summary: string,
        detail: string,
      ): void => {
        diagnostics.push(diagnosticAt(source, source.position(path, 'key'), { severity, code, summary, detail }))
      }
      const first = places.get(name)
      places.set(name, place)
      const wrong = badName(name)
      if (wrong !== undefined) add('error', 'bad-name', `${name} cannot be the name of a variable`, wrong)
      else if (!['string', 'number', 'boolean'].includes(typeof value))
        add(
          'error',
          'wrong-shape',
          `vars.${name}: expected text, a number, true or false`,
          'A variable has a single value.',
        )
      else if (first !== undefined)
        add('error', 'given-twice', `vars.${name} is set twice`, `It is also at ${first}. Leave one of the two out.`)
      else if (bracesIn(String(value)).some((other) => declared.has(other)))
        add(
          'error',
          'bad-value',
          `vars.${name} uses another variable`,
          'netlab does not expand names in the value of a variable. Write the value out.',
        )
      else if (!used.has(name))
        add(
          'warning',
          'unused-var',
          `the variable ${name} is not used`,
          `Write {${name}} where it belongs, or remove it.`,
        )
      const set = given.get(name)
      if (set === undefined) entries.push([name, textOf(source, path, value), value])
      else entries.push([name, set, meaning(set)])
    }
  }
  for (const name of given.keys())
    if (!places.has(name))
      diagnostics.push({
        ...{
          severity: 'error',
          code: 'unknown-reference',
          summary: `--set ${name}: the lab file has no variable ${name}`,
        },
        detail: places.size
          ? (suggest(name, places.keys()) ?? `Its variables: ${[...places.keys()].join(', ')}.`)
          : `Declare it at the top of the file: vars: { ${name}: … }`,
      })
  return { vars: collected(entries), diagnostics }
}

const collected = (entries: readonly (readonly [name: string, text: string, value: unknown])[]): Vars => ({
  texts: Object.fromEntries(entries.map(([name, text]) => [name, text])),
  values: Object.fromEntries(entries.map(([name, , value]) => [name, value])),
  numbers: Object.fromEntries(
    entries.flatMap(([name, text, value]) => {
      const number = typeof value === 'number' ? value : /^-?[0-9]{1,15}$/.test(text) ? Number(text) : NaN
      return Number.isSafeInteger(number) ? [[name, number]] : []
    }),
  ),
})

const varsOf = ({ value }: Source): unknown => (Object(value) as { vars?: unknown }).vars ?? {}

function badName(name: string): string | undefined {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) return 'Use small letters, digits and _, and begin with a letter.'
  return NAMES.includes(name) ? 'Single letters are the counters of ranges. Choose a longer name.' : undefined
}

/** A number as it is written: 10.0 is no 10 in an address. */
function textOf(source: Source, path: Path, value: unknown): string {
  return (typeof value === 'number' ? source.spelling?.(path) : undefined) ?? String(value)
}

/** What a text from the command line is in YAML. */
function meaning(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true'
  return /^-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?$/.test(text) ? Number(text) : text
}

/** The names that stand in braces. */
const bracesIn = (text: string): string[] =>
  [...text.matchAll(VALUE)].flatMap(([, expression = '']) => countedNames(expression))

/** The names that stand in braces and in the ends of ranges. */
function usedIn(sources: readonly Source[]): Set<string> {
  const ranges = (text: string): string[] =>
    [...text.matchAll(RANGE)].flatMap(([, , ...ends]) => ends.flatMap((end) => countedNames(end ?? '')))
  return new Set(sources.flatMap(({ text }) => [...bracesIn(text), ...ranges(text)]))
}

function placeText(source: Source, path: Path): string {
  const { file, line, column } = source.position(path, 'key')
  return `${file}:${line}:${column}`
}

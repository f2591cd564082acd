import type { Colors } from 'picocolors/types'
import type { Check } from '../model/check.ts'
import { visible } from '../model/text.ts'
import { FORMAT } from './json.ts'
import { withEntities } from './markup.ts'

/** One check as programs read it. */
export interface CheckJson {
  readonly name: string
  readonly status: 'pass' | 'fail' | 'error'
  /** What was observed; for `error`, why the check could not be run. */
  readonly detail: string
  readonly expected: string
  /** The place where its packets were lost. */
  readonly where?: string
  readonly from: string
  readonly duration_ms: number
  /** How often it was tried; only for checks with `within`. */
  readonly tries?: number
  /** The lab file, or one that it includes, in which the check is, and its line there. */
  readonly file?: string
  readonly line?: number
}

/** What `netlab test --json` prints. */
export interface ChecksJson {
  readonly format_version: typeof FORMAT
  readonly lab: string
  readonly checks: readonly CheckJson[]
  readonly summary: { readonly pass: number; readonly fail: number; readonly error: number }
  /** What the copy could not have in which they ran; absent: nothing, or they ran on what is live. */
  readonly left_out?: readonly LeftOut[]
}

/** Something of a lab that a copy of it cannot have. */
export interface LeftOut {
  /** The id of a resource, or the name of a check. */
  readonly id: string
  readonly reason: string
  /** The ids of what was left out because it depends on that. */
  readonly also: readonly string[]
}

/** What was left out, a line each. */
export const renderLeftOut = (all: readonly LeftOut[]): string =>
  all
    .map(({ id, reason, also }) => {
      const [first = '', ...more] = also
      const rest = more.length > 2 ? ` and ${more.length} more` : more.map((one) => `, ${one}`).join('')
      return `Not in the copy: ${id} (${reason})${first && `, and so ${first}${rest}`}.\n`
    })
    .join('')

/** The exit code of a command that runs checks: 0 when all pass, 1 when one fails, 3 when one could not be tried. */
export const exitCodeOf = ({ summary }: ChecksJson): 0 | 1 | 3 => (summary.fail ? 1 : summary.error ? 3 : 0)

/** The result of a check, as the engine returns it. */
interface CheckOutcome {
  readonly name: string
  readonly check: Check
  readonly status: CheckJson['status']
  readonly expected: string
  readonly seen: string
  readonly where?: string
  readonly duration: number
  readonly tries?: number
}

/** One result as plain JSON data. */
export const checkJson = ({
  name,
  check,
  status,
  expected,
  seen,
  where,
  duration,
  tries,
}: CheckOutcome): CheckJson => ({
  name,
  status,
  detail: seen,
  expected,
  ...(where !== undefined && { where }),
  from: check.from,
  duration_ms: duration,
  ...(tries !== undefined && { tries }),
  ...(check.source && { file: check.source.file, line: check.source.line }),
})

/** All results as plain JSON data. */
export function checksJson(lab: string, outcomes: readonly CheckOutcome[]): ChecksJson {
  const count = (wanted: CheckJson['status']): number => outcomes.filter(({ status }) => status === wanted).length
  return {
    format_version: FORMAT,
    lab,
    checks: outcomes.map(checkJson),
    summary: { pass: count('pass'), fail: count('fail'), error: count('error') },
  }
}

/** The width of the column with the names. */
export const nameWidth = (names: readonly string[]): number =>
  Math.min(
    60,
    names.reduce((width, { length }) => Math.max(width, length), 0),
  )

const SIGNS = { pass: '✓', fail: '✗', error: '!' } as const
const paintOf = (status: CheckJson['status'], c: Colors) => ({ pass: c.green, fail: c.red, error: c.yellow })[status]

/** One result as it comes: what was observed; all of it if it passed, else the first line. */
export function renderResult({ name, status, detail }: CheckJson, width: number, c: Colors): string {
  const [first = '', ...more] = detail.split('\n')
  const rest = status === 'pass' ? more.map((line) => `    ${c.dim(line)}\n`).join('') : ''
  return `${paintOf(status, c)(SIGNS[status])} ${name.padEnd(width)}  ${c.dim(first)}\n${rest}`
}

/**
 * The end of the results: for each check that did not pass what was expected, what was observed, and why; and the numbers.
 * `untried`: how many checks `--fail-fast` left out.
 */
export function renderSummary({ checks, summary }: ChecksJson, seconds: number, c: Colors, untried = 0): string {
  const bad = checks.filter(({ status }) => status !== 'pass')
  const counts = [
    summary.pass && c.green(`${summary.pass} passed`),
    summary.fail && c.red(`${summary.fail} failed`),
    summary.error && c.yellow(`${summary.error} could not be tried`),
    untried && `${untried} left out`,
  ].filter(Boolean)
  return `${bad.length ? '\n' : ''}${bad.map((check) => renderBad(check, c)).join('')}\n${counts.join(', ')} ${c.dim(`(${seconds.toFixed(1)} s)`)}\n`
}

function renderBad({ name, status, detail, expected, where }: CheckJson, c: Colors): string {
  const rows = (label: string, text: string): string =>
    text
      .split('\n')
      .map((line, i) => `    ${c.dim((i ? '' : label).padEnd(9))} ${line}\n`)
      .join('')
  const head = `${paintOf(status, c)(SIGNS[status])} ${name}\n`
  if (status === 'error') return `${head}${rows('cannot', detail)}`
  return `${head}${rows('expected', expected)}${rows('seen', detail)}${where === undefined ? '' : rows('where', where)}`
}

/** Escapes a text for XML. Invisible characters, some of which XML 1.0 cannot contain, are written as `\u….` */
const xml = (text: string): string =>
  withEntities(visible(text).replace(/[\uFFFE\uFFFF]/g, '')).replaceAll('\n', '&#10;')

/**
 * The results as a JUnit XML report that Ant's schema and Jenkins's accept (test/fixtures/junit.xsd). It began at `began` on this
 * machine, and took so many seconds.
 */
export function junit(
  { lab, checks, summary }: ChecksJson,
  { began, machine, seconds }: { readonly began: Date; readonly machine: string; readonly seconds: number },
): string {
  const suite = {
    ...{ name: lab, package: 'netlab', id: 0, timestamp: began.toISOString().slice(0, 19), hostname: machine },
    ...{ tests: checks.length, failures: summary.fail, errors: summary.error, time: seconds.toFixed(3) },
  }
  const cases = checks.map(({ name, status, detail, expected, where, duration_ms, tries }) => {
    const head = `    <testcase${attributes({ name, classname: `netlab.${lab}`, time: (duration_ms / 1000).toFixed(3) })}`
    if (status === 'pass') return `${head}/>\n`
    const tag = status === 'fail' ? 'failure' : 'error'
    const lines = [`expected: ${expected}`, `seen: ${detail}`]
    if (where !== undefined) lines.push(`where: ${where}`)
    if (tries !== undefined) lines.push(`tries: ${tries}`)
    return `${head}>\n      <${tag}${attributes({ message: detail, type: status })}>${xml(lines.join('\n'))}</${tag}>\n    </testcase>\n`
  })
  return [
    `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n  <testsuite${attributes(suite)}>\n    <properties/>\n`,
    ...cases,
    '    <system-out/>\n    <system-err/>\n  </testsuite>\n</testsuites>\n',
  ].join('')
}

const attributes = (all: Readonly<Record<string, string | number>>): string =>
  Object.entries(all)
    .map(([name, value]) => ` ${name}="${xml(String(value))}"`)
    .join('')

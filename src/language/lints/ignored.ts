import type { Code } from '../../model/diagnostic-codes.ts'
import type { Diagnostic } from '../../model/diagnostic.ts'
import { suggest } from '../report.ts'
import { diagnosticAt } from '../yaml/origin.ts'
import type { Source } from '../yaml/source.ts'
import { lints } from './lints.ts'

const COMMENT = /(?:^|\s)#\s*netlab-ignore:[ \t]*([^#\n]*)/

/**
 * The diagnostics without the warnings of lints that a comment silences, `# netlab-ignore: NAME, NAME`: on the same line, on a line
 * of its own above, or for the whole file above its first line that is not a comment. A name that no lint has is itself a warning.
 */
export const withoutIgnored = (diagnostics: readonly Diagnostic[], source: Source): readonly Diagnostic[] =>
  (source.parts ?? [source]).reduce(
    (left, part) => withoutIgnoredIn(left, part, part.file === source.file),
    diagnostics,
  )

/** `isMain`: it is the lab file, whose first comments also count for the files that it names. */
function withoutIgnoredIn(diagnostics: readonly Diagnostic[], source: Source, isMain: boolean): readonly Diagnostic[] {
  if (!source.text.includes('netlab-ignore')) return diagnostics
  const names = new Set<string>(lints.map(({ name }) => name))
  const lines = source.text.split('\n')
  const unknown: Diagnostic[] = []
  /** By line number, the names that a comment on that line has. */
  const comments = new Map<number, ReadonlySet<string>>()
  const whole = new Set<string>()
  let isHead = true
  lines.forEach((line, i) => {
    if (isHead && !isComment(line) && !/^\s*(---.*)?$/.test(line)) isHead = false
    const [found, listed = ''] = COMMENT.exec(line) ?? []
    if (found === undefined) return
    const said = [...listed.matchAll(/[^\s,]+/g)].map(([name]) => name)
    comments.set(i + 1, new Set(said))
    if (isHead) for (const name of said) whole.add(name)
    for (const name of said)
      if (!names.has(name)) {
        const position = { file: source.file, line: i + 1, column: line.lastIndexOf(name) + 1, length: name.length }
        const detail = suggest(name, names) ?? 'docs/lints.md lists them.'
        const summary = `there is no lint ${name}`
        unknown.push(diagnosticAt(source, position, { code: 'unknown-lint', severity: 'warning', summary, detail }))
      }
  })
  const isIgnored = ({ code, severity, position }: Diagnostic): boolean => {
    if (severity !== 'warning' || !names.has(code)) return false
    if (whole.has(code) && (isMain || position?.file === source.file)) return true
    if (!position || position.file !== source.file) return false
    if (comments.get(position.line)?.has(code)) return true
    let above = position.line - 1
    while (above > 0 && isComment(lines[above - 1] ?? '')) if (comments.get(above--)?.has(code)) return true
    return false
  }
  return [...diagnostics.filter((one) => !isIgnored(one)), ...unknown]
}

const isComment = (line: string): boolean => /^\s*#/.test(line)

/** The diagnostics without the warnings of lints, for `--no-lint`. */
export function withoutLints(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const names = new Set<Code>(lints.map(({ name }) => name))
  return diagnostics.filter(({ severity, code }) => severity === 'error' || !names.has(code))
}

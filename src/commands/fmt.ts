import { formatYaml } from '../language/yaml/format.ts'
import { commentsOf } from '../language/yaml/tokens.ts'
import { parseYaml } from '../language/yaml/source.ts'
import { stage } from '../host/status-line.ts'
import { UserError } from '../model/diagnostic.ts'
import { labFilesIn, locate } from './locate.ts'
import { writeFile } from './own-files.ts'
import { note, out, outText } from './terminal.ts'

interface Options {
  /** Changes nothing, and fails if a file is laid out otherwise. */
  readonly check?: boolean
}

/**
 * `netlab fmt`: lays out lab files and prints the names of those that changed, or the text itself if it came from standard input. A
 * folder means all its lab files. With --check nothing is written, and the exit code is 1 if anything would be.
 */
export function fmt(args: readonly string[], { check }: Options): number {
  const files = args.length ? args.flatMap((arg) => labFilesIn(arg) ?? [arg]) : [undefined]
  let changed = 0
  for (const argument of files) {
    const located = locate(argument)
    if ('name' in located || located.saved) throw UserError.of('no-lab-file', `there is no lab file ${argument}`)
    const { file, text } = located
    const formatted = laidOut(file, text)
    if (file === '-' && !check) outText(formatted)
    else if (formatted !== text) {
      changed++
      if (!check) writeFile(file, formatted)
      out(`${file}\n`)
    }
  }
  if (check && changed) note(`Not laid out as netlab fmt does: ${changed} of ${files.length}.\n`)
  return check && changed ? 1 : 0
}

/**
 * The text in netlab's layout. Throws a UserError if it is not YAML. Compares the values and comments of both texts, because a mistake here
 * would damage a file: then it throws an Error.
 */
function laidOut(file: string, text: string): string {
  stage(`Laying out ${file} …`)
  const before = parseYaml(file, text)
  if (before.errors.length) throw new UserError(before.errors)
  const formatted = formatYaml(text)
  const after = parseYaml(file, formatted)
  const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)
  if (!same(before.value, after.value) || !same(commentsOf(text), commentsOf(formatted)))
    throw new Error(`netlab fmt would change what ${file} means`)
  return formatted
}

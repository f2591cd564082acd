import { UserError } from '../model/diagnostic.ts'
import { errorJson } from '../views/json.ts'
import { errColors, note, outJson, report, type Global } from './terminal.ts'

/**
 * Reports an error and returns the exit code: a mistake of the user's without a stack, a bug of netlab's with one. With `--json`
 * it also prints a document with the diagnostics.
 */
export function reportError(error: unknown, options: Global & { readonly json?: boolean }): number {
  if (options.json)
    outJson(
      errorJson(
        error instanceof UserError
          ? error.diagnostics
          : [{ code: 'bug', severity: 'error', summary: error instanceof Error ? error.message : String(error) }],
      ),
    )
  if (error instanceof UserError) {
    report(error.diagnostics, options)
    return 1
  }
  const c = errColors(options)
  note(`${c.red(c.bold('This is a bug in netlab; please report it with the command and the lab file:'))}\n`)
  note(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return 1
}

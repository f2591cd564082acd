import { stage } from '../host/status-line.ts'
import { nameWidth, renderResult, type CheckJson } from '../views/check-results.ts'
import { out, outColors, type Global } from './terminal.ts'

/** Shows results of checks as they come. */
export interface ChecksPrinter {
  /** Called first, with the names of the checks. */
  readonly begin: (names: readonly string[]) => void
  readonly each: (check: CheckJson) => void
}

/** Prints each result as it comes, and on a terminal how many there are so far. */
export function checksPrinter(options: Global & { readonly json?: boolean }): ChecksPrinter {
  const c = outColors(options)
  let [width, total, done] = [0, 0, 0]
  const progress = (): void => stage(`${done} of ${total} checks …`)
  return {
    begin(names) {
      width = nameWidth(names)
      total = names.length
      if (total) progress()
    },
    each(check) {
      done++
      if (!options.json) out(renderResult(check, width, c))
      if (done < total) progress()
      else stage('Looking where packets were lost …')
    },
  }
}

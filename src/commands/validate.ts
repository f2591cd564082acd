import { diagnose } from '../language/load-lab.ts'
import { diagnosticJson, FORMAT } from '../views/json.ts'
import { locate, type LocateOptions } from './locate.ts'
import type { Linting } from './prepare.ts'
import { errColors, note, outJson, report, type Global } from './terminal.ts'
import type { Host } from '../model/host.ts'
import { UserError } from '../model/diagnostic.ts'

interface Options extends Global, Linting, LocateOptions {
  readonly json?: boolean
}

/** `netlab validate`: reports everything that is wrong with the file and can be found without reading the kernel. */
export async function validate(host: Host, argument: string | undefined, options: Options): Promise<number> {
  const located = locate(argument, options)
  if ('name' in located) throw UserError.of('no-lab-file', `there is no lab file ${located.name}`)
  const diagnostics = diagnose({
    ...located,
    readBeside: located.beside,
    confines: host.confines(),
    lint: options.lint,
  })
  const valid = !diagnostics.some(({ severity }) => severity === 'error')
  const noPlace = { file: located.file, line: 1, column: 1 }
  if (options.json)
    outJson({
      format_version: FORMAT,
      valid,
      diagnostics: diagnostics.map((one) => ({ ...noPlace, ...diagnosticJson(one) })),
    })
  else {
    report(diagnostics, options)
    const c = errColors(options)
    const warnings = diagnostics.filter(({ severity }) => severity === 'warning').length
    const errors = diagnostics.length - warnings
    const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
    const found = [errors && count(errors, 'error'), warnings && count(warnings, 'warning')].filter(Boolean).join(', ')
    note(`${valid ? c.green('valid') : c.red('not valid')}: ${located.file}${found && ` (${found})`}\n`)
  }
  return valid ? 0 : 1
}

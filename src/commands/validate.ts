import { examine } from '../language/load-lab.ts'
import { diagnosticJson, FORMAT } from '../views/json.ts'
import { stage } from '../host/status-line.ts'
import { locate, type LocateOptions } from './locate.ts'
import { reading, type Linting } from './open-located.ts'
import { tryRules } from './try-rules.ts'
import { errColors, note, outJson, report, type Global } from './terminal.ts'
import type { Host } from '../model/host.ts'
import { UserError } from '../model/diagnostic.ts'

interface Options extends Global, Linting, LocateOptions {
  readonly json?: boolean
}

/**
 * `netlab validate`: reports everything that is wrong with the file and can be found without the live network. Rules of firewalls
 * are loaded in throw-away namespaces, where these can be had.
 */
export async function validate(host: Host, argument: string | undefined, options: Options): Promise<number> {
  const located = locate(argument, options)
  if ('name' in located) throw UserError.of('no-lab-file', `there is no lab file ${located.name}`)
  const { diagnostics: found, lab } = examine({
    ...reading(located),
    readBeside: located.beside,
    confines: host.confines(),
    lint: options.lint,
  })
  stage('Trying the rules …')
  const tried = lab ? await tryRules(lab, host) : { refused: [] }
  if ('untried' in tried && !options.json) note(`The rules of firewalls were not tried: ${tried.untried}\n`)
  const refused = 'refused' in tried ? tried.refused : []
  const lines = new Set(refused.map(({ position }) => position?.line))
  // What the kernel refuses needs no warning as well.
  const diagnostics = [
    ...found.filter(({ code, position }) => code !== 'unknown-chain' || !lines.has(position?.line)),
    ...refused,
  ]
  const valid = !diagnostics.some(({ severity }) => severity === 'error')
  const noPlace = { file: located.file, line: 1, column: 1 }
  if (options.json)
    outJson({
      format_version: FORMAT,
      valid,
      ...('untried' in tried ? { rules_tried: false, rules_untried_because: tried.untried } : { rules_tried: true }),
      diagnostics: diagnostics.map((one) => ({ ...noPlace, ...diagnosticJson(one) })),
    })
  else {
    report(diagnostics, options)
    const c = errColors(options)
    const warnings = diagnostics.filter(({ severity }) => severity === 'warning').length
    const errors = diagnostics.length - warnings
    const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
    const counts = [errors && count(errors, 'error'), warnings && count(warnings, 'warning')].filter(Boolean).join(', ')
    note(`${valid ? c.green('valid') : c.red('not valid')}: ${located.file}${counts && ` (${counts})`}\n`)
  }
  return valid ? 0 : 1
}

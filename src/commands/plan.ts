import { startRunner } from '../run/choose-runner.ts'
import { crowded, procOf } from '../observe/limits.ts'
import { planJson } from '../views/json.ts'
import { renderCommands, renderPlan } from '../views/plan-text.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import { FOUND, locate, remember, type LocateOptions } from './locate.ts'
import { openLocated, prepare, type PlanOptions } from './prepare.ts'
import { savePlan } from './saved.ts'
import { note, out, outColors, outJson, report, type Global } from './terminal.ts'

interface Options extends Global, PlanOptions, LocateOptions {
  readonly commands?: boolean
  readonly json?: boolean
  /** Nothing is folded. */
  readonly full?: boolean
  /** A file to save the plan in. */
  readonly out?: string
  readonly detailedExitcode?: boolean
}

/** `netlab plan`. Returns 0; with --detailed-exitcode, 2 when the plan has changes. */
export async function plan(host: Host, argument: string | undefined, options: Options): Promise<number> {
  const located = locate(argument, options)
  const beside: Record<string, string> = {}
  const recording =
    'name' in located
      ? located
      : {
          ...located,
          beside: (path: string) => (beside[path] = located.beside(path)),
          fileBeside: (path: string) => {
            const found = located.fileBeside(path)
            beside[FOUND + path] = JSON.stringify(found)
            return found
          },
          listBeside: (pattern: string) => {
            const files = located.listBeside(pattern)
            beside[pattern] = files.join('\n')
            return files
          },
        }
  const runner = startRunner(host, 'text' in located ? located.text.length : 0)
  const { plan, source, lab, live, warnings } = await prepare(
    recording,
    openLocated(recording, host, options),
    runner,
    options,
  )
  if ('file' in located) remember(located.file)
  report([...warnings, ...(lab && !options.destroy ? crowded(lab.topology, lab.checks, procOf(host)) : [])], options)
  if (options.out !== undefined) {
    if ('name' in located) throw UserError.of('no-lab-file', '--out needs a lab file')
    const { destroy, adopt, target, replace } = options
    const wishes = JSON.parse(JSON.stringify({ destroy, adopt, target, replace })) as PlanOptions
    const { file, text, set } = located
    savePlan(options.out, {
      wishes,
      file,
      text,
      beside,
      ...(set?.size && { set: [...set] }),
      live: [...live.resources.values()],
      plan,
    })
    note(`Saved. To do exactly this: netlab apply ${options.out}\n`)
  }
  const json = planJson(plan)
  if (options.json) outJson(json)
  else if (options.commands) out(renderCommands(json))
  else out(renderPlan(json, source, outColors(options), options.destroy, options.full))
  return options.detailedExitcode && plan.steps.length > 0 ? 2 : 0
}

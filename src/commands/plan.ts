import { ipRunner } from '../exec/ip.ts'
import { planJson } from '../render/json.ts'
import { renderCommands, renderPlan } from '../render/plan.ts'
import { locate, remember } from './locate.ts'
import { prepare, type Wishes } from './prepare.ts'
import { out, outColors, outJson, report, type Global } from './terminal.ts'

interface Options extends Global, Wishes {
  readonly commands?: boolean
  readonly json?: boolean
  readonly detailedExitcode?: boolean
}

/** `netlab plan`: 0, or with --detailed-exitcode 2 when there is something to do. */
export async function plan(argument: string | undefined, options: Options): Promise<number> {
  const located = locate(argument)
  const { plan, source, lab } = await prepare(located, ipRunner, options)
  if ('file' in located) remember(located.file)
  report(lab?.warnings ?? [], options)
  const json = planJson(plan)
  if (options.json) outJson(json)
  else if (options.commands) out(renderCommands(json))
  else out(renderPlan(json, source, outColors(options)))
  return options.detailedExitcode && plan.steps.length > 0 ? 2 : 0
}

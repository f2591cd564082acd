import { startRunner } from '../run/choose-runner.ts'
import { crowded, procOf } from '../observe/limits.ts'
import { drillIn } from '../model/drill.ts'
import { concealedPlan, DRILL_NOTE } from '../views/drill-text.ts'
import { planJson, type PlanJson } from '../views/json.ts'
import { renderCommands, renderPlan } from '../views/plan-text.ts'
import { renderUnmanaged } from '../views/unmanaged.ts'
import { renderReachChange, type ReachChangeJson } from '../views/reach-change.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Plan } from '../model/change.ts'
import type { Host } from '../model/host.ts'
import { NEAR } from '../model/other-machine.ts'
import type { Runner } from '../model/runner.ts'
import type { Resource, Resources } from '../model/resource.ts'
import { exitCodeOf, type ChecksJson } from '../views/check-results.ts'
import { recorded, remember, type Located, type LocateOptions, type RecordedFile } from './locate.ts'
import { noMachines } from './apply.ts'
import type { OpenedFile } from './change-machines.ts'
import { spreadLab } from './lab-runner.ts'
import { sizeHere } from './locate-ahead.ts'
import { openLocated } from './open-located.ts'
import { prepare, type PlanOptions, type Prepared } from './prepare.ts'
import { savedPart, savePlan, type SavedPlan } from './saved.ts'
import { note, out, outColors, outJson, report, type Global } from './terminal.ts'

interface Options extends Global, PlanOptions, LocateOptions {
  readonly commands?: boolean
  readonly json?: boolean
  /** Nothing is folded. */
  readonly full?: boolean
  /** A file to save the plan in. */
  readonly out?: string
  readonly detailedExitcode?: boolean
  /** The checks of the lab file run in a copy of what would be there afterwards. */
  readonly test?: boolean
  /** False after `--no-processes`: the copy has none. */
  readonly processes?: boolean
  /** Which pairs gain and lose reachability. */
  readonly reach?: boolean
  /** Shows the changes also while a drill is under way. */
  readonly reveal?: boolean
  /** Machines of the lab that are left out. */
  readonly skipMachine?: readonly string[]
}

/**
 * `netlab plan`. Returns 0; with --detailed-exitcode, 2 when the plan has changes; with --test, 1 when a check fails in the copy, 3
 * when one could not be tried.
 */
export async function plan(host: Host, located: Located, options: Options): Promise<number> {
  const recording = 'name' in located ? located : recorded(located)
  const runner = startRunner(host, sizeHere(located))
  const opened = openLocated(recording, host, options)
  if (opened?.machines && 'file' in recording)
    return await planOnMachines(runner, { located: recording, opened }, options)
  if (options.skipMachine) throw noMachines()
  const prepared = await prepare(recording, opened, runner, options)
  const { plan, source, lab, live, warnings } = prepared
  if ('file' in located) remember(located.file)
  report([...warnings, ...(lab && !options.destroy ? crowded(lab.topology, lab.checks, procOf(host)) : [])], options)
  const concealed = !options.reveal && !options.destroy && drillIn(live.resources) !== undefined
  const telling = (['out', 'test', 'reach'] as const).find((name) => options[name])
  if (concealed && telling)
    throw UserError.of(
      'drill-under-way',
      `a drill is under way (netlab break), and --${telling} would give it away`,
      'netlab hint helps. With --reveal, netlab plan does it; netlab apply repairs the lab.',
    )
  if (options.out !== undefined) {
    if ('name' in recording) throw UserError.of('no-lab-file', '--out needs a lab file')
    save(options.out, recording, options, { [NEAR]: savedPart(prepared) })
  }
  const json = concealed ? concealedPlan(planJson(plan)) : planJson(plan)
  show(json, source, options)
  if (lab && !concealed && !options.commands && !options.json) out(renderUnmanaged(live.others, lab.resources))
  return ended(json, await tried(host, prepared, located, options), plan.steps.length > 0, options)
}

/** Prints a plan for people. */
function show(plan: PlanJson, source: string, { json, commands, destroy, full, ...global }: Options): void {
  if (json) return
  if (plan.concealed) out(DRILL_NOTE)
  else if (commands) out(renderCommands(plan))
  else out(renderPlan(plan, source, outColors(global), destroy, full))
}

/** What copies of what is live, and of what a plan makes of it, have shown. */
interface Tried {
  readonly reach?: ReachChangeJson
  readonly tests?: ChecksJson
}

/** Tries what --reach and --test ask for, and prints it for people. */
async function tried(
  host: Host,
  prepared: Pick<Prepared, 'plan' | 'live'>,
  located: Located,
  options: Options,
): Promise<Tried> {
  const reach = options.reach ? await reachAfter(host, prepared, located, options) : undefined
  if (reach && !options.json) out(renderReachChange(reach, outColors(options), options.full))
  const tests = options.test ? await testAfter(host, prepared, located, options) : undefined
  return { ...(reach && { reach }), ...(tests && { tests }) }
}

/** Prints a plan for programs, and returns the exit code. */
function ended(plan: PlanJson, more: Tried, changes: boolean, { json, detailedExitcode }: Options): number {
  if (json) outJson({ ...plan, ...more })
  const code = more.tests ? exitCodeOf(more.tests) : 0
  return code || (detailedExitcode && changes ? 2 : 0)
}

/** Saves a plan in a file. */
function save(
  path: string,
  { file, text, set, taken }: RecordedFile,
  options: Options,
  parts: SavedPlan['parts'],
): void {
  const { destroy, adopt, target, replace, skipMachine } = options
  const wishes = JSON.parse(JSON.stringify({ destroy, adopt, target, replace, skipMachine })) as SavedPlan['wishes']
  savePlan(path, { wishes, file, text, beside: taken, ...(set?.size && { set: [...set] }), parts })
  note(`Saved. To do exactly this: netlab apply ${path}\n`)
}

/** The plan of a lab on several machines. */
async function planOnMachines(near: Runner, { located, opened }: OpenedFile, options: Options): Promise<number> {
  const tries = options.test || options.reach
  if (tries && options.skipMachine)
    throw UserError.of('bad-option', '--test and --reach need all machines of the lab, so none can be left out')
  const { planMachines } = await import('./change-machines.ts')
  const { noteSkipped, openMachines } = await import('./open-machines.ts')
  const { host } = near
  const machines = await openMachines(host, located, opened, {
    near,
    skip: options.skipMachine,
    isPlanned: !options.destroy,
  })
  try {
    noteSkipped(machines)
    const saving = options.out !== undefined
    const { saved, ...unsaved } = located
    const steps = options.json === true || options.commands === true
    const purpose = { steps, ...(saving && { saving }), ...(saved && { saved }) }
    const { plan, warnings, parts, drill } = await planMachines(machines, options, purpose)
    remember(located.file)
    report(warnings, options)
    if (options.out !== undefined) save(options.out, located, options, parts)
    const json = drill && !options.reveal && !options.destroy ? concealedPlan(plan) : plan
    show(json, located.file, options)
    const spread = tries ? await spreadLab(host, { located, opened }, machines) : undefined
    const more = spread
      ? await tried(host, await prepare(unsaved, spread.opened, spread.runner, options), located, options)
      : {}
    return ended(json, more, plan.changes.length > 0, options)
  } finally {
    await machines.close()
  }
}

/** Runs the checks of the lab file in a copy of what is there after the plan. */
async function testAfter(
  host: Host,
  { plan, live }: Pick<Prepared, 'plan' | 'live'>,
  located: Located,
  options: Options,
): Promise<ChecksJson> {
  if ('name' in located) throw UserError.of('no-lab-file', '--test needs a lab file', 'Checks are in lab files.')
  const { sourceIn } = await import('./lab-source.ts') // loaded on demand, as it starts programs
  const { testPlanned } = await import('./fresh-checks.ts')
  const state = options.target?.length && { live: { lab: plan.lab, resources: afterPlan(live.resources, plan) } }
  return await testPlanned(host, { source: sourceIn(located), ...state }, { ...options, quiet: options.json === true })
}

/** What is there after a plan. */
function afterPlan(live: Resources, { changes }: Plan): Resource[] {
  const after = new Map(live)
  for (const { id, after: wanted } of changes) {
    if (wanted) after.set(id, wanted)
    else after.delete(id)
  }
  return [...after.values()]
}

/** Which pairs the plan makes reach each other, and which no longer. */
async function reachAfter(
  host: Host,
  { plan, live: { resources } }: Pick<Prepared, 'plan' | 'live'>,
  located: Located,
  { target, destroy, processes = true }: Options,
): Promise<ReachChangeJson> {
  if ('name' in located) throw UserError.of('no-lab-file', '--reach needs a lab file')
  if (plan.changes.length === 0) return { gained: [], lost: [] }
  const { sourceIn } = await import('./lab-source.ts')
  const { planReach } = await import('./plan-reach.ts')
  const given = { source: sourceIn(located), processes }
  const side = (of: readonly Resource[]) => ({ ...given, live: { lab: plan.lab, resources: of } })
  const after = target?.length ? side(afterPlan(resources, plan)) : given
  return planReach(host, resources.size ? side([...resources.values()]) : undefined, destroy ? undefined : after)
}

import { stage } from '../host/status-line.ts'
import { breakages } from '../kinds/breaks.ts'
import type { Check } from '../model/check.ts'
import { UserError } from '../model/diagnostic.ts'
import { drillIn, withDrill, type Breakage, type DrillMark } from '../model/drill.ts'
import type { Host } from '../model/host.ts'
import { makePlan } from '../plan/make-plan.ts'
import { execute } from '../run/execute.ts'
import { startRunner } from '../run/choose-runner.ts'
import type { HintJson } from '../views/drill-text.ts'
import { FORMAT } from '../views/json.ts'
import { tryChecks, viewOf, type DrillView } from './drill-ground.ts'
import { spreadOf, walkOver } from './lab-runner.ts'
import { locate, type LocateOptions } from './locate.ts'
import { findLost } from './lost-packets.ts'
import { openLocated } from './open-located.ts'
import { note as say, out, outColors, outJson, type Global } from './terminal.ts'

interface Options extends Global, LocateOptions {
  readonly json?: boolean
}

/** How long it waits for another run on the lab, in milliseconds. */
const PATIENCE = 10_000
/** Of how many checks the hint follows the packets. */
const NAMED = 3

/** `netlab hint`: gives the next hint for the drill that is under way, from general to exact. Returns 0. */
export async function hint(host: Host, argument: string | undefined, options: Options): Promise<number> {
  const located = locate(argument, options)
  const spread = await spreadOf(host, located)
  const opened = spread?.opened ?? openLocated(located, host, { lint: false })
  if (!opened)
    throw UserError.of('no-lab-file', 'hints need the lab file', 'Name the file from which the lab was made.')
  const runner = spread?.runner ?? startRunner(host)
  const release = await runner.host.lock(opened.name, PATIENCE, (holder) =>
    say(`Waiting for another run on lab ${opened.name}${holder && ` (${holder})`} …\n`),
  )
  try {
    const view = await viewOf({ located, opened, runner })
    const drill = drillIn(view.live.resources)
    if (!drill) throw UserError.of('no-drill', `no drill is under way in lab ${view.name}`, 'netlab break begins one.')
    const breakage = breakages(view.wanted)[drill.index]
    if (!breakage)
      throw UserError.of('no-drill', `${view.source} has changed since the drill began`, 'netlab apply ends the drill.')
    const shared = { format_version: FORMAT, lab: view.name } as const
    if (!view.plan.changes.some(({ id }) => breakage.instead.has(id))) {
      const json: HintJson = { ...shared, solved: true }
      if (options.json) outJson(json)
      else out('What was broken is repaired. netlab test checks the lab, netlab apply ends the drill.\n')
      return 0
    }
    const texts = hintsOf(breakage)
    const number = Math.min(drill.hints + 1, texts.length)
    const text = await texts[number - 1]!(view)
    await note({ ...drill, hints: number }, view)
    const json: HintJson = { ...shared, solved: false, hint: text, number, of: texts.length }
    const c = outColors(options)
    if (options.json) outJson(json)
    else out(`${c.bold(`Hint ${number} of ${texts.length}:`)} ${text}\n`)
    return 0
  } finally {
    release()
  }

  /** Remembers how many hints were given. */
  async function note({ namespace, ...mark }: DrillMark & { namespace: string }, { name, live }: DrillView) {
    const home = new Map([...live.resources].filter(([id]) => id === namespace))
    const { steps } = makePlan({ lab: name, live: home, desired: withDrill(home, namespace, mark) })
    await execute(steps, runner, { done: () => {}, end: () => {} })
  }

  /** The hints, from what it is about to what is wrong. */
  function hintsOf({ about, place, wrong, namespace }: Breakage): ((view: DrillView) => string | Promise<string>)[] {
    return [
      () => about,
      () => `It is in ${namespace}.`,
      whereLost,
      () => place,
      () => `${wrong} netlab apply repairs it, or do it by hand.`,
    ]
  }

  async function whereLost(view: DrillView): Promise<string> {
    stage('Looking where packets are lost …')
    const packets = view.lab.checks.filter(({ run }) => run === undefined)
    const over = await walkOver(spread)
    const explain = (checks: readonly Check[]) => findLost(checks, view.lab, view.live, runner, over)
    const lines = (await tryChecks(packets, view, runner, { explain })).flatMap(({ name, where }) =>
      where === undefined ? [] : [`\n  ${name}: ${where}`],
    )
    return lines.length
      ? `Follow the packets of a check.${lines.slice(0, NAMED).join('')}`
      : 'Run netlab test, and follow the packets of a check: netlab capture shows them.'
  }
}

import { randomInt } from 'node:crypto'
import { stage } from '../host/status-line.ts'
import { breakages } from '../kinds/breaks.ts'
import type { Check } from '../model/check.ts'
import { UserError } from '../model/diagnostic.ts'
import { broken, drillIn, withDrill, type Breakage, type DrillLevel } from '../model/drill.ts'
import type { Host } from '../model/host.ts'
import { startRunner } from '../run/choose-runner.ts'
import { checkJson, type CheckJson } from '../views/check-results.ts'
import { renderBreak, type BreakJson } from '../views/drill-text.ts'
import { FORMAT } from '../views/json.ts'
import { become, mend, tryChecks, viewOf, type DrillGround, type DrillView } from './drill-ground.ts'
import { mustBeSeen, spreadOf } from './lab-runner.ts'
import { locate, type LocateOptions } from './locate.ts'
import { openLocated } from './open-located.ts'
import { note, out, outColors, outJson, type Global } from './terminal.ts'

/** The options of `netlab break`. */
export interface BreakOptions extends Global, LocateOptions {
  readonly json?: boolean
  readonly seed?: string
  readonly level: string
}

/** How many places of a level are broken at most, until a check notices one. */
const TRIES = 8
/** How long it waits for another run on the lab, in milliseconds. */
const PATIENCE = 10_000

/**
 * `netlab break`: breaks a live lab in one place, and says only which checks do not hold any more. Returns 0; 130 when it was
 * interrupted, after it has repaired what it had broken.
 */
export async function breakLab(host: Host, argument: string | undefined, options: BreakOptions): Promise<number> {
  const level = levelOf(options.level)
  const seed = options.seed === undefined ? randomInt(1_000_000) : seedOf(options.seed)
  const located = locate(argument, options)
  const spread = await spreadOf(host, located)
  if (spread) mustBeSeen(spread)
  const opened = spread?.opened ?? openLocated(located, host, { lint: false })
  if (!opened)
    throw UserError.of(
      'no-lab-file',
      'a drill needs a lab file',
      'The checks in it show what is broken: name the file.',
    )
  const runner = spread?.runner ?? startRunner(host)
  const ground: DrillGround = { located, opened, runner }
  const release = await runner.host.lock(opened.name, PATIENCE, (holder) =>
    note(`Waiting for another run on lab ${opened.name}${holder && ` (${holder})`} …\n`),
  )
  const stop = new AbortController()
  const interrupt = (): void => stop.abort()
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  let accepted = false
  let touched = false
  try {
    const view = await viewOf(ground)
    const checks = await soundChecks(view, ground)
    for (const [index, breakage] of chosenBreaks(breakages(view.wanted), seed, level)) {
      if (stop.signal.aborted) return 130
      touched = true
      const symptoms = await tried(breakage, index, checks, ground, stop.signal)
      if (!symptoms) continue
      accepted = true
      const json: BreakJson = { format_version: FORMAT, lab: view.name, seed, level: breakage.level, symptoms }
      if (options.json) outJson(json)
      else out(renderBreak({ ...json, level }, outColors(options)))
      return 0
    }
    if (stop.signal.aborted) return 130
    throw UserError.of(
      'drill-refused',
      `no check of lab ${view.name} notices a break of level ${level}`,
      'Add checks that use more of the lab, or try another seed or level.',
    )
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    if (touched && !accepted) await mend(ground)
    release()
  }
}

function levelOf(text: string): DrillLevel {
  if (!/^[123]$/.test(text)) throw UserError.of('bad-option', `--level ${text} is none`, 'The levels are 1, 2 and 3.')
  return Number(text) as DrillLevel
}

function seedOf(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw UserError.of('bad-option', `--seed ${text} is no number`, 'As in: --seed 7')
  return Number(text)
}

/** The checks of a lab that is sound: it matches its file, and nothing fails. Throws a UserError when it is not. */
async function soundChecks(view: DrillView, { runner }: DrillGround): Promise<readonly Check[]> {
  const { name, lab, plan, live, source } = view
  const refuse = (summary: string, detail: string): UserError => UserError.of('drill-refused', summary, detail)
  if (drillIn(live.resources))
    throw refuse(`a drill is under way in lab ${name}`, 'netlab hint helps with it, netlab apply ends it.')
  if (plan.changes.length)
    throw refuse(`the live network does not match ${source}`, 'A drill begins with a sound lab: netlab apply makes it.')
  if (live.faults.length)
    throw refuse(`lab ${name} has faults`, 'A drill begins with a sound lab: netlab heal ends them.')
  if (lab.checks.length === 0) throw refuse(`${source} has no checks`, 'They show what is broken: add some.')
  stage('Running the checks of the sound lab …')
  const bad = (await tryChecks(lab.checks, view, runner)).find(({ status }) => status !== 'pass')
  if (bad) throw refuse(`this check does not pass even now: ${bad.name}`, 'netlab test says why.')
  return lab.checks
}

/** Those of the level in an order that the seed decides, then those of lower levels; each with its place among all. */
function chosenBreaks(all: readonly Breakage[], seed: number, level: DrillLevel): [index: number, Breakage][] {
  const random = numbers(seed)
  const shuffled = all
    .map((breakage, index) => ({ index, breakage, order: random() }))
    .filter(({ breakage }) => breakage.level <= level)
  // One resource with many breaks, such as a large firewall, is not more likely than others of its kind.
  const turn = new Map<string, number>()
  const inTurn = shuffled
    .sort((a, b) => a.order - b.order)
    .map((one) => {
      const { about, level: own } = one.breakage
      const key = `${own} ${about}`
      turn.set(key, (turn.get(key) ?? 0) + 1)
      return { ...one, turn: turn.get(key)! }
    })
    .sort((a, b) => a.turn - b.turn || a.order - b.order)
  return [3, 2, 1].flatMap((own) =>
    inTurn
      .filter(({ breakage }) => breakage.level === own)
      .slice(0, TRIES)
      .map(({ index, breakage }): [number, Breakage] => [index, breakage]),
  )
}

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * Breaks the lab in this way. Returns the checks that notice it; undefined, with the lab repaired, when none does, or the break does not
 * last: commands among the checks may repair it. The first time it is repaired at once, to see that this is possible.
 */
async function tried(
  breakage: Breakage,
  index: number,
  checks: readonly Check[],
  ground: DrillGround,
  stop: AbortSignal,
): Promise<CheckJson[] | undefined> {
  const { runner } = ground
  stage('Breaking something …')
  const breakNow = async (): Promise<boolean> => {
    const view = await viewOf(ground)
    return await become(view, marked(broken(view.wanted, breakage), view, index), runner)
  }
  const failing = async (some: readonly Check[], failFast: boolean) => {
    const results = await tryChecks(some, await viewOf(ground), runner, { failFast })
    return results.filter(({ status }) => status === 'fail')
  }
  const noticed = (await breakNow()) ? await failing(checks, true) : []
  await mend(ground)
  if (noticed.length === 0 || stop.aborted) return undefined
  const still = await failing(
    noticed.map(({ check }) => check),
    false,
  )
  if (still.length > 0)
    throw UserError.of(
      'drill-unrepaired',
      `this check fails in the repaired lab: ${still[0]!.name}`,
      'Run netlab test.',
    )
  const symptoms = (await breakNow()) ? await failing(checks, false) : []
  const { plan } = await viewOf(ground)
  if (symptoms.length > 0 && plan.changes.some(({ id }) => breakage.instead.has(id))) return symptoms.map(checkJson)
  await mend(ground)
  return undefined
}

/** With the mark of the drill on the first namespace of the lab: the place of the mark gives nothing away. */
function marked(resources: ReturnType<typeof broken>, { wanted, name }: DrillView, index: number) {
  const home = [...wanted.values()].find(({ kind }) => kind === 'namespace')
  if (!home)
    throw UserError.of('drill-refused', `lab ${name} has no namespace of its own`, 'A drill leaves its mark in one.')
  return withDrill(resources, home.id, { index, hints: 0 })
}

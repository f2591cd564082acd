import { NEAR } from '../model/other-machine.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { Runner } from '../model/runner.ts'
import type { OpenLab } from '../language/load-lab.ts'
import { diagnosticsIn, lockAll } from '../machines/all-peers.ts'
import { openMeeting, type Ended } from '../machines/meeting.ts'
import { mergedPlan } from '../machines/merged.ts'
import type { Peer } from '../machines/connect.ts'
import { scale } from '../run/schedule.ts'
import type { PlanJson } from '../views/json.ts'
import type { Run } from '../views/run-json.ts'
import { approved, confirmOrRevert, finish, heedSignals, NOT_LISTED, showPlan, type ChangeOptions } from './apply.ts'
import type { CarriedOut } from './carry.ts'
import { remember, type RecordedFile } from './locate.ts'
import { revertTime, secondsOf, type Watchdog } from './revert.ts'
import { mustBeKnown, type PlanOptions } from './prepare.ts'
import { partIn, type SavedPart, type SavedPlan } from './saved.ts'
import { noteSkipped, openMachines, type Machines } from './open-machines.ts'
import { note, report } from './terminal.ts'

/** A lab file that was located, and opened. */
export interface OpenedFile {
  readonly located: RecordedFile
  readonly opened: OpenLab
}

/** What the plan of a lab on several machines will be used for. */
interface MachinesPurpose {
  /** It will be carried out. */
  readonly forApply?: true
  /** As of `PlanInput`. */
  readonly marksOnly?: boolean
  readonly steps: boolean
  /** It will be saved. */
  readonly saving?: true
  /** The plan that was saved: this one has to be the same. */
  readonly saved?: SavedPlan
}

/** The plan of a lab on all its machines, as one. */
interface PlannedMachines {
  readonly plan: PlanJson
  /** How many steps it has. */
  readonly count: number
  /** The programs that it ends, by id. */
  readonly ends: ReadonlyMap<string, Ended>
  /** The ids of the programs that it starts, and the machine of each. */
  readonly starts: ReadonlyMap<string, string>
  readonly warnings: readonly Diagnostic[]
  readonly parts: Readonly<Record<string, SavedPart>>
  /** A drill is under way (`netlab break`). */
  readonly drill: boolean
  /** Only the marks of namespaces were read. */
  readonly marksOnly: boolean
}

/** Plans a lab on all its machines, as one plan, and returns it with warnings; if it will be saved, with what is saved of each machine. */
export async function planMachines(
  { lab, each }: Machines,
  options: PlanOptions,
  { forApply, marksOnly = false, steps, saving, saved }: MachinesPurpose,
): Promise<PlannedMachines> {
  const { destroy = false, adopt = false, target = [], replace = [], spare = [] } = options
  const wishes = { destroy, adopt, target, replace, spare: [...spare], forApply: forApply === true, marksOnly, steps }
  const plans = await each((peer) =>
    peer.ask('plan', { ...wishes, ...(saving && { saving }), ...(saved && { saved: partIn(saved, peer.name) }) }),
  )
  const known = new Set([...plans.values()].flatMap((one) => one.known))
  mustBeKnown(lab.name, [...target, ...replace], (id) => known.has(id))
  return {
    parts: Object.fromEntries([...plans].flatMap(([name, { saving: part }]) => (part ? [[name, part]] : []))),
    plan: mergedPlan(lab.name, new Map([...plans].map(([name, { plan }]) => [name, plan]))),
    count: [...plans.values()].reduce((sum, { count }) => sum + count, 0),
    ends: new Map(
      [...plans].flatMap(([of, { ends }]) => Object.entries(ends).map(([id, after]) => [id, { of, after }] as const)),
    ),
    starts: new Map([...plans].flatMap(([name, { starts }]) => starts.map((id) => [id, name] as const))),
    warnings: [
      ...(options.lint === false ? [] : lab.warnings),
      ...[...plans.values()]
        .flatMap(({ warnings }) => warnings)
        .filter((one, i, all) => all.findIndex(({ summary }) => summary === one.summary) === i),
    ],
    drill: [...plans.values()].some(({ drill }) => drill),
    marksOnly: [...plans.values()].some(({ marksOnly }) => marksOnly),
  }
}

/** `netlab apply` and `netlab destroy` of a lab on several machines: as `change` does on one. Returns the exit code. */
export async function changeMachines(near: Runner, file: OpenedFile, options: ChangeOptions): Promise<number> {
  const timeout = secondsOf('--lock-timeout', options.lockTimeout) * 1000
  const { located, opened } = file
  const { saved } = located
  const isBare = options.destroy === true && !options.skipMachine
  const machines = await openMachines(near.host, located, opened, {
    near,
    ...{ skip: options.skipMachine, isBare },
    isPlanned: !options.destroy && !options.autoApprove,
  })
  const started = Date.now()
  let signals: ReturnType<typeof heedSignals> | undefined
  try {
    noteSkipped(machines)
    const shown = options.autoApprove ? undefined : await planMachines(machines, options, { steps: true })
    if (shown) {
      showPlan(shown.plan, located.file, shown.warnings, options)
      if (shown.plan.changes.length === 0) return finish(shown.plan, { code: 0, status: 'unchanged' }, options)
      const answer = await approved()
      if (answer !== 'yes')
        return finish(shown.plan, { code: answer === 'interrupted' ? 130 : 1, status: 'declined' }, options)
    }
    const marksOnly = !shown && !options.json && !saved && opened.namespaces.size >= scale.marksOnly
    const steps = shown !== undefined || options.json === true
    const current = await lockAll(
      machines.peers,
      () => planMachines(machines, options, { forApply: true, marksOnly, steps, ...(saved && { saved }) }),
      timeout,
      (name, holder) => note(`Waiting for another run on ${name}${holder && ` (${holder})`} …\n`),
      machines.mayWait,
    )
    if (shown && JSON.stringify(current.plan.steps) !== JSON.stringify(shown.plan.steps))
      throw UserError.of(
        'plan-stale',
        'the live network has changed since the plan was shown',
        'Run the command again.',
      )
    if (!shown) showPlan(current.plan, located.file, current.warnings, options)
    if (current.marksOnly) note(NOT_LISTED)
    if (!saved) remember(located.file)
    // Until now nothing is to be taken back: a signal ends netlab at once.
    signals = heedSignals()
    const watchdog =
      options.revertAfter === undefined ? undefined : await armAll(machines, revertTime(options.revertAfter))
    const { isUp, ...run } = await carryAll(machines, current, options, signals.stop)
    if (watchdog) await confirmOrRevert(watchdog, located.file, isUp)
    if (run.code === 0 && current.count) {
      const time = ((Date.now() - started) / 1000).toFixed(1)
      const where = machines.peers.map(({ name }) => name).join(', ')
      note(
        options.destroy
          ? `Lab ${machines.lab.name} is gone from ${where}.\n`
          : `Lab ${machines.lab.name} is up on ${where}: verified. It took ${time} s.\n`,
      )
    }
    const unchanged = current.count === 0 && run.code === 0
    return finish(current.plan, unchanged ? { ...run, status: 'unchanged' } : run, options)
  } finally {
    signals?.end()
    await machines.close()
  }
}

/** Starts a watchdog on every machine: each takes its part back by itself. Throws a UserError when one does not start; then none waits. */
async function armAll({ peers, each }: Machines, seconds: number): Promise<Watchdog> {
  const dismiss = async (): Promise<void> =>
    void (await Promise.allSettled(peers.map((peer) => peer.ask('dismiss', null))))
  try {
    await each((peer) => peer.ask('arm', { seconds }))
    return { seconds, dismiss }
  } catch (error) {
    await dismiss()
    throw error
  }
}

/** Carries the plan out on all machines. When it fails on one, the others stop, and what they have done is rolled back. */
async function carryAll(
  { peers, lab }: Machines,
  { ends, starts }: Pick<PlannedMachines, 'ends' | 'starts'>,
  options: ChangeOptions,
  stop: AbortSignal,
): Promise<Run & { readonly isUp: boolean }> {
  const { rollback, heal = false, force = false } = options
  const halt = (these: readonly Peer[]): void => these.forEach((peer) => void peer.ask('stop', null).catch(() => {}))
  const haltOthers = (failed: Peer): void => {
    if (rollback) halt(peers.filter((peer) => peer !== failed))
  }
  stop.addEventListener('abort', () => halt(peers))
  const meeting = openMeeting(peers, lab, { ends, starts })
  const wishes = { rollback, heal, force, meets: meeting !== undefined }
  const carrying = Promise.allSettled(
    peers.map(async (peer) => {
      try {
        const done = await peer.ask('carry', { ...wishes, ...meeting?.endingOn(peer) }, (event) =>
          meeting?.take(peer, event),
        )
        if (done.code !== 0 && !done.kept) haltOthers(peer)
        return done
      } catch (error) {
        haltOthers(peer)
        throw error
      } finally {
        meeting?.left(peer)
      }
    }),
  )
  if (stop.aborted) halt(peers)
  const settled = await carrying
  const broken = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  const results = settled.flatMap((one, i) =>
    one.status === 'fulfilled' ? [{ peer: peers[i]!, done: one.value }] : [],
  )
  const failed = broken.length > 0 || results.some(({ done }) => done.code !== 0 && !done.kept)
  const undone = new Map<Peer, NonNullable<CarriedOut['rollback']>>()
  // When something cannot be deleted, what was deleted is not created again.
  const stays = options.destroy && results.some(({ done }) => done.code !== 0 && !done.rollback)
  if (failed && rollback && !stays)
    await Promise.all(
      results.map(async ({ peer, done }) => {
        const back = done.code === 0 || done.kept ? await peer.ask('undo', null).catch(() => undefined) : done.rollback
        if (back) undone.set(peer, back)
        if (back && back !== done.rollback) note(where(peer, back.text))
      }),
    )
  const gone = diagnosticsIn(broken)
  report(gone, options)
  const backs = [...undone.values()]
  return {
    isUp: !failed,
    code: failed ? Number(stop.reason) || 1 : Math.max(0, ...results.map(({ done }) => done.code)),
    status: stop.aborted ? 'stopped' : failed || results.some(({ done }) => done.code !== 0) ? 'failed' : 'done',
    done: results.reduce((sum, { done }) => sum + done.done, 0),
    more: results.some(({ done }) => done.more),
    diagnostics: [...gone, ...results.flatMap(({ done }) => done.diagnostics)],
    left: results.flatMap(({ done }) => done.left),
    ...(backs.length && {
      rollback: {
        complete: gone.length === 0 && backs.every(({ complete }) => complete),
        errors: backs.flatMap(({ errors }) => errors),
        left: backs.flatMap(({ left }) => left),
      },
    }),
  }
}

const where = ({ name }: Peer, text: string): string => (name === NEAR ? text : `${name}: ${text}`)

import { withLenders } from '../commands/borrow.ts'
import { openSource } from '../commands/lab-source.ts'
import type { Located } from '../commands/locate.ts'
import { prepare, readRequestOf, type Prepared, type PlanOptions, type PlanPurpose } from '../commands/prepare.ts'
import type { CarriedOut } from '../commands/carry.ts'
import { savedPart } from '../commands/saved.ts'
import { revertDoor } from '../commands/unconfirmed.ts'
import type { Watcher } from '../commands/watcher.ts'
import type * as LoadLab from '../language/load-lab.ts'
import type { LabHeader, OpenLab } from '../language/load-lab.ts'
import { kindOf } from '../kinds/index.ts'
import { stageOf } from '../model/change.ts'
import { drillIn } from '../model/drill.ts'
import type { Host } from '../model/host.ts'
import { isPath } from '../model/place.ts'
import type { Runner } from '../model/runner.ts'
import { readAhead, type ReadAhead } from '../observe/found.ts'
import { owners } from '../observe/owners.ts'
import { touchedBy } from '../plan/listed.ts'
import type { Held } from '../run/hold.ts'
import { startRunner } from '../run/choose-runner.ts'
import { optimizeLate } from '../run/optimize-late.ts'
import type { Doing } from '../session/conversation.ts'
import { planJson } from '../views/json.ts'
import { startProbes } from './on-machine-probes.ts'
import { startServices } from './on-machine-services.ts'
import { hearOthers, type HeardOthers } from './on-machine-others.ts'
import { openHeader, openPart, type OpenPart } from './part.ts'
import type { MachineOperations } from './machine-protocol.ts'
import { roadsTo } from './roads.ts'
import { mustBeUnused } from './used-vnis.ts'

/** The part of a lab that is on this machine. */
interface Opened {
  readonly located: Located
  readonly lab: OpenPart
  readonly runner: Runner
}

/** What netlab does on a machine of a lab, whoever asks: the process on another machine, or this one, where the lab is `known`. */
export function startMachine(
  host: Host,
  known?: { readonly opened: OpenLab; readonly runner: Runner },
): Doing<MachineOperations> {
  let runner: Runner | undefined
  let ahead: Promise<ReadAhead> | undefined
  let opened: Opened | undefined
  /** Why it could not be opened: other things may have been asked for meanwhile. */
  let refused: Error | undefined
  let prepared: Prepared | undefined
  let options: PlanOptions = {}
  let purpose: PlanPurpose = {}
  let locking: Promise<() => void> | undefined
  let release: (() => void) | undefined
  let carrying: Promise<unknown> | undefined
  let watcher: Watcher | undefined
  let others: HeardOthers | undefined
  const held: Held[] = []
  const stop = new AbortController()
  const the = (): Opened => {
    if (!opened) throw refused ?? new Error('nothing is open yet')
    return opened
  }
  async function carried({ rollback, heal, force }: MachineOperations['carry']['input']): Promise<CarriedOut> {
    const { carryOutKeeping } = await import('../commands/keep-faults.ts')
    const { runner } = the()
    if (!prepared) throw new Error('nothing is planned yet')
    if (force && prepared.plan.strangers.length) {
      await host.end(prepared.plan.strangers)
      prepared = await prepare(the().located, the().lab, runner, options, purpose)
    }
    const change = { ...options, color: false, rollback, heal, lockTimeout: '0' }
    return await carryOutKeeping(prepared, runner, change, stop.signal, {
      ...(others && { others }),
      held,
    })
  }

  function openedPart({ part, source }: MachineOperations['open']['input']): Opened {
    const located = source && openSource(source).located
    const confines = host.confines()
    let file = known?.opened
    const whole = (): OpenLab => {
      if (!file && !located) throw new Error('the lab file is not here')
      return (file ??= openFile({ ...located!, readBeside: located!.beside, confines, lint: false }))
    }
    if (confines && located) whole().lab() // says what the lab cannot have here
    return { located: located ?? { name: part.name }, runner: runner!, lab: openPart(part, whole) }
  }

  return {
    alive: async () => null,

    async hello({ ahead: header, size, roads }) {
      if (!known) optimizeLate(size)
      runner = known?.runner ?? startRunner(host, size)
      const [, , address] = (host.env['SSH_CONNECTION'] ?? '').split(' ')
      ahead = header && foundAhead(openHeader(header), runner)
      ahead?.catch(() => {}) // awaited when it is asked for; the handler only avoids an unhandled rejection
      return {
        ...(address && { address }),
        id: `${host.readFile('/proc/sys/kernel/random/boot_id')?.trim()} ${host.status('/proc/self/ns/net')?.inode}`,
        namespaces: host.list('/run/netns'),
        hasRoads: !host.isSandbox,
        roads: await roadsTo(roads?.to ?? [], roads?.from, host),
      }
    },

    owned: async ({ lab }) => (ahead ? [...(await ahead).keys()] : ((await owners(runner!)).byLab.get(lab) ?? [])),

    roads: ({ to, from }) => roadsTo(to, from, host),

    async open(input) {
      try {
        opened = openedPart(input)
      } catch (error) {
        refused = error as Error
        throw error
      }
      return null
    },

    async lenders() {
      const { namespaces } = (await withLenders(the().lab, host)).opened
      const found = [...namespaces].flatMap(([name, { lender, borrowed = '' }]) =>
        lender && isPath(borrowed) ? [[name, borrowed] as const] : [],
      )
      return Object.fromEntries(found)
    },

    async examine() {
      const { examineMachine } = await import('../commands/examine.ts')
      return await examineMachine(host, the().lab.lab())
    },

    async lock({ timeout }, emit) {
      locking = host.lock(the().lab.name, timeout, (holder) => emit({ holder }))
      locking.catch(() => {}) // awaited below, and by a plan that was asked for meanwhile
      release = await locking
      return null
    },

    async unlock() {
      release?.()
      return null
    },

    ...startServices(host, the),
    ...startProbes(),

    async look(_, emit) {
      const { openWatcher } = await import('../commands/watcher.ts')
      const { lab, runner } = the()
      watcher = await openWatcher(lab, runner, asPart(lab))
      await watcher.run(emit)
      return null
    },

    async lookAgain() {
      watcher?.ask()
      return null
    },

    async plan({ forApply, marksOnly, saved, saving, spare, steps, ...wishes }) {
      const { located, lab, runner } = the()
      await locking
      options = { ...wishes, ...asPart(lab, spare) }
      purpose = { forApply, ...(saved && { saved }), ...(marksOnly && { marksOnlyFrom: 1 }) }
      const found = forApply ? undefined : ahead
      ahead = undefined // it is of the moment
      prepared = await prepare(located, lab, runner, options, { ...purpose, ahead: found })
      const { plan, warnings, wanted, live } = prepared
      if (!wishes.destroy) await mustBeUnused(plan, live.resources, runner, lab.quote)
      return {
        plan: planJson(steps ? plan : { ...plan, steps: [] }),
        count: plan.steps.length,
        ends: Object.fromEntries(endedBy(prepared)),
        starts: plan.steps.flatMap(({ change, stage }) => (stageOf(stage).programs === 'start' ? [change] : [])),
        warnings: warnings.filter(({ code }) => code !== 'elsewhere'),
        known: [...wishes.target, ...wishes.replace].filter((id) => wanted.has(id) || live.resources.has(id)),
        drill: drillIn(live.resources) !== undefined,
        marksOnly: live.marksOnly === true,
        ...(saving && { saving: savedPart(prepared) }),
      }
    },

    async carry(wishes, emit) {
      others = wishes.meets ? hearOthers(emit, stop.signal, wishes.ending) : undefined
      const done = carried(wishes)
      carrying = done
      return await done
    },

    async proceed(proceeding) {
      others?.proceed(proceeding)
      return null
    },

    async heard({ program, isReady }) {
      others?.heard(program, isReady)
      return null
    },

    async arm({ seconds }) {
      const { startWatchdog } = await import('../commands/revert.ts')
      await startWatchdog(host, prepared!, seconds, true)
      return null
    },

    waits: async () => host.isLocked(revertDoor(the().lab.name, true)),
    dismiss: () => host.knock(revertDoor(the().lab.name, true)),

    async stop() {
      stop.abort(1)
      return null
    },

    async undo() {
      const { earlier, rollBack } = await import('../commands/rollback.ts')
      const { name, live, plan } = prepared!
      return await rollBack(name, earlier(live, plan), touchedBy(plan), the().runner, held)
    },

    async end() {
      stop.abort(1)
      watcher?.close()
      await carrying?.catch(() => {})
      for (const one of held.splice(0)) one.release()
      release?.()
      return null
    },
  }
}

/** Opens a lab file. Loaded on demand: few parts need more than what they are told, and it takes Node 10 ms. */
const openFile: typeof LoadLab.openLab = (input) =>
  (require('../language/load-lab.ts') as typeof LoadLab).openLab(input)

/** Reads what is live here of the own namespaces of a lab. */
async function foundAhead(header: LabHeader, runner: Runner): Promise<ReadAhead> {
  const { namespaces } = header
  const isOwn = (name: string): boolean => namespaces.has(name) && namespaces.get(name)?.borrowed === undefined
  const names = (await runner.list()).flatMap(({ name, stale }) => (!stale && isOwn(name) ? [name] : []))
  return await readAhead(readRequestOf(header.name, header), names, runner).found
}

/** The programs that a plan ends, by id, with those that each comes after. */
const endedBy = ({ plan, live }: Prepared): [string, readonly string[]][] =>
  plan.steps.flatMap(({ change, stage }) => {
    const r = stageOf(stage).programs === 'stop' ? live.resources.get(change) : undefined
    return r ? [[change, kindOf(r.kind).awaits?.(r) ?? []]] : []
  })

/** How a part is planned; nothing is changed of what has the ids in `spare`. */
const asPart = (
  { names, ...lab }: OpenPart,
  spare: readonly string[] = [],
): Pick<PlanOptions, 'names' | 'spare' | 'isPart'> => ({
  isPart: true,
  names,
  spare: new Set([...lab.spare, ...spare]),
})

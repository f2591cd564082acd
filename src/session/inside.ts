import { impairWords } from '../commands/disturb.ts'
import { netOfLab, withLocks, type LabsNet } from '../commands/fault-net.ts'
import { walkOver, type SpreadLab } from '../commands/lab-runner.ts'
import { prepare, readRequestOf } from '../commands/prepare.ts'
import { traceLive } from '../commands/live-trace.ts'
import type { Located } from '../commands/locate.ts'
import { whenSettled } from '../checks/settle.ts'
import { survey } from '../checks/survey.ts'
import type { LabIndex } from '../checks/lab-index.ts'
import { healFaults, meantBy } from '../faults/heal-faults.ts'
import { faultActions } from '../faults/run-timeline.ts'
import { newFaultId, setFaults } from '../faults/set-faults.ts'
import { enterNamespace } from '../host/in-namespace.ts'
import type { Command } from '../model/command.ts'
import type { Lab, OpenLab } from '../language/load-lab.ts'
import { UserError } from '../model/diagnostic.ts'
import type { TimelineAction } from '../model/timeline.ts'
import { placeIn } from '../model/place.ts'
import type { Runner } from '../model/runner.ts'
import { read, type Live } from '../observe/read.ts'
import { faultJson } from '../views/fault-text.ts'
import { planJson } from '../views/json.ts'
import { farPrograms, type FarPrograms } from './far-programs.ts'
import type { Operations, Program } from './protocol.ts'

/** The lab that a copy holds. */
export interface Built {
  readonly lab: Lab
  readonly opened: OpenLab
  readonly located: Located
  readonly runner: Runner
  /** When it is on several machines. */
  readonly spread?: SpreadLab
}

type Input<Name extends keyof Operations> = Operations[Name]['input']

/** What can be done in a copy once its lab, which `the` returns, is built. */
export function startInside(the: () => Built) {
  let programs: FarPrograms | undefined
  const faults = new Set<string>()
  const over = new AbortController()
  let ground: Promise<LabIndex> | undefined

  const look = (): Promise<Live> => {
    const { lab, runner } = the()
    return read(readRequestOf(lab.name, lab), runner)
  }

  /** The command that runs a program in its namespace. Throws a UserError when the lab has no such namespace. */
  async function inside({ namespace, argv, env = {}, cwd }: Program): Promise<Command> {
    const { lab, runner } = the()
    ground ??= look().then((live) => survey(lab, live))
    const { places, names, variables } = await ground
    if (!places.has(namespace))
      throw UserError.of(
        'unknown-namespace',
        `lab ${lab.name} has no namespace ${namespace}`,
        `There are: ${[...places.keys()].join(' ')}`,
      )
    const words = [...Object.entries(env).map(([key, value]) => `${key}=${value}`)]
    const folder = cwd === undefined ? [] : [`--chdir=${cwd}`]
    const whole = words.length || folder.length ? ['env', ...folder, '--', ...words, ...argv] : argv
    const place = { ...placeIn(places.get(namespace)), names, variables: variables(namespace) }
    return enterNamespace(runner.host, place, whole)
  }

  /** The namespaces of the lab, as faults need them. */
  const net = (): LabsNet => netOfLab(the().lab, the().runner)

  /** Sets faults: all or none. */
  async function set(action: TimelineAction) {
    const on = net()
    const actions = await faultActions(on, action)
    const wanted = actions.map((one) => [one, { id: newFaultId() }] as const)
    for (const [, { id }] of wanted) faults.add(id)
    return (await withLocks(on, () => setFaults(on, wanted))).map(faultJson)
  }

  return {
    async trace(request: Input<'trace'>) {
      const { lab, runner, spread } = the()
      return await traceLive({ ...lab, request: readRequestOf(lab.name, lab) }, request, runner, await walkOver(spread))
    },

    async settle() {
      const { lab, runner } = the()
      ground = Promise.resolve(survey(lab, await whenSettled(look, runner)))
      return null
    },

    async plan() {
      const { opened, located, runner } = the()
      return planJson((await prepare(located, opened, runner)).plan)
    },

    async exec({ input, timeout, ...program }: Input<'exec'>) {
      const command = {
        ...(await inside(program)),
        ...(input !== undefined && { input }),
        ...(timeout !== undefined && { timeout }),
      }
      const { code, stdout, stderr } = await the().runner.host.run(command, over.signal)
      return { code, stdout, stderr }
    },

    async spawn({ handle, ...program }: Input<'spawn'>, emit: (event: Operations['spawn']['event']) => void) {
      programs ??= farPrograms(the().runner.host)
      return await programs.start(handle, await inside(program), {}, emit)
    },

    async feed(input: Input<'feed'>) {
      programs?.feed(input)
      return null
    },

    kill: async ({ handle, signal }: Input<'kill'>) => programs?.kill(handle, signal) ?? false,

    cut: ({ targets, oneWay }: Input<'cut'>) => set({ do: 'cut', targets, ...(oneWay && { oneWay: true }) }),
    impair: ({ words }: Input<'impair'>) => set({ do: 'impair', ...impairWords(words) }),
    partition: ({ groups }: Input<'partition'>) => set({ do: 'partition', groups }),

    async leave() {
      over.abort()
      programs?.killAll()
      if (faults.size === 0) return null
      const on = net()
      await withLocks(on, () => healFaults(on, ({ fault }) => faults.has(fault.id)))
      return null
    },

    async heal({ targets }: Input<'heal'>) {
      const on = net()
      const healed = await withLocks(on, () => healFaults(on, targets.length ? meantBy(targets, on) : undefined))
      return healed.map(faultJson)
    },
  }
}

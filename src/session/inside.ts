import { setTimeout as sleep } from 'node:timers/promises'
import { impairWords } from '../commands/disturb.ts'
import { netOfLab, withLocks, type LabsNet } from '../commands/fault-net.ts'
import { prepare, readRequestOf } from '../commands/prepare.ts'
import { traceLive } from '../commands/live-trace.ts'
import type { Located } from '../commands/locate.ts'
import { survey } from '../checks/survey.ts'
import type { LabIndex } from '../checks/lab-index.ts'
import { healFaults, meantBy } from '../faults/heal-faults.ts'
import { faultActions } from '../faults/run-timeline.ts'
import { newFaultId, setFaults } from '../faults/set-faults.ts'
import { enterNamespace } from '../host/in-namespace.ts'
import type { Command } from '../model/command.ts'
import type { Lab, OpenLab } from '../language/load-lab.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Child, Host } from '../model/host.ts'
import type { Operation } from '../model/operation.ts'
import type { TimelineAction } from '../model/timeline.ts'
import { placeIn } from '../model/place.ts'
import type { IpLink, Runner } from '../model/runner.ts'
import { read, type Live } from '../observe/read.ts'
import { faultJson } from '../views/fault-text.ts'
import { planJson } from '../views/json.ts'
import type { Operations, Program } from './protocol.ts'

/** The lab that a copy holds. */
export interface Built {
  readonly lab: Lab
  readonly opened: OpenLab
  readonly located: Located
  readonly runner: Runner
}

/** How long links may take, and the pause before they are looked at again, in milliseconds. */
const [PATIENCE, PAUSE] = [2000, 5]

/**
 * Whether the kernel has not yet acted on the carrier of a link. It does so a little later, and at most once a second
 * (linkwatch_schedule_work in net/core/link_watch.c): until then a port of a bridge forwards nothing.
 */
const isComing = ({ flags }: IpLink): boolean =>
  flags.includes('LOWER_UP') && flags.includes('NO-CARRIER') && !flags.includes('DORMANT')

type Input<Name extends keyof Operations> = Operations[Name]['input']

/** What can be done in a copy once its lab, which `the` returns, is built. */
export function startInside(host: Host, the: () => Built) {
  const started = new Map<number, Child>()
  const faults = new Set<string>()
  const over = new AbortController()
  let ground: Promise<LabIndex> | undefined

  const look = (): Promise<Live> => {
    const { lab, runner } = the()
    return read(readRequestOf(lab.name, lab), runner)
  }

  /** The command that runs a program in its namespace. Throws a UserError when the lab has no such namespace. */
  async function inside({ namespace, argv, env = {}, cwd }: Program): Promise<Command> {
    const { lab } = the()
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
    return enterNamespace(host, { ...placeIn(places.get(namespace)), names, variables: variables(namespace) }, whole)
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
    trace(request: Input<'trace'>) {
      const { lab, runner } = the()
      return traceLive({ ...lab, request: readRequestOf(lab.name, lab) }, request, runner)
    },

    async settle() {
      const { lab } = the()
      const { runner, places } = net()
      for (let [asked, until] = [false, Date.now() + PATIENCE]; ; await sleep(PAUSE)) {
        const live = await look()
        ground = Promise.resolve(survey(lab, live))
        const coming = [...live.dumps].flatMap(([name, { links }]) =>
          links.filter(isComing).map(({ ifname }): Operation => {
            const argv = ['ip', 'link', 'show', 'dev', ifname]
            return { do: 'run', place: places.get(name) ?? {}, argv }
          }),
        )
        if (Date.now() > until || coming.length === 0) return null
        // Linux 6.8 and newer act on a carrier when somebody asks for this link alone (rtnl_getlink in net/core/rtnetlink.c).
        if (!asked) await runner.run([coming], () => {})
        asked = true
      }
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
      const { code, stdout, stderr } = await host.run(command, over.signal)
      return { code, stdout, stderr }
    },

    async spawn({ handle, ...program }: Input<'spawn'>, emit: (event: Operations['spawn']['event']) => void) {
      const child = host.start(await inside(program))
      started.set(handle, child)
      for (const name of ['stdout', 'stderr'] as const)
        child[name].on('data', (data: Buffer) => emit({ [name]: data.toString('base64') }))
      return await new Promise<Operations['spawn']['result']>((resolve, reject) => {
        child.once('spawn', () => emit({ started: true }))
        child.once('error', (error) => reject(UserError.of('program-missing', error.message)))
        child.once('close', (code, signal) => resolve({ code, signal }))
      }).finally(() => started.delete(handle))
    },

    async feed({ handle, data, end }: Input<'feed'>) {
      const input = started.get(handle)?.stdin
      if (data !== undefined) input?.write(Buffer.from(data, 'base64'))
      if (end) input?.end()
      return null
    },

    /** The group: the program may be the child of a shell that has entered the namespace. */
    async kill({ handle, signal }: Input<'kill'>) {
      const pid = started.get(handle)?.pid
      return pid !== undefined && host.signal(-pid, signal)
    },

    cut: ({ targets, oneWay }: Input<'cut'>) => set({ do: 'cut', targets, ...(oneWay && { oneWay: true }) }),
    impair: ({ words }: Input<'impair'>) => set({ do: 'impair', ...impairWords(words) }),
    partition: ({ groups }: Input<'partition'>) => set({ do: 'partition', groups }),

    async leave() {
      over.abort()
      for (const { pid } of started.values()) if (pid !== undefined) host.signal(-pid, 'SIGKILL')
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

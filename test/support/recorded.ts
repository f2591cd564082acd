import type { LiveHome } from '../../src/model/live-home.ts'
import type { LiveProcess } from '../../src/model/runner.ts'
import { play } from './record/programs.ts'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ipRunner } from '../../src/backend/iproute/ip-runner.ts'
import type { Channel, Threads } from '../../src/backend/netlink/channel.ts'
import { netlinkRunner } from '../../src/backend/netlink/netlink-runner.ts'
import type { ReadResult, Reading, Reply, Request, Section } from '../../src/backend/netlink/thread-protocol.ts'
import { thisMachine } from '../../src/host/this-machine.ts'
import type { Host } from '../../src/model/host.ts'
import type { Dump, Runner } from '../../src/model/runner.ts'
import { scale } from '../../src/run/schedule.ts'
import { HERE, NEW, parsePlayed, type Answered, type Machine, type Played } from './record/tape.ts'

/**
 * Replays what test/support/record has recorded: the readers of src run as they are, and the programs that they start and
 * the netlink thread that they ask answer from the files of a case. Import this before anything of src.
 */
export const dumpsFolder = join(__dirname, '../fixtures/dumps')
/** The cases, by name. */
export const cases = readdirSync(dumpsFolder)
/** The lab file of a case. */
export const labOf = (name: string): string => join(dumpsFolder, name, 'lab.yaml')

/** The contents of a case. */
export interface Recorded {
  readonly machine: Machine
  readonly netlink: Readonly<Record<string, Answered>>
}

/** The case of this name. Programs answer from it until another case is used. */
export function use(name: string): Recorded {
  const at = (file: string): string => join(dumpsFolder, name, file)
  const text = (file: string): string => readFileSync(at(file), 'utf8')
  const all = readdirSync(at('.')).flatMap((file): Played[] => {
    const [, netns] = /^(.*)\.netns$/.exec(file) ?? []
    return netns !== undefined || file === 'machine.programs' ? parsePlayed(text(file), netns) : []
  })
  play(all)
  return {
    machine: JSON.parse(text('machine.json')) as Machine,
    netlink: JSON.parse(text('netlink.json')) as Recorded['netlink'],
  }
}

/** Threads that reply with the recorded answers. */
export function recordedThreads({ netlink, machine }: Recorded): Threads {
  const one: Channel = {
    unusable: Promise.resolve(undefined),
    nft: () => true,
    ask: async (request: Request, onReply: (reply: Reply) => void) => {
      if (request.kind !== 'read') throw new Error(`not recorded: ${request.kind}`)
      const parts: Buffer[] = []
      let filled = 0
      const add = (bytes: Buffer) => {
        parts.push(bytes)
        return { from: filled, to: (filled += bytes.length) }
      }
      if (request.readings.some(({ links }) => links)) onReply({ kind: 'names', names: new Map(machine.names) })
      const results = request.readings.map((reading, index) => ({
        index,
        ...answer(reading, netlink[reading.fresh ? NEW : (reading.netns ?? HERE)], request.lists, add),
      }))
      onReply({ kind: 'results', bytes: Buffer.concat(parts), results })
      onReply({ kind: 'end' })
    },
  }
  return { one, other: () => one }
}

/** Reads one namespace as the thread does (src/backend/netlink/gather.ts). */
function answer(
  reading: Reading,
  known: Answered | undefined,
  lists: readonly (readonly string[])[],
  add: (bytes: Buffer) => { readonly from: number; readonly to: number },
): Omit<ReadResult, 'index'> {
  if (!known) return { gone: { errno: 2, error: 'No such file or directory' }, sections: [] }
  const { requests, netfilter, files } = reading
  const all = [...(known.sections ?? [])]
  const bytesOf = (place: number): Buffer => Buffer.from(all[place]?.bytes ?? '', 'base64')
  const section = (place: number, bytes = bytesOf(place)): Section => ({
    errno: all[place]?.errno ?? 93,
    ...add(bytes),
  })
  const sections: Section[] = []
  if (reading.links) {
    const links = bytesOf(0)
    const deep = requests.length > 0 || netfilter !== undefined
    // Only `lo`, which is the first.
    sections.push(section(0, deep ? links : links.subarray(0, links.readUInt32LE(0))))
    if (reading.only !== undefined && !links.includes(reading.only)) return { sections }
  }
  requests.forEach((_, i) => sections.push(section(1 + i)))
  const rest = netfilter ? all.slice(1 + requests.length).map((_, i) => section(1 + requests.length + i)) : []
  sections.push(...rest)
  const told = files === undefined ? undefined : (lists[files] ?? []).map((path) => `${known.files[path] ?? ''}\0`)
  return {
    sections,
    ...(reading.fdb &&
      known.fdb && { fdb: { errno: known.fdb.errno, ...add(Buffer.from(known.fdb.bytes, 'base64')) } }),
    ...(reading.mdb &&
      known.mdb && { mdb: { errno: known.mdb.errno, ...add(Buffer.from(known.mdb.bytes, 'base64')) } }),
    ...(reading.nexthops && {
      nexthops: { errno: known.nexthops?.errno ?? 0, ...add(Buffer.from(known.nexthops?.bytes ?? '', 'base64')) },
    }),
    ...(reading.legacy && known.legacy && { legacy: add(Buffer.from(known.legacy)) }),
    ...(reading.rules && known.rules && { rules: add(Buffer.from(known.rules)) }),
    ...(netfilter && known.mixed && { mixed: true }),
    ...(told && { files: add(Buffer.from(told.join(''))) }),
  }
}

/** A runner that changes nothing. */
export const unchanging: Pick<Runner, 'run'> = { run: () => Promise.reject(new Error('nothing is to be changed')) }

/** The homes in which recorded processes run, without files. */
const homesFor = (processes: readonly LiveProcess[]): LiveHome[] =>
  [...new Set(processes.flatMap(({ root, state, namespace }) => (root || state !== 'running' ? [] : [namespace])))].map(
    (namespace) => ({ namespace, pids: [1], hostname: namespace, layers: [], entries: [], loaded: new Map() }),
  )

/** The `ip` or netlink runner of a case: it reads only what was recorded. */
export function recordedRunner(recorded: Recorded, by: 'ip' | 'netlink'): Runner {
  const host: Host = {
    ...thisMachine,
    // The processes of the machine that runs the test are in no recorded namespace.
    list: (folder) => (folder === '/proc' ? [] : thisMachine.list(folder)),
    processes: () =>
      Promise.resolve({ processes: recorded.machine.processes, homes: homesFor(recorded.machine.processes) }),
    strangers: () => Promise.resolve([]),
  }
  return {
    ...(by === 'ip' ? ipRunner(host) : netlinkRunner(recordedThreads(recorded), scale, host)),
    ...unchanging,
    foresee: () => {},
    list: () => Promise.resolve([...recorded.machine.list]),
  }
}

type Writable<T> = T extends (infer U)[] | readonly (infer U)[]
  ? Writable<U>[]
  : T extends ReadonlyMap<infer K, infer V>
    ? Map<K, V>
    : T extends object
      ? { -readonly [K in keyof T]: Writable<T[K]> }
      : T

/** A change made to a namespace by hand, as a change of its dump. */
export type Edit = (dump: Writable<Dump>) => void

/** Copies a dump. `structuredClone` would return Maps of another realm, because Jest has globals of its own. */
function copy(value: unknown): unknown {
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [key, copy(one)]))
  if (Array.isArray(value)) return value.map(copy)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, copy(one)]))
}

/** The runner, with these changes made by hand, by namespace; `(machine)` is where netlab itself runs. */
export const edited = (runner: Runner, edits: Readonly<Record<string, Edit>>): Runner => ({
  ...runner,
  async dump(requests) {
    const dumps = copy(await runner.dump(requests)) as (Writable<Dump> | undefined)[]
    for (const [i, { netns = HERE }] of requests.entries()) if (dumps[i]) edits[netns]?.(dumps[i])
    return dumps
  },
})

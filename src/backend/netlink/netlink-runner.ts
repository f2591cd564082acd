import { callOf, type Call } from './encode.ts'
import { collector } from './message.ts'
import type { Outcome } from '../../model/command.ts'
import type { Host } from '../../model/host.ts'
import { fileOf, HERE, placeName } from '../../model/place.ts'
import type { Operation } from '../../model/operation.ts'
import type { Failure, Runner } from '../../model/runner.ts'
import { ipRunner } from '../iproute/ip-runner.ts'
import type { Channel, Threads, ThreadScale } from './channel.ts'
import type { Fault, Job, Store } from './thread-protocol.ts'
import { inherited, reader } from './reader.ts'

/** The runner that uses netlink itself, and iproute2 for what it has no message or decoder for. The host must be this machine. */
export const netlinkRunner = (threads: Threads, scale: Scale, host: Host): Runner => {
  const programs = ipRunner(host)
  let store: Store | undefined
  const names = { epoch: 0 }
  let listed = ''
  return {
    ...programs,
    async list() {
      const found = await programs.list()
      const now = JSON.stringify(found)
      if (now !== listed) names.epoch++ // others make and delete namespaces, too
      listed = now
      return found
    },
    foresee(count) {
      if (count < scale.premade || store) return
      const shared = (length: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * length))
      store = { full: shared(1), counts: shared(2), descriptors: shared(count) }
      threads
        .other()
        .ask({ kind: 'make', store }, () => {})
        .catch(() => {})
    },
    run: (waves, done, signal) => {
      if (store) Atomics.store(store.full, 0, 1)
      return run({ threads, scale, names, programs, ...(store && { store }) }, waves, done, signal)
    },
    dump: reader(threads, names, scale.secondReader, programs),
    inherited: inherited(threads, names),
    async nftForms(texts) {
      let forms: readonly (string | undefined)[] = []
      await threads.one.ask({ kind: 'try', texts }, (reply) => {
        if (reply.kind === 'tried') forms = reply.listings
      })
      return forms
    },
  }
}

/** The sizes from which on a second thread helps, and how far ahead threads work: see src/run/schedule.ts. */
export interface Scale extends ThreadScale {
  /** From this many missing namespaces on, they are made while the lab is still being planned. */
  readonly premade: number
  /** Operations in one wave. */
  readonly secondWriter: number
  /** Namespaces with sysctl files to read. */
  readonly secondReader: number
  /** Waves that the thread has at the same time. */
  readonly wavesAhead: number
}

/** What carries operations out. */
interface Means {
  readonly threads: Threads
  readonly scale: Scale
  /** Namespaces that were made in advance. */
  readonly store?: Store
  /** The number changes when a name may have become that of another namespace. */
  readonly names: { epoch: number }
  /** Carries out by programs what netlink does not. */
  readonly programs: Runner
}

/** An operation, and the call of the thread that does it; `call` is absent when a program does it. */
interface Item {
  readonly index: number
  readonly operation: Operation
  readonly call?: Call
}

/** The call of the thread that does the operation; undefined where a program does it. */
function callFor(operation: Operation, threads: Threads): Call | undefined {
  const call = callOf(operation)
  return call?.do === 'nft' && !threads.one.nft() ? undefined : call
}

/** Calls after which a name may be that of another namespace. */
const RENAMING: readonly Job['do'][] = ['create', 'attach', 'delete']

/**
 * Carries waves out. The kernel changes links, addresses and routes one at a time (rtnl_lock), so one thread does these, and
 * gets the next wave before it has finished the last. Waves in which a second thread or programs help are done one after the other.
 */
async function run(
  means: Means,
  waves: readonly (readonly Operation[])[],
  done: (index: number) => void,
  signal?: AbortSignal,
): Promise<Failure | undefined> {
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const abort = (): void => void Atomics.store(stop, 0, 1)
  signal?.addEventListener('abort', abort)
  const running: Promise<Failure | undefined>[] = []
  let failure: Failure | undefined
  const drain = async (most: number): Promise<void> => {
    while (running.length > most) {
      const ended = await running.shift()
      failure ??= ended
    }
  }
  try {
    let before = 0
    for (const wave of waves) {
      const start = before
      const items = wave.map((operation, i): Item => {
        const call = callFor(operation, means.threads)
        return { index: start + i, operation, ...(call && { call }) }
      })
      before += wave.length
      const alone = isForOne(items, means.scale)
      if (items.some(({ call }) => !call || RENAMING.includes(call.do))) means.names.epoch++
      if (alone) {
        const performed = perform(means.threads.one, means, items, done, stop)
        performed.catch(() => {}) // awaited when its turn comes; the handler only avoids an unhandled rejection
        running.push(performed)
      }
      await drain(alone ? means.scale.wavesAhead - 1 : 0)
      if (!alone && !failure && !signal?.aborted) failure = await inRounds(means, items, done, stop, signal)
      if (failure || signal?.aborted) break
    }
    await drain(0)
    return failure
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

/** Whether one thread does the wave: it is small, or has only what the kernel does one at a time. */
const isForOne = (items: readonly Item[], { secondWriter }: Scale): boolean =>
  items.every(({ call }) => call) &&
  (items.length < secondWriter ||
    (items.some(({ call }) => call?.do === 'send') &&
      items.every(({ call }) => call?.do === 'send' || call?.do === 'write')))

/**
 * Carries a wave out in rounds. A round takes from the front of every namespace's queue first the operations for netlink, then
 * those for programs. That keeps the order within a namespace and lets programs of different namespaces run at the same time.
 */
async function inRounds(
  means: Means,
  items: readonly Item[],
  done: (index: number) => void,
  stop: Int32Array,
  signal?: AbortSignal,
): Promise<Failure | undefined> {
  const queues = new Map<string, Item[]>()
  for (const item of items) {
    const name = placeName(item.operation.place)
    const queue = queues.get(name)
    if (queue) queue.push(item)
    else queues.set(name, [item])
  }
  const positions = new Map<readonly Item[], number>()
  const fronts = (understood: boolean): Item[] =>
    [...queues.values()].flatMap((queue) => {
      const start = positions.get(queue) ?? 0
      let end = start
      while (end < queue.length && (queue[end]?.call !== undefined) === understood) end++
      positions.set(queue, end)
      return queue.slice(start, end)
    })
  for (;;) {
    const mine = fronts(true)
    const others = fronts(false)
    if (mine.length + others.length === 0 || signal?.aborted) return undefined
    const failure =
      (await performAll(means, mine, done, stop)) ??
      (await spawn(means.programs, signal?.aborted ? [] : others, done, signal))
    if (failure) return failure
  }
}

async function spawn(programs: Runner, items: readonly Item[], done: (index: number) => void, signal?: AbortSignal) {
  if (items.length === 0) return undefined
  const indexOf = (place: number): number => items[place]?.index ?? 0
  const failure = await programs.run([items.map(({ operation }) => operation)], (place) => done(indexOf(place)), signal)
  return failure && { ...failure, index: indexOf(failure.index) }
}

/**
 * Divides a large wave between two threads. All operations of a namespace go to the same thread, in order. Both make namespaces;
 * one deletes them, so that the kernel takes them down together.
 */
async function performAll(
  means: Means,
  items: readonly Item[],
  done: (index: number) => void,
  stop: Int32Array,
): Promise<Failure | undefined> {
  if (items.length === 0) return undefined
  const { one, other } = means.threads
  if (items.length < means.scale.secondWriter) return await perform(one, means, items, done, stop)
  const [mine, others] = halves(items)
  const failures = await Promise.all([
    perform(one, means, mine, done, stop),
    others.length ? perform(other(), means, others, done, stop) : undefined,
  ])
  return failures.find((failure) => failure !== undefined)
}

function halves(items: readonly Item[]): [Item[], Item[]] {
  const [one, other]: [Item[], Item[]] = [[], []]
  const owners = new Map<string, Item[]>()
  for (const item of items) {
    const { call } = item
    const key = call?.do === 'create' ? `+${call.name}` : placeName(call ?? HERE)
    const owner = owners.get(key) ?? (one.length <= other.length ? one : other)
    owners.set(key, owner)
    owner.push(item)
  }
  return [one, other]
}

/** Lets a thread carry operations out, until one fails or `stop` is set. */
async function perform(
  channel: Channel,
  { names: { epoch }, store }: Means,
  items: readonly Item[],
  done: (index: number) => void,
  stop: Int32Array,
) {
  const { bytes, add } = collector()
  const jobs = items.flatMap(({ call }): Job[] => {
    if (!call) return []
    if (!('message' in call)) return [call]
    const { message, ...rest } = call
    return [{ message: add(message.bytes), patches: message.patches, ...rest }]
  })
  let count = 0
  let failure: Failure | undefined
  await channel.ask({ kind: 'run', bytes: bytes(), jobs, stop, epoch, ...(store && { store }) }, (reply) => {
    if (reply.kind !== 'progress' && reply.kind !== 'ran') return
    for (; count < reply.count; count++) done(items[count]?.index ?? 0)
    const failed = items[count]
    if (reply.kind !== 'ran' || !reply.fault || !failed) return
    failure = { index: failed.index, outcome: outcome(reply.fault) }
  })
  return failure
}

/** A fault as the program for the operation would report it: the same words and exit code. */
function outcome({ at, name = '', error, extack }: Fault): Outcome {
  const file = fileOf(name)
  const [code, stderr] = (
    {
      nft: [1, error.trimEnd()],
      kernel: [2, extack === undefined ? `RTNETLINK answers: ${error}` : `Error: ${extack.replace(/\.?$/, '.')}`],
      device: [1, `Cannot find device "${name}"`],
      argument: [255, `Error: argument "${name}" is wrong: Invalid "netns" value\n`],
      netns: [1, `nsenter: cannot open ${file}: ${error}`],
      unshare: [1, `unshare: unshare failed: ${error}`],
      name: [1, `Cannot create namespace file "${file}": ${error}`],
      bind: [1, `Bind /proc/self/ns/net -> ${file} failed: ${error}`],
      remove: [1, `Cannot remove namespace file "${file}": ${error}`],
      open: [1, `sysctl: cannot stat ${name}: ${error}`],
      write: [1, `sysctl: setting key "${name}": ${error}`],
    } as const satisfies Record<Fault['at'], readonly [number, string]>
  )[at]
  return { code, stdout: '', stderr: `${stderr}\n` }
}

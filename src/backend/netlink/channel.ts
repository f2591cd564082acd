import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type * as Threading from 'node:worker_threads'
import { openServer, type Server } from './server.ts'
import type { Reply, Request, WorkerData } from './thread-protocol.ts'

/** Carries requests to a server, in this thread or another, and its replies back. */
export interface Channel {
  /** Why it cannot work on this machine; undefined if it works. */
  readonly unusable: Promise<string | undefined>
  /** Whether it can load and list the rules of nftables. Valid once `unusable` has resolved. */
  readonly nft: () => boolean
  /** Sends a request and calls `onReply` with every reply. Rejects when the server could not finish it. */
  ask(request: Request, onReply: (reply: Reply) => void): Promise<void>
}

/** The thread that does the work, and a second one for large labs, which is started on first use. */
export interface Threads {
  readonly one: Channel
  readonly other: () => Channel
}

/** The sizes from which on a thread of its own is used: see src/run/schedule.ts. */
export interface ThreadScale {
  /** Namespaces, or operations of one wave. */
  readonly thread: { readonly from: number }
  /** From this many namespaces on, the table of file descriptors is enlarged once for all of them. */
  readonly descriptors: number
}

/** The threads of a runner. With `large`, the first is started at once. */
export function openThreads(scale: ThreadScale, large = false): Threads {
  let koffi: string
  try {
    koffi = createRequire(__filename).resolve('koffi')
  } catch {
    return { one: unavailable, other: () => unavailable }
  }
  const start = (): Channel => openThread({ koffi, descriptors: scale.descriptors })
  let other: Channel | undefined
  return {
    one: large ? start() : startedOnDemand(scale.thread.from, () => openServer(koffi, scale.descriptors), start),
    other: () => (other ??= start()),
  }
}

const noKoffi = 'the package koffi is not installed'
const unavailable: Channel = {
  unusable: Promise.resolve(noKoffi),
  nft: () => false,
  ask: () => Promise.reject(new Error(noKoffi)),
}

/** After this many operations, the event loop runs, for signals and for the progress that is shown. */
const SLICE = 8

/**
 * Answers requests in this thread until the first request of `many` or more namespaces or operations, for which it starts a
 * thread that answers everything from then on. Starting a thread takes longer than a small request.
 */
function startedOnDemand(many: number, open: () => Server, start: () => Channel): Channel {
  let thread: Channel | undefined
  let server: Server | undefined
  let last: Promise<unknown> = Promise.resolve()
  const here = (): Server => (server ??= open())
  return {
    get unusable() {
      return (async () => void here())().catch((error: unknown) => (error as Error).message)
    },
    nft: () => here().nft(),
    ask(request, onReply) {
      if (!thread && amount(request) >= many) thread = start()
      const then = thread
      const answered = last.then(() => {
        if (then) return then.ask(request, onReply)
        return request.kind === 'run' ? inSlices(here(), request, onReply) : here().answer(request, onReply)
      })
      if (!then) last = answered.catch(() => {})
      return answered
    },
  }
}

/** How much of a namespace is read where only links, addresses and rules are asked for, measured by the time; a name is deleted in as little. */
const SHALLOW = 1 / 4

/** The number of namespaces that are read whole, operations or rule sets in a request. Making namespaces in advance always takes a thread of its own. */
function amount(request: Request): number {
  if (request.kind === 'read')
    return request.readings.reduce((sum, { requests, files }) => sum + (requests.length > 1 || files ? 1 : SHALLOW), 0)
  if (request.kind === 'run')
    return request.jobs.reduce((sum, { do: what }) => sum + (what === 'delete' ? SHALLOW : 1), 0)
  return request.kind === 'try' ? request.texts.length : Infinity
}

/** Carries operations out in this thread, a few at a time. */
async function inSlices(server: Server, request: Extract<Request, { kind: 'run' }>, onReply: (reply: Reply) => void) {
  for (let from = 0; ; from += SLICE) {
    const jobs = request.jobs.slice(from, from + SLICE)
    let ended = false
    server.answer({ ...request, jobs }, (reply) => {
      if (reply.kind !== 'ran') return
      const count = from + reply.count
      ended = reply.fault !== undefined || reply.count < jobs.length || count === request.jobs.length
      onReply(ended ? { ...reply, count } : { kind: 'progress', count })
    })
    if (ended) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

interface Pending {
  readonly onReply: (reply: Reply) => void
  /** What `onReply` has thrown. */
  error?: Error
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Starts the thread. It does not keep the process from ending, except while a request is under way. */
function openThread(workerData: WorkerData): Channel {
  const pending: Pending[] = []
  const { Worker } = createRequire(__filename)('node:worker_threads') as typeof Threading // loaded on demand
  const worker = new Worker(join(dirname(__filename), 'thread.cjs'), { workerData, trackUnmanagedFds: false })
  worker.unref()

  let nft = false
  let known: (reason?: string) => void = () => {}
  const unusable = new Promise<string | undefined>((resolve) => (known = resolve))
  const broken = (error: Error): void => {
    known(error.message)
    for (const { reject } of pending.splice(0)) reject(error)
  }
  worker.on('error', broken)
  worker.on('exit', () => broken(new Error('the netlink thread has ended')))
  worker.on('message', (reply: Reply) => {
    if (reply.kind === 'ready') {
      nft = reply.nft
      return known()
    }
    if (reply.kind === 'unusable') return known(reply.reason)
    const [first] = pending
    try {
      if (first && !first.error && reply.kind !== 'broken') first.onReply(reply)
    } catch (error) {
      if (first) first.error = error as Error
    }
    if (reply.kind !== 'ran' && reply.kind !== 'end' && reply.kind !== 'broken') return
    pending.shift()
    if (pending.length === 0) worker.unref()
    const error = reply.kind === 'broken' ? new Error(reply.reason) : first?.error
    if (error) first?.reject(error)
    else first?.resolve()
  })

  const channel: Channel = {
    nft: () => nft,
    get unusable() {
      // The process must not end while somebody waits for the thread to start.
      worker.ref()
      return unusable.finally(() => pending.length || worker.unref())
    },
    ask: (request, onReply) =>
      new Promise((resolve, reject) => {
        pending.push({ onReply, resolve, reject })
        worker.ref()
        worker.postMessage(request, 'bytes' in request ? [request.bytes.buffer as ArrayBuffer] : [])
      }),
  }
  // In Node 20, a thread whose start nobody has waited for keeps the process from ending.
  void channel.unusable
  return channel
}

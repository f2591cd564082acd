import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Reply, Request, WorkerData } from './thread-protocol.ts'

/** The way to the thread that makes the system calls. */
export interface Channel {
  /** Undefined: it works; otherwise why it cannot work on this machine. */
  readonly unusable: Promise<string | undefined>
  /** Whether it can load and list the rules of nftables: known when it is known to work. */
  readonly nft: () => boolean
  /** Sends a request and hears everything that comes back for it. Throws when it could not be carried on with. */
  ask(request: Request, heard: (reply: Reply) => void): Promise<void>
}

/** The thread that does the work, and a second one for large labs, which is started on first use. */
export interface Threads {
  readonly one: Channel
  readonly other: () => Channel
}

let early: Channel | undefined
/** Starts the first thread before anybody asks for it (`descriptors`: of WorkerData): it takes as long as loading the rest of the program. */
export function warmUp(descriptors: number): void {
  early = openChannel(descriptors)
}

/** The threads of a runner; the first is started if it has not been. */
export function openThreads(descriptors: number): Threads {
  const one = early ?? openChannel(descriptors)
  early = undefined
  let other: Channel | undefined
  return { one, other: () => (other ??= openChannel(descriptors)) }
}

interface Pending {
  readonly heard: (reply: Reply) => void
  /** What went wrong in hearing. */
  error?: Error
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Starts the thread. It does not keep the process from ending, except while a request is under way. */
function openChannel(descriptors: number): Channel {
  const pending: Pending[] = []
  let koffi: string
  try {
    koffi = createRequire(__filename).resolve('koffi')
  } catch {
    const unusable = 'the package koffi is not installed'
    return { unusable: Promise.resolve(unusable), nft: () => false, ask: () => Promise.reject(new Error(unusable)) }
  }
  const worker = new Worker(join(dirname(__filename), 'thread.cjs'), {
    workerData: { koffi, descriptors } satisfies WorkerData,
    trackUnmanagedFds: false,
  })
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
      if (first && !first.error && reply.kind !== 'broken') first.heard(reply)
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
      // Whoever waits for the thread to start must not find the process ended.
      worker.ref()
      return unusable.finally(() => pending.length || worker.unref())
    },
    ask: (request, heard) =>
      new Promise((resolve, reject) => {
        pending.push({ heard, resolve, reject })
        worker.ref()
        worker.postMessage(request, 'bytes' in request ? [request.bytes.buffer as ArrayBuffer] : [])
      }),
  }
  // A thread that nobody has waited for keeps the process from ending (seen in Node 20).
  void channel.unusable
  return channel
}

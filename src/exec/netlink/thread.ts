import type * as Fs from 'node:fs'
import type * as Threads from 'node:worker_threads'
import { gatherer } from './gather.ts'
import { openSystem } from './libc.ts'
import { maker } from './make.ts'
import { performer } from './perform.ts'
import type { Reply, Request } from './protocol.ts'
import { trier } from './trial.ts'

/** What the thread does: says whether it can work here, then answers one request after the other. */
function serve(
  load: NodeJS.Require,
  open: typeof openSystem,
  perform: typeof performer,
  gather: typeof gatherer,
  tryOut: typeof trier,
  makeSome: typeof maker,
): void {
  const { parentPort, workerData } = load('node:worker_threads') as Omit<typeof Threads, 'workerData'> & {
    workerData: string
  }
  const fs = load('node:fs') as typeof Fs
  const reply = (message: Reply): void =>
    parentPort?.postMessage(message, message.kind === 'results' ? [message.bytes.buffer as ArrayBuffer] : [])
  const names = (): string[] => (fs.existsSync('/run/netns') ? fs.readdirSync('/run/netns').sort() : [])
  /** Where there are so many namespaces, many descriptors are going to be needed at once: of each, and sockets in them. */
  const MANY = 400
  let system: ReturnType<typeof openSystem>
  try {
    system = open(load, workerData)
  } catch (error) {
    return reply({ kind: 'unusable', reason: (error as Error).message })
  }
  const count = names().length
  if (count >= MANY) system.reserve(2 * count)
  const run = perform(system)
  const { read, renamed } = gather(system, names)
  const attempt = tryOut(system)
  const make = makeSome(system)
  parentPort?.on('message', (request: Request) => {
    try {
      if (request.kind === 'run') renamed(request.epoch)
      if (request.kind === 'run') run(request, reply)
      else if (request.kind === 'read') read(request, reply)
      else if (request.kind === 'make') make(request, reply)
      else attempt(request, reply)
    } catch (error) {
      reply({ kind: 'broken', reason: (error as Error).message })
    } finally {
      system.back()
    }
  })
  reply({ kind: 'ready', nft: system.nft !== undefined })
}

/**
 * The program of the worker thread. It is made of the functions' own texts, because the bundle is one file and loading
 * all of it a second time would take longer than the work of a small lab. setns(2) concerns one thread: only this one
 * is ever in another namespace, and only from the start to the end of a request.
 */
export const source = (): string =>
  `(${serve.toString()})(require, ${openSystem.toString()}, ${performer.toString()}, ${gatherer.toString()}, ${trier.toString()}, ${maker.toString()})`

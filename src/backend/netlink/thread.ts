import { existsSync, readdirSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { gatherer } from './gather.ts'
import { openSystem } from './libc.ts'
import { maker } from './make.ts'
import { performer } from './perform.ts'
import type { Reply, Request, WorkerData } from './thread-protocol.ts'
import { trier } from './trial.ts'

/** Where koffi is; where there are so many namespaces, room for descriptors is made at once: of each, and of sockets in them. */
const { koffi, descriptors } = workerData as WorkerData

const reply = (message: Reply): void =>
  parentPort?.postMessage(message, message.kind === 'results' ? [message.bytes.buffer as ArrayBuffer] : [])
const names = (): string[] => (existsSync('/run/netns') ? readdirSync('/run/netns').sort() : [])
/**
 * The worker thread: says whether it can work here, then answers one request after the other. A program of its own
 * (dist/thread.cjs), so that the thread loads nothing else. setns(2) concerns one thread: only this one is ever in another
 * namespace, and only from the start to the end of a request.
 */
function serve(): void {
  let system: ReturnType<typeof openSystem>
  try {
    system = openSystem(koffi)
  } catch (error) {
    return reply({ kind: 'unusable', reason: (error as Error).message })
  }
  const count = names().length
  if (count >= descriptors) system.reserve(2 * count)
  const run = performer(system)
  const { read, renamed } = gatherer(system, names)
  const attempt = trier(system)
  const make = maker(system)
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

serve()

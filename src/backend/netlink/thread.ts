import { parentPort, workerData } from 'node:worker_threads'
import { openServer, type Server } from './server.ts'
import type { Reply, Request, WorkerData } from './thread-protocol.ts'

const { koffi, descriptors } = workerData as WorkerData

const reply = (message: Reply): void =>
  parentPort?.postMessage(message, message.kind === 'results' ? [message.bytes.buffer as ArrayBuffer] : [])

/**
 * The worker thread: says whether it can work here, then answers one request after the other. A program of its own
 * (dist/thread.cjs), so that the thread loads nothing else.
 */
function serve(): void {
  let server: Server
  try {
    server = openServer(koffi, descriptors)
  } catch (error) {
    return reply({ kind: 'unusable', reason: (error as Error).message })
  }
  parentPort?.on('message', (request: Request) => {
    try {
      server.answer(request, reply)
    } catch (error) {
      reply({ kind: 'broken', reason: (error as Error).message })
    }
  })
  reply({ kind: 'ready', nft: server.nft() })
}

serve()

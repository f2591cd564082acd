import { gatherer } from './gather.ts'
import { namespaceNames, openSystem } from './libc.ts'
import { maker } from './make.ts'
import { performer } from './perform.ts'
import type { Reply, Request } from './thread-protocol.ts'
import { trier } from './trial.ts'

/** What answers requests by making system calls, in the thread that opened it. */
export interface Server {
  /** Whether it can load and list the rules of nftables. */
  readonly nft: () => boolean
  /** Answers one request. The thread is in other namespaces only until this returns. Throws when it cannot be carried on with. */
  readonly answer: (request: Request, reply: (reply: Reply) => void) => void
}

/**
 * Opens a server in this thread. `koffi` is the file of that package; where there are `descriptors` namespaces or more, room for
 * descriptors is made at once: of each, and of sockets in them. Throws as `openSystem` does.
 */
export function openServer(koffi: string, descriptors: number): Server {
  const system = openSystem(koffi)
  const count = namespaceNames().length
  if (count >= descriptors) system.reserve(2 * count)
  const run = performer(system)
  const { read, renamed } = gatherer(system, namespaceNames)
  const attempt = trier(system)
  const make = maker(system)
  return {
    nft: () => system.nft() !== undefined,
    answer(request, reply) {
      try {
        if (request.kind === 'run') renamed(request.epoch)
        if (request.kind === 'run') run(request, reply)
        else if (request.kind === 'read') read(request, reply)
        else if (request.kind === 'make') make(request, reply)
        else attempt(request, reply)
      } finally {
        system.back()
      }
    },
  }
}

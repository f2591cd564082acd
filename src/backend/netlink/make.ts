import type { System } from './libc.ts'
import type { Reply, Request } from './thread-protocol.ts'

/**
 * What makes namespaces before they are needed. Nobody sees them until a run gives them names, and they go with the process.
 */
export function maker({
  libc,
  unshare,
  limit,
  reserve,
}: System): (request: Extract<Request, { kind: 'make' }>, reply: (r: Reply) => void) => void {
  const [O_RDONLY, O_CLOEXEC] = [0, 0o2000000]
  return ({ store: { full, counts, descriptors } }, reply) => {
    reserve(3 * descriptors.length) // and for the sockets of those who work in them
    for (let i = 0; i < Math.min(descriptors.length, limit) && Atomics.load(full, 0) === 0; i++) {
      if (!unshare()) break
      const fd = libc.open('/proc/thread-self/ns/net', O_RDONLY | O_CLOEXEC, 0)
      if (fd < 0) break
      descriptors[i] = fd
      Atomics.add(counts, 0, 1)
    }
    reply({ kind: 'end' })
  }
}

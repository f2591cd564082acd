import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import { NEAR } from '../model/other-machine.ts'
import type { Peer } from './connect.ts'

/** Does the same on these machines, at the same time, and waits for all. Throws a UserError with all that went wrong. */
export async function onAll<T>(peers: readonly Peer[], act: (peer: Peer) => Promise<T>): Promise<Map<string, T>> {
  const settled = await Promise.allSettled(peers.map(act))
  failWith(settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : [])))
  return new Map(
    settled.flatMap((one, i) => (one.status === 'fulfilled' ? [[peers[i]?.name ?? '', one.value] as const] : [])),
  )
}

/** Throws all that went wrong as one error. */
export function failWith(errors: readonly unknown[]): void {
  const diagnostics = diagnosticsIn(errors)
  if (diagnostics.length) throw new UserError(diagnostics)
}

/** The diagnostics in errors of machines. Throws the first that is a bug. */
export function diagnosticsIn(errors: readonly unknown[]): Diagnostic[] {
  const bug = errors.find((error) => !(error instanceof UserError))
  if (bug !== undefined) throw bug as Error
  return errors.flatMap((error) => (error as UserError).diagnostics)
}

/**
 * Takes the lock of the lab on all machines, and returns what `next` does then. Nearly always it is free: so it is asked for on all at the
 * same time, together with what is next, which waits for it there. When it is not, nothing is held, and the machine whose name is
 * the first comes first: two runs begin with the same, so neither has what the other waits for. Waits at most `timeout` ms on
 * each, and calls `waiting` with the machine and the description of the holder; first `mayWait` may throw.
 */
export async function lockAll<T>(
  peers: readonly Peer[],
  next: () => Promise<T>,
  timeout: number,
  waiting: (machine: string, holder: string) => void,
  mayWait: () => Promise<void> = () => Promise.resolve(),
): Promise<T> {
  const tried = Promise.allSettled(peers.map((peer) => peer.ask('lock', { timeout: 0 })))
  const [done] = await Promise.allSettled([next()])
  if ((await tried).every(({ status }) => status === 'fulfilled')) {
    if (done.status === 'fulfilled') return done.value
    throw done.reason
  }
  await onAll(peers, (peer) => peer.ask('unlock', null))
  await mayWait()
  const [first, ...others] = [...peers].sort(
    (a, b) => Number(a.name === NEAR) - Number(b.name === NEAR) || (a.name < b.name ? -1 : 1),
  )
  const lock = async (peer: Peer): Promise<null> => {
    try {
      return await peer.ask('lock', { timeout }, ({ holder }) => waiting(peer.name, holder))
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      const where = peer.name === NEAR ? '' : ` on ${peer.name}`
      throw new UserError(
        error.diagnostics.map((one) =>
          one.code === 'lab-locked' ? { ...one, summary: `${one.summary}${where}` } : one,
        ),
      )
    }
  }
  if (first) await lock(first)
  await onAll(others, lock)
  return await next()
}

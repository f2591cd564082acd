import type { Host } from '../model/host.ts'
import { locate, type Located, type LocateOptions } from './locate.ts'

/** Whether a lab file may name machines in its own text. */
const NAMES_MACHINES = /^["']?machines["']?\s*:/m

/** What `startRunner` is told of the size of a lab file: 0 when other machines may have most of the work. */
export const sizeHere = (located: Located): number =>
  'text' in located && !NAMES_MACHINES.test(located.text) ? located.text.length : 0

/**
 * Finds a lab, as `locate` does, and begins to connect to its machines: before the command itself is loaded, which takes about a third as
 * long as netlab takes to start there.
 */
export async function locateAhead(
  host: Host,
  argument: string | undefined,
  options: LocateOptions & { readonly skipMachine?: readonly string[] },
): Promise<Located> {
  const located = locate(argument, options)
  const saved = 'saved' in located ? located.saved : undefined
  await connectAhead(host, located, saved ? saved.wishes.skipMachine : options.skipMachine)
  return located
}

/** Begins to connect to the machines that a lab file seems to name, before it is parsed. */
export async function connectAhead(host: Host, located: Located, skip?: readonly string[]): Promise<void> {
  if (!('text' in located) || host.isSandbox || !NAMES_MACHINES.test(located.text)) return
  ;(await import('../machines/ahead.ts')).beginConnecting(host, located.text, skip)
}

import { isOverdue, type Fault } from '../model/fault.ts'
import type { Runner } from '../model/runner.ts'
import type { ReadAhead } from '../observe/found.ts'
import { read, type Live } from '../observe/read.ts'
import type { ReadRequest } from '../observe/read-request.ts'
import { faultWords } from '../views/fault-text.ts'
import { note } from './terminal.ts'

/**
 * Reads a lab. A fault whose time is over is ended first: the command that has set it, and its guard, may have been killed.
 * Waits for a run on the lab then. Namespaces that were read ahead are not read again before that.
 */
export async function readLive(
  request: ReadRequest,
  runner: Runner,
  ahead: readonly Promise<ReadAhead>[] = [],
): Promise<Live> {
  const live = await read(request, runner, ahead)
  const ended = await endOverdue(request, live, runner)
  if (!ended.length) return live
  note(ended.map((fault) => `The time of this fault is over: ${faultWords(fault)}\n`).join(''))
  return await read(request, runner)
}

/** Ends the faults of what was read whose time is over, and returns them. Waits for a run on the lab if there are any. */
export async function endOverdue(
  { lab, namespaces }: ReadRequest,
  live: Live,
  runner: Runner,
): Promise<readonly Fault[]> {
  if (!live.faults.some(isOverdue)) return []
  const { healFaults } = await import('../faults/heal-faults.ts')
  const { netOfLive, withLocks } = await import('./fault-net.ts')
  const net = netOfLive(lab, live, namespaces, runner)
  return await withLocks(net, () => healFaults(net, ({ fault }) => isOverdue(fault)))
}

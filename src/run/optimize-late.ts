import { setFlagsFromString } from 'node:v8'
import { scale } from './schedule.ts'

/**
 * Makes V8 wait longer, in bytes of bytecode run, before it optimizes code, when the lab file has many characters: what is optimized
 * in the background during the second that a run takes is ready too late, and costs up to a quarter of the time. With other flags
 * than its own, V8 does not take what Node has compiled of its modules, and loading more of those takes three times as long.
 */
export function optimizeLate(size: number): void {
  if (size >= scale.optimizeLate) setFlagsFromString('--interrupt-budget=500000')
}

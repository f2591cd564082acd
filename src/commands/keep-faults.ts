import type { Runner } from '../model/runner.ts'
import type { ChangeOptions } from './apply.ts'
import { carryOut, type CarriedOut, type PlanPart } from './carry.ts'
import type { Prepared } from './prepare.ts'

/** Carries a plan out (`carryOut`), with the effects of faults taken away meanwhile where they are in its way. */
export async function carryOutKeeping(
  prepared: Prepared,
  runner: Runner,
  options: ChangeOptions,
  signal: AbortSignal,
  part?: PlanPart,
): Promise<CarriedOut> {
  if (prepared.live.faults.length === 0) return await carryOut(prepared, runner, options, signal, part)
  const { liftFaults } = await import('./lift-faults.ts') // loaded only when there are faults
  const kept = await liftFaults(prepared, runner, options.heal ?? false, options.destroy ?? false)
  return await carryOut(prepared, runner, options, signal, part).finally(() => kept.restore())
}

import type { CarriedOut } from '../commands/carry.ts'
import type { RolledBack } from '../commands/rollback.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { PlanJson } from '../views/json.ts'
import type { Source } from '../session/protocol.ts'
import type { Road, Spread } from './wires.ts'

interface Operation<Input, Result, Event = never> {
  readonly input: Input
  readonly event: Event
  readonly result: Result
}

/** What a machine is asked to plan. */
export interface PlanInput {
  readonly destroy: boolean
  readonly adopt: boolean
  readonly target: readonly string[]
  readonly replace: readonly string[]
  /** It will be carried out. */
  readonly forApply: boolean
}

/** What netlab on a machine of a lab may be asked for, in this order. */
export interface MachineOperations {
  /** Says that the one who asks is still there. */
  readonly alive: Operation<null, null>
  /** Who this is: with ssh, its address and that of the other side. */
  readonly hello: Operation<
    { readonly lab: string },
    {
      readonly address?: string
      readonly caller?: string
      /** The namespaces of the lab that are live here. */
      readonly namespaces: readonly string[]
      /** Whether links to other machines can begin here: not in a sandbox. */
      readonly hasRoads: boolean
    }
  >
  /** How this machine reaches these addresses; undefined: not at all. */
  readonly roads: Operation<
    { readonly to: readonly string[] },
    { readonly [address: string]: Road & { readonly source: string } }
  >
  /** Opens the lab, whose part on this machine is what the operations that follow are about. */
  readonly open: Operation<{ readonly source: Source; readonly machine: string; readonly spread: Spread }, null>
  /** Takes the lock of the lab; waits at most `timeout` ms. The event is the description of its holder. */
  readonly lock: Operation<{ readonly timeout: number }, null, { readonly holder: string }>
  /** Plans; `carry` carries out the last one. */
  readonly plan: Operation<PlanInput, { readonly plan: PlanJson; readonly warnings: readonly Diagnostic[] }>
  /** Carries out the plan; rolls it back when it fails. */
  readonly carry: Operation<{ readonly rollback: boolean; readonly heal: boolean; readonly force: boolean }, CarriedOut>
  /** Stops what is carried out after the running step, and rolls it back. */
  readonly stop: Operation<null, null>
  /** Rolls back what was carried out. */
  readonly undo: Operation<null, RolledBack>
}

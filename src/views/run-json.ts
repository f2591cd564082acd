import type { Action, Change } from '../model/change.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import { diagnosticJson, type ErrorJson, type PlanJson } from './json.ts'

/**
 * `unchanged`: there was nothing to do. `declined`: the answer was not yes. `done`: all listed changes are made. `failed`: a step
 * failed, or something undid the changes again. `stopped`: by a signal.
 */
export type RunStatus = 'unchanged' | 'declined' | 'done' | 'failed' | 'stopped'

/** The result of `apply` or `destroy`. */
export interface Run {
  /** The exit code. */
  readonly code: number
  readonly status: RunStatus
  /** How many steps succeeded. */
  readonly done?: number
  /** Something else changed during the run: the next plan is not empty. */
  readonly more?: boolean
  readonly diagnostics?: readonly Diagnostic[]
  /** The changes that are still to be made, or were undone again. */
  readonly left?: readonly Change[]
  readonly rollback?: {
    readonly complete: boolean
    readonly errors: readonly string[]
    readonly left: readonly Change[]
  }
}

interface Left {
  readonly id: string
  readonly action: Action
}

/** The document of `apply --json` and `destroy --json`: the plan and the result. */
export interface RunJson extends PlanJson {
  readonly result: {
    readonly status: RunStatus
    readonly exit_code: number
    readonly steps_done: number
    /** Something else changed during the run: the next plan is not empty. */
    readonly changed_meanwhile: boolean
    readonly left: readonly Left[]
    /** Null: no rollback was made. */
    readonly rollback: {
      readonly complete: boolean
      readonly errors: readonly string[]
      readonly left: readonly Left[]
    } | null
  }
  /** Why it failed. */
  readonly error?: ErrorJson['error']
}

/** A plan and the result of its run, as plain JSON data. */
export function runJson(plan: PlanJson, run: Run): RunJson {
  const { code, status, done = 0, more = false, diagnostics = [], left = [], rollback } = run
  return {
    ...plan,
    result: {
      status,
      exit_code: code,
      steps_done: done,
      changed_meanwhile: more,
      left: left.map(brief),
      rollback: rollback
        ? { complete: rollback.complete, errors: rollback.errors, left: rollback.left.map(brief) }
        : null,
    },
    ...(diagnostics.length > 0 && { error: { diagnostics: diagnostics.map(diagnosticJson) } }),
  }
}

const brief = ({ id, action }: Change): Left => ({ id, action })

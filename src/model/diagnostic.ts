import type { Code } from './diagnostic-codes.ts'

/** A position in a lab file: one-based line and column, as editors count them; `length`, in characters, is for the caret. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly length?: number
}

/** An error or a warning for the user. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning'
  /** The kind of mistake, for programs: see diagnostic-codes.ts. */
  readonly code: Code
  /** What is wrong, in one line. */
  readonly summary: string
  /** Why, and what to do about it. */
  readonly detail?: string
  readonly position?: Position
  /** The lines of the file around the position, from line `firstLine` on, each from column `firstColumn` (default: 1) on. */
  readonly snippet?: { readonly firstLine: number; readonly firstColumn?: number; readonly lines: readonly string[] }
}

/** A mistake of the user's, or something that the machine lacks: its diagnostics are shown, never a stack. */
export class UserError extends Error {
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((d) => d.summary).join('\n'))
    this.name = 'UserError'
  }

  /** A UserError with one diagnostic, of severity error. */
  static of(code: Code, summary: string, detail?: string, position?: Position): UserError {
    return new UserError([
      { severity: 'error', code, summary, ...(detail !== undefined && { detail }), ...(position && { position }) },
    ])
  }
}

import type { Code } from './diagnostic-codes.ts'

/** A place in a lab file: one-based line and column, as editors count them; `length` in characters for the caret. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly length?: number
}

/** One thing to tell the person who wrote the lab. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning'
  /** The kind of mistake, for programs: see diagnostic-codes.ts. */
  readonly code: Code
  /** What is wrong, in one line. */
  readonly summary: string
  /** Why, and what to do about it. */
  readonly detail?: string
  readonly position?: Position
  /** The lines of the file around the position, the first one being line `firstLine`, from column `firstColumn` (default: 1) on. */
  readonly snippet?: { readonly firstLine: number; readonly firstColumn?: number; readonly lines: readonly string[] }
}

/** A mistake of the user's, or of the machine's: shown as its diagnostics, never with a stack. */
export class UserError extends Error {
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((d) => d.summary).join('\n'))
    this.name = 'UserError'
  }

  /** A UserError with a single error in it. */
  static of(code: Code, summary: string, detail?: string, position?: Position): UserError {
    return new UserError([
      { severity: 'error', code, summary, ...(detail !== undefined && { detail }), ...(position && { position }) },
    ])
  }
}

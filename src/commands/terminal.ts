import { createInterface } from 'node:readline/promises'
import pc from 'picocolors'
import type { Colors } from 'picocolors/types'
import type { Diagnostic } from '../model/diagnostic.ts'
import { renderDiagnostic } from '../render/diagnostic.ts'

/** Options that every command has. */
export interface Global {
  /** False after `--no-color`. */
  readonly color: boolean
}

const colors = ({ color }: Global, stream: NodeJS.WriteStream): Colors =>
  pc.createColors(color && !process.env['NO_COLOR'] && (stream.isTTY || Boolean(process.env['FORCE_COLOR'])))

/** Colours for what goes to standard output; none when it is no terminal, or NO_COLOR or --no-color says so. */
export const outColors = (options: Global): Colors => colors(options, process.stdout)

/** The same for standard error. */
export const errColors = (options: Global): Colors => colors(options, process.stderr)

/** Data: what the command was asked for. */
export const out = (text: string): void => void process.stdout.write(text)

/** Everything else. */
export const note = (text: string): void => void process.stderr.write(text)

let passed = 0
/** What is being done at the moment, on a terminal: the next text takes its place, an empty one leaves nothing. */
export function passing(text: string): void {
  // With spaces: where no colours are wanted, no other sequences are, either.
  if (process.stderr.isTTY) note(`\r${' '.repeat(passed)}\r${text}`)
  passed = text.length
}

/** A document for programs. */
export const outJson = (value: unknown): void => out(`${JSON.stringify(value, undefined, 2)}\n`)

/** Diagnostics, to standard error. */
export const report = (diagnostics: readonly Diagnostic[], options: Global): void =>
  note(diagnostics.map((d) => renderDiagnostic(d, errColors(options))).join('\n'))

/** Asks on the terminal; only `yes` (or `y`) is one. */
export async function confirm(question: string): Promise<boolean> {
  const asker = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await asker.question(`${question} [y/N] `)).trim())
  } finally {
    asker.close()
  }
}

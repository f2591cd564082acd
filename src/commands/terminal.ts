import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline/promises'
import pc from 'picocolors'
import type { Colors, Formatter } from 'picocolors/types'
import type { Diagnostic } from '../model/diagnostic.ts'
import { visible } from '../model/text.ts'
import { renderDiagnostic } from '../views/diagnostic-text.ts'

/** Options that every command has. */
export interface Global {
  /** False after `--no-color`. */
  readonly color: boolean
}

/** Stands for an escape of netlab's own until it is written: no text of a lab or of a program can hold it. */
const ESCAPE = `\x1b${randomBytes(8).toString('hex')}`

function colors({ color }: Global, stream: NodeJS.WriteStream): Colors {
  const wanted = color && !process.env['NO_COLOR'] && (stream.isTTY || Boolean(process.env['FORCE_COLOR']))
  const plain = pc.createColors(wanted)
  const paints = Object.entries<boolean | Formatter>({ ...plain }).map(([name, paint]) => {
    if (!wanted || typeof paint !== 'function') return [name, paint] as const
    const [open = '', close = ''] = paint('\0').replaceAll('\x1b', ESCAPE).split('\0')
    return [name, (text: unknown) => `${open}${String(text)}${close}`] as const
  })
  return Object.fromEntries(paints) as unknown as Colors
}

/** What may go to a terminal: the colours of netlab's own, and of everything else only what can be seen. */
const harmless = (text: string): string => text.split(ESCAPE).map(visible).join('\x1b')

/** Colours for what goes to standard output; none when it is no terminal, or NO_COLOR or --no-color says so. */
export const outColors = (options: Global): Colors => colors(options, process.stdout)

/** The same for standard error. */
export const errColors = (options: Global): Colors => colors(options, process.stderr)

/** Data: what the command was asked for. */
export const out = (text: string): void => void process.stdout.write(harmless(text))

/** Everything else. */
export const note = (text: string): void => void process.stderr.write(harmless(text))

let passed = 0
/** What is being done at the moment, on a terminal: the next text takes its place, an empty one leaves nothing. */
export function passing(text: string): void {
  // With spaces: where no colours are wanted, no other sequences are, either.
  if (process.stderr.isTTY) process.stderr.write(`\r${' '.repeat(passed)}\r${text}`)
  passed = text.length
}

/** A document for programs. */
export const outJson = (value: unknown): void => out(`${JSON.stringify(value, undefined, 2)}\n`)

/** So many diagnostics are shown: nobody reads more at once. */
const SHOWN = 100

/** Diagnostics, to standard error: the first hundred, and how many more there are. */
export function report(diagnostics: readonly Diagnostic[], options: Global): void {
  const c = errColors(options)
  const more = diagnostics.length - SHOWN
  note(
    [
      ...diagnostics.slice(0, SHOWN).map((d) => renderDiagnostic(d, c)),
      ...(more > 0 ? [`${more} more ${more === 1 ? 'is' : 'are'} not shown.\n`] : []),
    ].join('\n'),
  )
}

/** Asks on the terminal; only `yes` (or `y`) is one. Ctrl-D is a no, Ctrl-C interrupts. */
export async function confirm(question: string): Promise<'yes' | 'no' | 'interrupted'> {
  const asker = createInterface({ input: process.stdin, output: process.stderr })
  let interrupt = (): void => {}
  try {
    return await new Promise((resolve) => {
      const unanswered = (answer: 'no' | 'interrupted') => (): void => {
        note('\n')
        resolve(answer)
      }
      interrupt = unanswered('interrupted')
      const end = unanswered('no')
      asker.once('SIGINT', interrupt)
      process.once('SIGINT', interrupt) // where standard error is no terminal
      asker.once('close', end)
      asker.question(harmless(`${question} [y/N] `)).then(
        (answer) => {
          asker.off('close', end)
          resolve(/^y(es)?$/i.test(answer.trim()) ? 'yes' : 'no')
        },
        () => {}, // it was closed
      )
    })
  } finally {
    process.off('SIGINT', interrupt)
    asker.removeAllListeners('close').close()
  }
}

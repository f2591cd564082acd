import { createRequire } from 'node:module'
import type * as Readline from 'node:readline/promises'
import pc from 'picocolors'
import type { Colors, Formatter } from 'picocolors/types'
import { aside, idle } from '../host/status-line.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import { visible } from '../model/text.ts'
import { renderDiagnostic } from '../views/diagnostic-text.ts'
import type { Documents } from '../views/documents.ts'

/** Options that every command has. */
export interface Global {
  /** False after `--no-color`. */
  readonly color: boolean
}

/** Stands for netlab's own escape character until it is written: no text of a lab or of a program can contain it. */
const ESCAPE = `\x1b${Math.random()}${Math.random()}`

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

/** Makes a text safe for a terminal: keeps netlab's own colours, and escapes all other invisible characters. */
const harmless = (text: string): string => text.split(ESCAPE).map(visible).join('\x1b')

/** Colours for standard output; none when it is not a terminal, and with NO_COLOR or --no-color. */
export const outColors = (options: Global): Colors => colors(options, process.stdout)

/** Colours for standard error; none when it is not a terminal, and with NO_COLOR or --no-color. */
export const errColors = (options: Global): Colors => colors(options, process.stderr)

/** Writes data, the result of a command, to standard output. */
export const out = (text: string): void => aside(() => process.stdout.write(harmless(text)))

/** Writes the text of a file to standard output: as it is, unless that is a terminal. */
export const outText = (text: string): void =>
  aside(() => process.stdout.write(process.stdout.isTTY ? harmless(text) : text))

/** Writes messages to standard error. */
export const note = (text: string): void => aside(() => process.stderr.write(harmless(text)))

/** Writes what a command prints with `--json` to standard output. */
export const outJson = (document: Documents[keyof Documents]): void =>
  out(`${JSON.stringify(document, undefined, 2)}\n`)

/** How many diagnostics are shown at most. */
const SHOWN = 100

/** Writes diagnostics to standard error: the first hundred, and the number of the others. */
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

/** Asks on the terminal. Only `yes` or `y` is a yes; Ctrl-D is a no, Ctrl-C interrupts. */
export async function confirm(question: string): Promise<'yes' | 'no' | 'interrupted'> {
  idle()
  const { createInterface } = createRequire(__filename)('node:readline/promises') as typeof Readline // loaded on demand
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
      process.once('SIGINT', interrupt) // where standard error is not a terminal
      asker.once('close', end)
      asker.question(harmless(`${question} [y/N] `)).then(
        (answer) => {
          asker.off('close', end)
          resolve(/^y(es)?$/i.test(answer.trim()) ? 'yes' : 'no')
        },
        () => {}, // the input was closed
      )
    })
  } finally {
    process.off('SIGINT', interrupt)
    asker.removeAllListeners('close').close()
  }
}

import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { UserError } from '../model/diagnostic.ts'
import type { Answer, Ask } from './protocol.ts'

/** The operations that `D` describes: by the name of each, what it takes, the events on its way, and its result, as JSON data. */
export type Doing<D> = {
  readonly [Name in keyof D]: D[Name] extends { input: infer Input; event: infer Event; result: infer Result }
    ? (input: Input, emit: (event: Event) => void) => Promise<Result>
    : never
}

/**
 * Asks for an operation of these, and calls `on` with each of its events. Throws what it throws: a UserError with its diagnostics, or an
 * Error that is a bug of netlab's.
 */
export type Asking<D> = <Name extends keyof D & string>(
  name: Name,
  input: D[Name] extends { input: infer Input } ? Input : never,
  on?: (event: D[Name] extends { event: infer Event } ? Event : never) => void,
) => Promise<D[Name] extends { result: infer Result } ? Result : never>

interface Pending {
  readonly line: string
  readonly on: (event: never) => void
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
}

/** How often what did not arrive is asked for again: then nothing will arrive any more. */
const ATTEMPTS = 100

/** A conversation with a netlab at the other end of two streams. */
interface Conversation<D> {
  readonly ask: Asking<D>
  /** Takes the answers, once only these come. */
  readonly listen: () => void
  /** Asks once more for what has not been answered: it did not arrive. */
  readonly repeat: () => void
  /** Rejects what is still asked for, and whatever is asked later. */
  readonly over: (why: Error) => void
}

/** Asks a netlab at the other end of these streams. What is asked for before it listens waits in the stream. */
export function askOver<D>(input: Writable, output: Readable): Conversation<D> {
  const asked = new Map<number, Pending>()
  let last = 0
  let gone: Error | undefined
  const repeat = (): void => asked.forEach(({ line }) => input.write(line))
  const hear = (line: string): void => {
    if (!line.startsWith('{')) return // what a program around the other netlab prints
    const { id, again, event, result, diagnostics, bug } = JSON.parse(line) as Answer
    if (again) return repeat()
    const one = asked.get(id)
    if (!one) return
    if (event !== undefined) return one.on(event as never)
    asked.delete(id)
    if (diagnostics) one.reject(new UserError(diagnostics))
    else if (bug !== undefined) one.reject(Object.assign(new Error(bug), { stack: bug }))
    else one.resolve(result as never)
  }
  return {
    listen: () => void createInterface({ input: output }).on('line', hear),
    repeat,
    ask: (name, what, on = () => {}) =>
      new Promise((resolve, reject) => {
        if (gone) return reject(gone)
        const id = ++last
        const line = `${JSON.stringify({ id, do: name, input: what } satisfies Ask)}\n`
        asked.set(id, { line, on, resolve, reject })
        input.write(line)
      }),
    over(why) {
      gone = why
      for (const { reject } of asked.values()) reject(why)
      asked.clear()
    },
  }
}

/**
 * Does what is asked for in lines of JSON on standard input, and answers on standard output, until the input ends or `signal` says
 * so. Operations run at the same time. `heard` is called with each line. What something else on the way here has read from the input is
 * asked for again.
 */
export async function answerAsks<D>(operations: Doing<D>, signal?: AbortSignal, heard = (): void => {}): Promise<void> {
  const answer = (line: Answer): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
  let next = 1
  let attempts = 0
  for await (const line of createInterface({ input: process.stdin, ...(signal && { signal }) })) {
    heard()
    const { id, do: name, input } = askIn(line)
    if (id > next) {
      if (++attempts > ATTEMPTS) break
      answer({ id, again: true })
    }
    if (id !== next) continue
    next++
    attempts = 0
    const run = operations[name as keyof D] as (input: unknown, emit: (event: unknown) => void) => Promise<unknown>
    run(input, (event) => answer({ id, event })).then(
      (result) => answer({ id, result: result ?? null }),
      (error: unknown) =>
        answer(
          error instanceof UserError
            ? { id, diagnostics: error.diagnostics }
            : { id, bug: error instanceof Error ? (error.stack ?? error.message) : String(error) },
        ),
    )
  }
}

/** What a line asks for; of one that has lost its beginning, an id that no other has. */
function askIn(line: string): Ask {
  try {
    return JSON.parse(line) as Ask
  } catch {
    return { id: Number.MAX_SAFE_INTEGER, do: '', input: null }
  }
}

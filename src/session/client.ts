import { createInterface } from 'node:readline'
import { UserError } from '../model/diagnostic.ts'
import type { Apart, Host } from '../model/host.ts'
import type { Answer, Ask, OperationName, Operations } from './protocol.ts'

/** A netlab that does what it is asked. */
export interface Session {
  /**
   * Does an operation there, and calls `on` with each of its events. Throws what it throws there: a UserError with its diagnostics,
   * or an Error that is a bug of netlab's.
   */
  readonly ask: <Name extends OperationName>(
    name: Name,
    input: Operations[Name]['input'],
    on?: (event: Operations[Name]['event']) => void,
  ) => Promise<Operations[Name]['result']>
  /** Whether it has not ended. */
  readonly isOpen: () => boolean
  /** Ends it; what is still asked for is rejected. May be called again. */
  readonly close: () => Promise<void>
}

/** One in a throw-away sandbox, which is taken away when it is closed. */
export interface Copy extends Session {
  /** Whether it keeps this process running, as it does in the beginning. */
  readonly awake: (awake: boolean) => void
}

interface Pending {
  readonly on: (event: never) => void
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
}

/**
 * Opens a copy, in which there is nothing yet: `ask('apply', …)` builds a lab in it. It is beside everything that is live, and
 * ends with `close` and with this process, however that ends. Throws a UserError when the machine does not allow it.
 */
export async function openCopy(host: Host): Promise<Copy> {
  const apart = await host.startApart([...host.self, 'session'])
  return { ...asking('the copy', apart), awake: apart.awake }
}

/**
 * Opens a session where labs live: `ask('attach', …)` names one. What it has started ends with `close` and with this process,
 * however that ends.
 */
export function openLive(host: Host): Session {
  const child = host.start({ argv: [...host.self, 'session', '--live'] })
  const ended = new Promise<void>((resolve) => child.once('close', resolve))
  let words = ''
  child.stderr.on('data', (data: Buffer) => (words += data.toString()))
  return asking('the session', {
    child,
    words: () => words,
    async end() {
      child.stdin.end()
      await ended
    },
  })
}

/** The session of a process, which messages call `what`. */
function asking(what: string, { child, ...its }: Pick<Apart, 'child' | 'words' | 'end'>): Session {
  const asked = new Map<number, Pending>()
  let last = 0
  let closed: Promise<void> | undefined
  let gone: Error | undefined
  const receive = (line: string): void => {
    const { id, event, result, diagnostics, bug } = JSON.parse(line) as Answer
    const one = asked.get(id)
    if (!one) return
    if (event !== undefined) return one.on(event as never)
    asked.delete(id)
    if (diagnostics) one.reject(new UserError(diagnostics))
    else if (bug !== undefined) one.reject(Object.assign(new Error(bug), { stack: bug }))
    else one.resolve(result as never)
  }
  createInterface({ input: child.stdout }).on('line', receive)
  child.once('close', () => {
    gone = closed
      ? UserError.of('copy-ended', `${what} was closed`)
      : UserError.of('copy-ended', `${what} was ended from outside`, its.words().trim())
    for (const { reject } of asked.values()) reject(gone)
    asked.clear()
  })
  return {
    isOpen: () => gone === undefined,
    ask: (name, input, on = () => {}) =>
      new Promise((resolve, reject) => {
        if (gone) return reject(gone)
        const id = ++last
        asked.set(id, { on, resolve, reject })
        child.stdin.write(`${JSON.stringify({ id, do: name, input } satisfies Ask)}\n`)
      }),
    close: () => (closed ??= its.end()),
  }
}

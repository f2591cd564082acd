import { createInterface } from 'node:readline'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Answer, Ask, OperationName, Operations } from './protocol.ts'

/** A throw-away sandbox with a netlab in it, which does what it is asked. */
export interface Copy {
  /**
   * Does an operation there, and calls `on` with each of its events. Throws what it throws there: a UserError with its diagnostics,
   * or an Error that is a bug of netlab's.
   */
  readonly ask: <Name extends OperationName>(
    name: Name,
    input: Operations[Name]['input'],
    on?: (event: Operations[Name]['event']) => void,
  ) => Promise<Operations[Name]['result']>
  /** The process 1 of the sandbox. */
  readonly init: number
  /** Whether it has not ended. */
  readonly isOpen: () => boolean
  /** Whether it keeps this process running, as it does in the beginning. */
  readonly awake: (awake: boolean) => void
  /** Takes everything away; what is still asked for is rejected. May be called again. */
  readonly close: () => Promise<void>
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
  const { child } = apart
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
      ? UserError.of('copy-ended', 'the copy was closed')
      : UserError.of('copy-ended', 'the copy was ended from outside', apart.words().trim())
    for (const { reject } of asked.values()) reject(gone)
    asked.clear()
  })
  return {
    init: apart.init,
    isOpen: () => gone === undefined,
    awake: apart.awake,
    ask: (name, input, on = () => {}) =>
      new Promise((resolve, reject) => {
        if (gone) return reject(gone)
        const id = ++last
        asked.set(id, { on, resolve, reject })
        child.stdin.write(`${JSON.stringify({ id, do: name, input } satisfies Ask)}\n`)
      }),
    close: () => (closed ??= apart.end()),
  }
}

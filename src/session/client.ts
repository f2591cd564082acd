import { UserError } from '../model/diagnostic.ts'
import type { Apart, Host } from '../model/host.ts'
import { askOver, type Asking } from './conversation.ts'
import type { Operations } from './protocol.ts'

/** A netlab that does what it is asked. */
export interface Session {
  readonly ask: Asking<Operations>
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
  const { ask, listen, over } = askOver<Operations>(child.stdin, child.stdout)
  listen()
  let closed: Promise<void> | undefined
  let isOver = false
  child.once('close', () => {
    isOver = true
    over(
      closed
        ? UserError.of('copy-ended', `${what} was closed`)
        : UserError.of('copy-ended', `${what} was ended from outside`, its.words().trim()),
    )
  })
  return { isOpen: () => !isOver, ask, close: () => (closed ??= its.end()) }
}

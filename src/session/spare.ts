import type { Host } from '../model/host.ts'
import { openCopy, type Copy } from './client.ts'
import { UNUSED } from './protocol.ts'

/** Copies, of which one is kept ready: the next lab then need not wait until a node has started. */
export interface Copies {
  /** Opens a copy, or gives the one that is ready. Throws as `openCopy` does. */
  open(): Promise<Copy>
  /**
   * Has one ready for the next `open`. It does not keep this process running, ends with it, and ends by itself when nobody has
   * used it for a while.
   */
  prepare(): void
}

/** A copy that nobody uses yet. */
interface Spare {
  /** What it has taken over from this process and the machine when it was opened. */
  readonly from: string
  readonly since: number
  /** Undefined: it could not be opened. The next `open` says why. */
  readonly copy: Promise<Copy | undefined>
}

/** How long before its end a spare copy is not used any more, in milliseconds. */
const MARGIN = 10_000

/** The copies of a process. */
export function startCopies(host: Host): Copies {
  let spare: Spare | undefined
  const surroundings = (): string => JSON.stringify([process.cwd(), process.env, host.list('/run')])

  /** The spare copy, if it is as a new one would be. */
  async function taken(): Promise<Copy | undefined> {
    const { from, since, copy } = spare ?? {}
    spare = undefined
    const ready = await copy
    if (!ready?.isOpen()) return undefined
    ready.awake(true)
    if (from === surroundings() && Date.now() - since! < UNUSED - MARGIN) return ready
    void ready.close()
    return undefined
  }

  return {
    open: async () => (await taken()) ?? (await openCopy(host)),
    prepare() {
      spare ??= {
        ...{ from: surroundings(), since: Date.now() },
        copy: openCopy(host).then(
          (copy) => {
            copy.awake(false)
            return copy
          },
          () => undefined,
        ),
      }
    },
  }
}

import { HERE } from '../model/place.ts'
import type { Step } from '../model/change.ts'
import type { Host } from '../model/host.ts'
import type { Failure, Runner } from '../model/runner.ts'

const FOLDER = '/run/netns'

/** Namespaces that are kept open while they lose their names, until they are released. */
export interface Held {
  /** Gives back the names that were deleted meanwhile. Returns the failure, if there is one. */
  restore(): Promise<Failure | undefined>
  /** Closes the namespaces: the kernel now removes those without a name, all at once. */
  release(): void
}

/**
 * The names of the namespaces that these steps delete, if they can be held open meanwhile. Empty when they are more than a quarter
 * of the descriptors that this process may open (up to half are used for netlink: src/backend/netlink/libc.ts), or than half if the
 * plan does nothing else, and when it does not end with deleting them: a namespace of the same name, or the other end of a link,
 * that is created afterwards would collide with what is held.
 */
export function holdable(steps: readonly Step[], host: Host): readonly string[] {
  const names = steps.flatMap(({ operation }) => (operation.do === 'netns.delete' ? [operation.name] : []))
  if (names.length === 0 || steps.at(-1)?.operation.do !== 'netns.delete') return []
  const [, files = 1024] = /^Max open files +(\d+)/m.exec(host.readFile('/proc/self/limits') ?? '') ?? []
  const share = names.length === steps.length ? 2 : 4
  return names.length <= Number(files) / share ? names : []
}

/**
 * Opens namespaces that are about to lose their names (`holdable`), so that a failed run can restore them exactly, with all
 * counters. Undefined when `names` is empty.
 */
export function hold(names: readonly string[], runner: Runner): Held | undefined {
  if (names.length === 0) return undefined
  const held = names.flatMap((name) => {
    const file = runner.host.open(`${FOLDER}/${name}`)
    return file ? [{ name, file }] : []
  })
  return {
    async restore() {
      const inodes = new Map((await runner.list()).map(({ name, inode }) => [name, inode]))
      const folder = runner.host.status(FOLDER)?.device
      const lost = held.filter(
        // A file on the device of the folder itself is a plain file: no namespace was mounted on it.
        ({ name, file: { status } }) => status.device !== folder && inodes.get(name) !== status.inode,
      )
      return runner.run(
        [lost.map(({ name, file }) => ({ do: 'netns.name', place: HERE, file: file.path, name }))],
        () => {},
      )
    },
    release: () => held.forEach(({ file }) => file.close()),
  }
}

import { HERE } from '../model/place.ts'
import type { Step } from '../model/change.ts'
import type { Failure, Runner } from '../model/runner.ts'
import { thisMachine } from '../host/this-machine.ts'

const FOLDER = '/run/netns'

/** Namespaces that lose their names, and stay until they are released. */
export interface Held {
  /** Gives back the names that have been taken since. Returns what went wrong. */
  restore(): Promise<Failure | undefined>
  /** Those without a name go now, all together. */
  release(): void
}

/**
 * The namespaces whose names these steps take and that can be held meanwhile: all of them, or none where there are too many for
 * the descriptors that this process may have (half of them), and where something is made after them: what has the same name, or
 * the other end of a link, would still be there.
 */
export function holdable(steps: readonly Step[]): readonly string[] {
  const names = steps.flatMap(({ operation }) => (operation.do === 'netns.delete' ? [operation.name] : []))
  if (names.length === 0 || steps.at(-1)?.operation.do !== 'netns.delete') return []
  const [, files = 1024] = /^Max open files +(\d+)/m.exec(thisMachine.readFile('/proc/self/limits') ?? '') ?? []
  return names.length <= Number(files) / 2 ? names : []
}

/**
 * Holds namespaces that are about to lose their names (`holdable`), so that a run which fails can give them back as they were,
 * to the last counter. Undefined where there are none.
 */
export function hold(names: readonly string[], runner: Runner): Held | undefined {
  if (names.length === 0) return undefined
  const held = names.flatMap((name) => {
    const file = thisMachine.open(`${FOLDER}/${name}`)
    return file ? [{ name, file }] : []
  })
  return {
    async restore() {
      const inodes = new Map((await runner.list()).map(({ name, inode }) => [name, inode]))
      const folder = thisMachine.status(FOLDER)?.device
      const lost = held.filter(
        // A plain file is no namespace.
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

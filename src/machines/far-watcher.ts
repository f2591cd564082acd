import type { Seen, Watcher } from '../commands/watcher.ts'
import { NEAR } from '../model/other-machine.ts'
import type { Peer } from './connect.ts'

/** Begins to watch the part of the lab on a machine. Throws a UserError as opening a watcher does, and when the machine is lost. */
export async function farWatcher(peer: Peer): Promise<Watcher> {
  let last: Seen = { looking: true }
  let tell = (seen: Seen): void => void (last = seen)
  let ended: Promise<unknown> | undefined
  await new Promise<void>((opened, failed) => {
    ended = peer.ask('look', null, (seen) => {
      opened()
      tell(placed(seen, peer.name))
    })
    ended.catch(failed)
  })
  return {
    async run(see) {
      see(last)
      tell = see
      await ended
    },
    ask: () => void peer.ask('lookAgain', null).catch(() => {}),
    close: () => void peer.close(),
  }
}

/** What was seen, with the name of the machine. */
const placed = (seen: Seen, machine: string): Seen =>
  'changes' in seen && machine !== NEAR
    ? { ...seen, changes: seen.changes.map((change) => ({ ...change, machine })) }
    : seen

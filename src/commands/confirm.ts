import { onAll } from '../machines/all-peers.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { OpenedFile } from './change-machines.ts'
import { locate, recorded, type LocateOptions } from './locate.ts'
import { openLocated } from './open-located.ts'
import { out } from './terminal.ts'
import { revertDoor } from './unconfirmed.ts'

interface Options extends LocateOptions {
  readonly skipMachine?: readonly string[]
}

/** `netlab confirm`: keeps what was applied with --revert-after, of a lab that its name or its file names. Returns 0. */
export async function confirmApply(host: Host, argument: string, options: Options): Promise<number> {
  let name = argument
  let confirmed = await host.knock(revertDoor(name))
  const located = confirmed ? undefined : locate(argument, options)
  if (located && 'file' in located) {
    const file = recorded(located)
    const opened = openLocated(file, host, { lint: false })
    name = opened?.name ?? name
    confirmed = opened?.machines
      ? await confirmOnMachines(host, { located: file, opened }, options)
      : await host.knock(revertDoor(name))
  }
  if (!confirmed) throw nothing(name, host.isLocked(revertDoor(name, true)))
  out(`Lab ${name} stays as it is.\n`)
  return 0
}

const nothing = (name: string, hasParts: boolean): UserError =>
  UserError.of(
    'nothing-to-confirm',
    `nothing of lab ${name} waits to be confirmed`,
    hasParts
      ? 'It is on several machines, which its file names: netlab confirm FILE'
      : 'It may have been taken back already: netlab plan shows it.',
  )

/** Keeps what was applied on all machines; false when it waits on none. Throws a UserError when it does not wait on all of them. */
async function confirmOnMachines(
  host: Host,
  { located, opened }: OpenedFile,
  { skipMachine }: Options,
): Promise<boolean> {
  const { openMachines } = await import('./open-machines.ts')
  const { peers, close } = await openMachines(host, located, opened, { skip: skipMachine, isBare: true })
  try {
    const waiting = [...(await onAll(peers, (peer) => peer.ask('waits', null)))]
    const gone = waiting.flatMap(([name, waits]) => (waits ? [] : [name]))
    if (gone.length === waiting.length) return false
    if (gone.length === 0) {
      const kept = [...(await onAll(peers, (peer) => peer.ask('dismiss', null)))]
      gone.push(...kept.flatMap(([name, isKept]) => (isKept ? [] : [name])))
    }
    if (gone.length === 0) return true
    throw UserError.of(
      'nothing-to-confirm',
      `nothing of lab ${opened.name} waits to be confirmed on ${gone.join(', ')}`,
      'It may have been taken back there already: netlab plan shows it.',
    )
  } finally {
    await close()
  }
}

import type { Server } from 'node:net'
import { UserError } from '../../model/diagnostic.ts'
import { connect, serve } from './sockets.ts'

/** How often a waiting run looks again, and how long it waits for the holder to say who it is, in milliseconds. */
const [INTERVAL, PATIENCE] = [100, 500]

let held: number | undefined

/**
 * The descriptor of the lock that this run has. The programs that it starts have it too: when the run is killed, the lock
 * is free only when they have ended, and have changed what they were about to change.
 */
export const lockDescriptor = (): number | undefined => held

/**
 * One writer per lab. The lock is an abstract Unix socket (unix(7)): the kernel gives it to one process, takes it back
 * when that process ends however it ends, and leaves no file. It is local to the network namespace netlab runs in, as
 * the names of labs are. Returns what releases it.
 */
export async function lock(lab: string, timeout: number, waiting: (holder: string) => void): Promise<() => void> {
  const me = `process ${process.pid}, netlab ${process.argv.slice(2).join(' ')}`
  const until = Date.now() + timeout
  for (let told = false; ; told = true) {
    // The lock alone must not keep a run from ending.
    const server = await serve(lab, (client) => client.on('error', () => {}).end(me))
    if (server) {
      held = descriptorOf(server)
      return () => {
        held = undefined
        server.close()
      }
    }
    const holder = await ask(lab)
    if (Date.now() >= until)
      throw UserError.of(
        'lab-locked',
        `lab ${lab} is being changed by another run${holder && ` (${holder})`}`,
        'Wait for it to end, with the programs that it has started, or give --lock-timeout SECONDS more.',
      )
    if (!told) waiting(holder)
    await new Promise((resolve) => setTimeout(resolve, INTERVAL))
  }
}

/** Node has no other way to it. */
const descriptorOf = (server: Server): number | undefined => (server as { _handle?: { fd?: number } })._handle?.fd

/** What the holder says of itself; empty when it is gone by now, and when only programs that it started have the lock. */
function ask(lab: string): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(lab)
    socket
      .setTimeout(PATIENCE, () => socket.destroy())
      .on('data', (data) => (text += data.toString()))
      .on('error', () => resolve(text))
      .on('close', () => resolve(text))
  })
}

import type { Server } from 'node:net'
import { UserError } from '../../model/diagnostic.ts'
import { connect, serve } from './sockets.ts'

/** How often a waiting run tries again, and how long it waits for the holder's description, in milliseconds. */
const [INTERVAL, PATIENCE] = [100, 500]

let held: number | undefined

/**
 * The descriptor of this run's lock; undefined without one. Programs that netlab starts inherit it, so that after a kill the lock
 * is free only when they, too, have ended and change nothing any more.
 */
export const lockDescriptor = (): number | undefined => held

/**
 * Takes the lock of a lab (`Host.lock`). It is an abstract Unix socket (unix(7)): the kernel gives its name to one process,
 * frees it when that process ends in any way, and leaves no file. It is local to the network namespace in which netlab runs,
 * as the names of labs are. Returns the function that releases it.
 */
export async function lock(lab: string, timeout: number, waiting: (holder: string) => void): Promise<() => void> {
  const me = `process ${process.pid}, netlab ${process.argv.slice(2).join(' ')}`
  const until = Date.now() + timeout
  for (let told = false; ; told = true) {
    // `serve` unrefs the server, so that the lock does not keep the process alive.
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

/** The file descriptor of a server, for which Node has no public interface. */
const descriptorOf = (server: Server): number | undefined => (server as { _handle?: { fd?: number } })._handle?.fd

/** The holder's description of itself; empty when it has ended, and when only programs that it started have the lock. */
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

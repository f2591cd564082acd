import { createRequire } from 'node:module'
import type * as Net from 'node:net'

// Most runs need no socket, and node takes milliseconds to load them.
const net = (): typeof Net => createRequire(__filename)('node:net') as typeof Net

/** Where abstract Unix sockets (unix(7)) of netlab are: they leave no file, and are local to the network namespace. */
const address = (name: string): string => `\0netlab/${name}`

/** A server at this address that keeps nobody from ending; undefined when somebody has it. */
export function serve(name: string, answer: (client: Net.Socket) => void): Promise<Net.Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = net().createServer(answer)
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    )
    server.listen(address(name), () => resolve(server.unref()))
  })
}

/** A connection to whoever is at this address. */
export const connect = (name: string): Net.Socket => net().connect(address(name))

export function knock(door: string): Promise<boolean> {
  return new Promise((resolve) => {
    connect(door)
      .once('error', () => resolve(false))
      .once('close', (failed: boolean) => !failed && resolve(true))
      .resume()
  })
}

export function waitForKnock(door: string, timeout: number, ready: () => void): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const finish = (knocked: boolean): void => {
      clearTimeout(timer)
      server.close() // before anybody hears of it: the next one who waits takes the address
      resolve(knocked)
    }
    const timer = setTimeout(() => finish(false), timeout)
    const server = net().createServer((client) => {
      finish(true)
      client.end()
    })
    server.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    server.listen(address(door), ready)
  })
}

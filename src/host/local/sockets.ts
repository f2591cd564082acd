import { createRequire } from 'node:module'
import type * as Net from 'node:net'

// Loaded on demand: most runs need no socket, and loading takes Node milliseconds.
const net = (): typeof Net => createRequire(__filename)('node:net') as typeof Net

/** The address of an abstract Unix socket (unix(7)): it leaves no file and is local to the network namespace. */
const address = (name: string): string => `\0netlab/${name}`

/** Opens a server that does not keep the process alive; undefined when another process has the address. */
export function serve(name: string, answer: (client: Net.Socket) => void): Promise<Net.Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = net().createServer(answer)
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    )
    server.listen(address(name), () => resolve(server.unref()))
  })
}

/** Connects to the server at this address. */
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
      server.close() // first, so that the address is free for the next process that waits
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

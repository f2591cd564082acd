import { createRequire } from 'node:module'
import type * as Net from 'node:net'
import { readFile } from './files.ts'

// Loaded on demand: most runs need no socket, and loading takes Node milliseconds.
const net = (): typeof Net => createRequire(__filename)('node:net') as typeof Net

/** The length of an address, in bytes: all of `sun_path` (unix(7)). */
const LENGTH = 108

/**
 * The address of an abstract Unix socket (unix(7)): it leaves no file and is local to the network namespace. To the kernel, zeros at
 * its end are part of it; some versions of Node fill the address with them (20.20.2 does, with libuv 1.46), others do not.
 */
function address(name: string): string {
  const begun = `\0netlab/${name}`
  return begun + '\0'.repeat(Math.max(0, LENGTH - Buffer.byteLength(begun)))
}

/** Whether a process has this address. */
export const isServed = (name: string): boolean =>
  // The kernel writes each 0 of an abstract address as @ (unix_seq_show in net/unix/af_unix.c).
  readFile('/proc/net/unix')?.includes(` ${address(name).replaceAll('\0', '@')}\n`) === true

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

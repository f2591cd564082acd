import { createRequire } from 'node:module'
import type * as Koffi from 'koffi'
import { parallel } from '../host/parallel.ts'

/** As many threads as libuv's pool has. */
const AT_ONCE = 4

/**
 * Closes sockets in threads, several at the same time: of some, the kernel waits for all processors each time (synchronize_net in
 * net/core/dev.c), about 20 ms.
 */
export const closeAll = (closers: readonly (() => Promise<void>)[]): Promise<void> =>
  parallel(closers, AT_ONCE, (close) => close())

/** A function that closes a descriptor in a thread of libuv's pool. `koffi` is the file of that package. */
export function closerAside(koffi: string): (fd: number) => Promise<void> {
  const close = (createRequire(__filename)(koffi) as typeof Koffi).load('libc.so.6').func('int close(int)')
  return (fd) => new Promise((done) => void close.async(fd, () => done()))
}

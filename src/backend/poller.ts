import { createRequire } from 'node:module'
import type * as Koffi from 'koffi'

/** Waits for any of many files at once, without keeping the thread busy. */
export interface Poller {
  /** Waits for this descriptor too, until it is closed. False: it cannot be waited for, as a file on a disk. */
  readonly add: (fd: number, onlyErrors?: boolean) => boolean
  readonly remove: (fd: number) => void
  /** The descriptors that can be read or have failed, after at most `timeout` ms (-1: for ever), or as soon as `wake` is called. */
  readonly wait: (timeout: number) => Promise<readonly number[]>
  readonly wake: () => void
  /** Closes it; nobody may wait any more. */
  readonly close: () => void
}

const [EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLIN] = [0o2000000, 1, 2, 1]
const EFD_NONBLOCK = 0o4000
/** struct epoll_event (epoll_event(3type)) is packed on x86-64 only. */
const [SIZE, DATA] = process.arch === 'x64' ? [12, 4] : [16, 8]

/** Opens a poller: epoll(7), in a thread of libuv's pool. `koffi` is the file of that package. Throws when it cannot be loaded. */
export function openPoller(koffi: string): Poller {
  const library = (createRequire(__filename)(koffi) as typeof Koffi).load('libc.so.6')
  const create = library.func('int epoll_create1(int)') as (flags: number) => number
  const control = library.func('int epoll_ctl(int, int, int, void *)') as (...args: unknown[]) => number
  const epollWait = library.func('int epoll_wait(int, void *, int, int)')
  const eventfd = library.func('int eventfd(uint, int)') as (...args: unknown[]) => number
  const write = library.func('long write(int, void *, size_t)') as (...args: unknown[]) => number
  const read = library.func('long read(int, void *, size_t)') as (...args: unknown[]) => number
  const close = library.func('int close(int)') as (fd: number) => number

  const epoll = create(EPOLL_CLOEXEC)
  const bell = eventfd(0, EPOLL_CLOEXEC | EFD_NONBLOCK)
  const ring = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])
  let count = 0
  let events = Buffer.alloc(0)

  const add: Poller['add'] = (fd, onlyErrors = false) => {
    const event = Buffer.alloc(SIZE)
    event.writeUInt32LE(onlyErrors ? 0 : EPOLLIN, 0) // errors are reported always
    event.writeInt32LE(fd, DATA)
    const added = control(epoll, EPOLL_CTL_ADD, fd, event) === 0
    if (added) count++
    return added
  }
  const wake = (): void => void write(bell, ring, ring.length)
  add(bell)
  // Node waits for the threads of the pool before it exits.
  process.on('exit', wake)
  return {
    add,
    remove(fd) {
      if (control(epoll, EPOLL_CTL_DEL, fd, Buffer.alloc(SIZE)) === 0) count--
    },
    wait(timeout) {
      if (events.length < count * SIZE) events = Buffer.alloc(2 * count * SIZE)
      return new Promise((resolve) => {
        epollWait.async(epoll, events, count, timeout, (_error: unknown, found: number) => {
          const ready: number[] = []
          for (let i = 0; i < found; i++) {
            const fd = events.readInt32LE(i * SIZE + DATA)
            if (fd === bell) read(bell, Buffer.alloc(8), 8)
            else ready.push(fd)
          }
          resolve(ready)
        })
      })
    },
    wake,
    close() {
      process.off('exit', wake)
      close(bell)
      close(epoll)
    },
  }
}

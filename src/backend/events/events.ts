import { createRequire } from 'node:module'
import type * as Koffi from 'koffi'
import { openSystem } from '../netlink/libc.ts'
import { openPoller } from '../poller.ts'
import { netlinkSockets, type Ignoring } from './notifications.ts'

/** What has happened since the last time. */
export interface Happenings {
  /** The namespaces in which something may have changed, by their names under /run/netns or paths; undefined: where netlab runs. */
  readonly namespaces: ReadonlySet<string | undefined>
  /** A process has ended. */
  readonly ended: boolean
  /** Something was mounted or unmounted, or a name in a watched folder has changed: perhaps that of a namespace, or a file. */
  readonly names: boolean
}

/** The kernel's own reports of changes. */
export interface Events {
  /** Listens in a namespace from now on, if it can be entered. Holds it in existence until `leave` is called. */
  readonly join: (netns: string | undefined) => boolean
  readonly leave: (netns: string | undefined) => void
  /** What need not be reported of a namespace, because nothing there is compared with it. */
  readonly ignore: (netns: string | undefined, what: Ignoring) => void
  /** Waits for exactly these processes to end. */
  readonly processes: (pids: ReadonlySet<number>) => void
  /** Watches exactly these folders for names that come, go or are written to. */
  readonly folders: (paths: ReadonlySet<string>) => void
  /** What has happened, or undefined if nothing did within `timeout` ms (-1: for ever), or before `wake` was called. */
  readonly next: (timeout: number) => Promise<Happenings | undefined>
  readonly wake: () => void
  /** Ends the reports. Nobody may wait for any then. */
  readonly close: () => void
}

const [O_RDONLY, O_CLOEXEC, SYS_PIDFD_OPEN] = [0, 0o2000000, 434]
const IN_NONBLOCK = 0o4000
/** inotify(7): written and closed, attributes, names that come, go and change. Not every write: logs are in such folders too. */
const CHANGES = 0x8 | 0x4 | 0x100 | 0x200 | 0x40 | 0x80

/** Opens the way to the kernel's reports, through koffi. Throws where that is not installed or does not work. */
export function openEvents(): Events {
  const koffi = createRequire(__filename).resolve('koffi')
  const system = openSystem(koffi)
  const { libc } = system
  const poller = openPoller(koffi)
  const more = moreCalls(koffi)
  const sockets = netlinkSockets(system)
  const spaces = new Map<string | undefined, readonly number[]>()
  const owners = new Map<number, string | undefined>()
  const pidfds = new Map<number, number>()
  const endedFds = new Set<number>()
  const inotify = more.inotifyInit(O_CLOEXEC | IN_NONBLOCK)
  const watched = new Map<string, number>()
  const mounts = libc.open('/proc/self/mountinfo', O_RDONLY | O_CLOEXEC, 0)
  const names = Buffer.alloc(1 << 16)
  let woken = false
  poller.add(inotify)
  poller.add(mounts, true) // proc_pid_mountinfo(5): an error stands for a change

  function drop(fd: number): void {
    poller.remove(fd)
    libc.close(fd)
  }

  function look(ready: readonly number[]): Happenings | undefined {
    const changed = new Set<string | undefined>()
    let [ended, named] = [false, false]
    for (const fd of ready) {
      if (owners.has(fd)) {
        const netns = owners.get(fd)
        if (sockets.drain(fd)) changed.add(netns)
      } else if (fd === inotify) {
        while (libc.read(inotify, names, names.length) > 0) named = true
      } else if (fd === mounts) named = true
      else {
        poller.remove(fd) // it stays readable
        endedFds.add(fd)
        ended = true
      }
    }
    return changed.size || ended || named ? { namespaces: changed, ended, names: named } : undefined
  }

  const leave: Events['leave'] = (netns) => {
    for (const fd of spaces.get(netns) ?? []) {
      owners.delete(fd)
      sockets.forget(fd)
      drop(fd)
    }
    spaces.delete(netns)
  }

  return {
    join(netns) {
      leave(netns)
      try {
        if (!system.enter(netns)) return false
        const opened = sockets.open()
        for (const fd of opened) {
          owners.set(fd, netns)
          poller.add(fd)
        }
        spaces.set(netns, opened)
        return true
      } finally {
        system.back()
      }
    },
    leave,
    ignore: (netns, what) => spaces.get(netns)?.forEach((fd) => sockets.ignore(fd, what)),
    processes(pids) {
      for (const [pid, fd] of pidfds)
        if (!pids.has(pid) || endedFds.has(fd)) {
          drop(fd)
          endedFds.delete(fd)
          pidfds.delete(pid)
        }
      for (const pid of pids) {
        if (pidfds.has(pid)) continue
        const fd = more.syscall(SYS_PIDFD_OPEN, pid, 0)
        if (fd < 0) continue // it has ended: whoever has looked before this looks again
        pidfds.set(pid, fd)
        poller.add(fd)
      }
    },
    folders(paths) {
      for (const [path, watch] of watched)
        if (!paths.has(path)) {
          more.inotifyRemove(inotify, watch)
          watched.delete(path)
        }
      for (const path of paths) {
        if (watched.has(path)) continue
        const watch = more.inotifyAdd(inotify, path, CHANGES)
        if (watch >= 0) watched.set(path, watch)
      }
    },
    wake() {
      woken = true
      poller.wake()
    },
    close() {
      for (const netns of [...spaces.keys()]) leave(netns)
      for (const fd of [...pidfds.values(), inotify, mounts]) libc.close(fd)
      poller.close()
    },
    async next(timeout) {
      const until = timeout < 0 ? Infinity : Date.now() + timeout
      for (;;) {
        const left = until === Infinity ? -1 : Math.max(0, until - Date.now())
        const ready = await poller.wait(left)
        const found = look(ready)
        if (found || woken || (ready.length === 0 && left >= 0 && Date.now() >= until)) {
          woken = false
          return found
        }
      }
    },
  }
}

/** The system calls that only events need. */
function moreCalls(path: string) {
  const library = (createRequire(__filename)(path) as typeof Koffi).load('libc.so.6')
  const call = (signature: string) => library.func(signature) as (...args: unknown[]) => number
  return {
    inotifyInit: call('int inotify_init1(int)'),
    inotifyAdd: call('int inotify_add_watch(int, str, uint32_t)'),
    inotifyRemove: call('int inotify_rm_watch(int, int)'),
    syscall: call('long syscall(long, long, long)'),
  }
}

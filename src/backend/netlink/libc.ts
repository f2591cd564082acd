import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type * as Koffi from 'koffi'
import { fileOf } from '../../model/place.ts'

/** A network namespace that the thread can be in, and its netlink sockets by protocol. */
interface Space {
  readonly fd: number
  readonly sockets: Map<number, number>
  /** A context of libnftables, which is of this namespace. */
  nft?: { readonly context: unknown; readonly close: () => void }
}

type Call =
  | ('unshare' | 'setns' | 'socket' | 'setsockopt' | 'bind' | 'send' | 'recv' | 'ioctl')
  | ('open' | 'openat' | 'read' | 'write' | 'close' | 'flock' | 'mkdir' | 'unlink' | 'mount' | 'umount2' | 'linkat')

/** What `nft` does with these lines, in the namespace that the thread is in. */
type Nft = (
  lines: string,
  flags: number,
) => { readonly failed: boolean; readonly output: string; readonly error: string }

/** The system calls of the thread. Names of namespaces are those under /run/netns, or paths; undefined: where netlab runs. */
export interface System {
  /** The calls by name. A negative result: it failed, and `errno` and `error` say why. */
  readonly libc: Readonly<Record<Call, (...args: unknown[]) => number>>
  /** The call's result. Throws when it fails: for what nobody can do anything about. */
  readonly call: (name: Call, ...args: unknown[]) => number
  readonly errno: () => number
  /** What went wrong last, or what an error number means. */
  readonly error: (errno?: number) => string
  /** A descriptor of the namespace, to be used at once; negative: there is none of that name. */
  readonly descriptor: (netns: string | undefined) => number
  /** Puts the thread into the namespace; false: it cannot be entered. */
  readonly enter: (netns: string | undefined) => boolean
  /** Puts the thread into a new namespace. */
  readonly unshare: () => boolean
  /** Puts the thread into the namespace of a descriptor, which is closed. */
  readonly occupy: (fd: number) => boolean
  /** How many descriptors may be open besides those of the namespaces that are worked in. */
  readonly limit: number
  /**
   * Makes room for so many descriptors. The kernel doubles the table as it fills, and where there are several threads it
   * waits for all processors each time (expand_fdtable in fs/file.c): measured, 23 ms on the way to a thousand.
   */
  readonly reserve: (count: number) => void
  /** A new socket in the namespace that the thread is in; not closed by `back`. Negative: the kernel has none of these. */
  readonly open: (protocol: number) => number
  /** The socket of the namespace; negative: it cannot be entered, or the kernel has no such sockets. */
  readonly socket: (netns: string | undefined, protocol: number) => number
  /** Opens a file under /proc, as the namespace that the thread is in has it; negative: it cannot be opened. */
  readonly openProc: (path: string, flags: number) => number
  /** Receives one datagram. */
  readonly receive: (socket: number, into: Uint8Array) => number
  /** libnftables, loaded on first use; undefined where it is not installed. */
  readonly nft: () => Nft | undefined
  /** Closes what is open of the namespace. */
  readonly forget: (netns: string) => void
  /** Puts the thread back where netlab runs, and closes everything soon afterwards. */
  readonly back: () => void
}

/** The names under /run/netns, sorted; some may be plain files that a crash has left. */
export const namespaceNames = (): string[] => (existsSync('/run/netns') ? readdirSync('/run/netns').sort() : [])

/**
 * Loads the C library through koffi, from the path that is given. Throws where that does not work, or where this process
 * may not change network namespaces (setns(2) to its own).
 */
export function openSystem(path: string): System {
  const CLONE_NEWNET = 0x40000000
  const [O_RDONLY, O_CLOEXEC, AF_NETLINK, SOCK_RAW, SOL_NETLINK] = [0, 0o2000000, 16, 3, 270]
  const [SOL_SOCKET, SO_RCVTIMEO] = [1, 20]
  /** timeval: the kernel answers before send(2) returns; what has no answer after ten seconds has none. */
  const patience = Buffer.from([10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  const one = Buffer.from([1, 0, 0, 0])
  /** linux/netlink.h: short answers, the kernel's own words, and requests taken literally. */
  const options = [10 /* CAP_ACK */, 11 /* EXT_ACK */, 12 /* GET_STRICT_CHK */]
  const [EINTR, F_DUPFD_CLOEXEC] = [4, 1030]
  /** How many namespaces may stay open for a while, and for how long, in milliseconds. */
  const [FEW, FORGETTING] = [8, 100]

  const koffi = createRequire(__filename)(path) as typeof Koffi
  const library = koffi.load('libc.so.6')
  const signatures = [
    ...['int unshare(int)', 'int setns(int, int)', 'int socket(int, int, int)', 'int close(int)'],
    ...['int setsockopt(int, int, int, void *, int)', 'int ioctl(int, ulong, void *)', 'int flock(int, int)'],
    'int bind(int, void *, int)',
    ...['long send(int, void *, size_t, int)', 'long recv(int, void *, size_t, int)'],
    ...['int open(str, int, int)', 'long read(int, void *, size_t)', 'long write(int, void *, size_t)'],
    'int openat(int, str, int, int)',
    ...['int mount(str, str, str, ulong, void *)', 'int umount2(str, int)', 'int unlink(str)', 'int mkdir(str, int)'],
    'int linkat(int, str, int, str, int)',
  ]
  const libc = Object.fromEntries(
    signatures.map((signature) => [/(\w+)\(/.exec(signature)?.[1], library.func(signature)]),
  ) as unknown as System['libc']
  const duplicate = library.func('int fcntl(int, int, int)')
  const strerror = library.func('str strerror(int)') as (errno: number) => string

  // Not every C library has functions for these (fsopen(2), fsconfig(2), fsmount(2)); their numbers are the same everywhere.
  const fsopen = library.func('long syscall(long, str, long)') as (...args: unknown[]) => number
  const fsconfig = library.func('long syscall(long, long, long, void *, void *, long)') as typeof fsopen
  const fsmount = library.func('long syscall(long, long, long, long)') as typeof fsopen

  /** libnftables(3): a context is of the namespace that it was made in. */
  function openNft(): Nft | undefined {
    let nftables: ReturnType<typeof koffi.load>
    try {
      nftables = koffi.load('libnftables.so.1')
    } catch {
      return undefined
    }
    const make = nftables.func('void *nft_ctx_new(uint32_t)')
    const free = nftables.func('void nft_ctx_free(void *)')
    const keepOutput = nftables.func('int nft_ctx_buffer_output(void *)')
    const keepErrors = nftables.func('int nft_ctx_buffer_error(void *)')
    const setFlags = nftables.func('void nft_ctx_output_set_flags(void *, uint)')
    const runLines = nftables.func('int nft_run_cmd_from_buffer(void *, str)')
    const output = nftables.func('str nft_ctx_get_output_buffer(void *)')
    const errors = nftables.func('str nft_ctx_get_error_buffer(void *)')
    return (lines, flags) => {
      const here = current
      const context = here?.nft?.context ?? (make(0) as unknown)
      if (here) here.nft ??= { context, close: () => void free(context) }
      try {
        keepOutput(context)
        keepErrors(context)
        setFlags(context, flags)
        const failed = runLines(context, lines) !== 0
        return { failed, output: String(output(context)), error: String(errors(context)) }
      } finally {
        if (!here) free(context)
      }
    }
  }
  let nft: { readonly opened: Nft | undefined } | undefined

  const errno = (): number => koffi.errno()
  const error: System['error'] = (number = errno()) => strerror(number)
  const call: System['call'] = (name, ...args) => {
    const result = libc[name](...args)
    if (result < 0) throw new Error(`${name}: ${error()}`)
    return result
  }

  // A quarter of what may be open at once: as much is for another thread, and half for whatever else the process does.
  const files = Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 1024)
  const limit = Math.floor(files / 4)
  const most = Math.max(16, Math.floor(limit / 4)) // a descriptor and three sockets each
  const home: Space = { fd: call('open', '/proc/thread-self/ns/net', O_RDONLY | O_CLOEXEC, 0), sockets: new Map() }
  const spaces = new Map<string, Space>()
  let current: Space | undefined
  call('setns', home.fd, CLONE_NEWNET)

  function space(netns: string | undefined): Space | undefined {
    if (netns === undefined) return home
    const known = spaces.get(netns)
    if (known) return known
    const fd = libc.open(fileOf(netns), O_RDONLY | O_CLOEXEC, 0)
    if (fd < 0) return undefined
    const [oldest] = spaces.keys()
    if (spaces.size >= most && oldest !== undefined) forget(oldest)
    const result = { fd, sockets: new Map<number, number>() }
    spaces.set(netns, result)
    return result
  }

  const closeSockets = (space: Space): void => {
    for (const socket of space.sockets.values()) libc.close(socket)
    space.sockets.clear()
    space.nft?.close()
    delete space.nft
  }

  function forget(netns: string): void {
    const known = spaces.get(netns)
    if (!known) return
    closeSockets(known)
    libc.close(known.fd)
    spaces.delete(netns)
    if (current === known) current = undefined
  }

  function enterSpace(to: Space): boolean {
    if (current === to) return true
    if (libc.setns(to.fd, CLONE_NEWNET) < 0) return false
    current = to
    users++
    return true
  }

  function open(protocol: number): number {
    const fd = libc.socket(AF_NETLINK, SOCK_RAW | O_CLOEXEC, protocol)
    if (fd < 0) return fd
    for (const option of options) libc.setsockopt(fd, SOL_NETLINK, option, one, one.length)
    call('setsockopt', fd, SOL_SOCKET, SO_RCVTIMEO, patience, patience.length)
    return fd
  }

  /**
   * A /proc of our own, mounted nowhere, for a few namespaces at a time: the kernel looks a file under /proc/sys/net up
   * among those of that name of all namespaces that were ever looked at there, one after the other.
   */
  const SHARE = 32
  let proc = -1
  let users = 0
  function ownProc(): number {
    if (proc >= 0 && users < SHARE) return proc
    if (proc >= 0) libc.close(proc)
    users = 0
    const context = fsopen(430, 'proc', 1 /* FSOPEN_CLOEXEC */)
    const made = context >= 0 && fsconfig(431, context, 6 /* FSCONFIG_CMD_CREATE */, null, null, 0) >= 0
    proc = made ? fsmount(432, context, 1 /* FSMOUNT_CLOEXEC */, 0) : -1
    if (context >= 0) libc.close(context)
    // Where a process may not have its own (in some containers), there is the one that everybody has.
    if (proc < 0) proc = call('open', '/proc', O_RDONLY | O_CLOEXEC, 0)
    return proc
  }

  return {
    nft: () => (nft ??= { opened: openNft() }).opened,
    libc,
    call,
    errno,
    error,
    descriptor: (netns) => space(netns)?.fd ?? -1,
    enter(netns) {
      const to = space(netns)
      return to !== undefined && enterSpace(to)
    },
    unshare() {
      if (libc.unshare(CLONE_NEWNET) < 0) return false
      current = undefined
      return true
    },
    occupy(fd) {
      const entered = libc.setns(fd, CLONE_NEWNET) >= 0
      libc.close(fd)
      if (entered) current = undefined
      return entered
    },
    limit,
    reserve(count) {
      // In another thread: most of that time is waiting.
      duplicate.async(home.fd, F_DUPFD_CLOEXEC, Math.min(count, limit), (_: unknown, last: number) => {
        if (last >= 0) libc.close(last)
      })
    },
    open,
    socket(netns, protocol) {
      const of = space(netns)
      const known = of?.sockets.get(protocol)
      if (known !== undefined) return known
      if (!of || !enterSpace(of)) return -1
      const fd = open(protocol)
      if (fd >= 0) of.sockets.set(protocol, fd)
      return fd
    },
    openProc: (path, flags) => libc.openat(ownProc(), path, flags | O_CLOEXEC, 0),
    receive(socket, into) {
      for (;;) {
        const length = libc.recv(socket, into, into.length, 0)
        if (length >= 0 || errno() !== EINTR) return length
      }
    },
    forget,
    back() {
      const left = [...spaces.values(), { ...home, sockets: new Map(home.sockets) }]
      spaces.clear()
      home.sockets.clear()
      delete home.nft
      const close = (): void => {
        left.forEach(closeSockets)
        for (const { fd } of left) if (fd !== home.fd) libc.close(fd)
      }
      // A socket of nftables takes 10 ms to close as long as the kernel forgets what was deleted (docs/kernel.md).
      if (left.length <= FEW && left.some(({ nft }) => nft)) setTimeout(close, FORGETTING).unref()
      else close()
      if (proc >= 0) libc.close(proc)
      proc = -1
      call('setns', home.fd, CLONE_NEWNET)
      current = home
    },
  }
}

import type { System } from './libc.ts'
import { attribute, encode, toU32, type Patch, type Slice } from './message.ts'
import type { Fault, Job, Reply, Request, Store } from './thread-protocol.ts'

/**
 * What carries out the jobs of a run, one after the other, until one fails or the run is stopped.
 */
export function performer(
  system: System,
): (request: Extract<Request, { kind: 'run' }>, reply: (r: Reply) => void) => void {
  const { libc, call, error } = system
  const FOLDER = '/run/netns'
  const HERE = '/proc/thread-self/ns/net'
  const [O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_CLOEXEC, O_TMPFILE] = [0, 1, 0o100, 0o200, 0o2000000, 0o20200000]
  const [AT_FDCWD, AT_SYMLINK_FOLLOW] = [-100, 0x400]
  const [MS_BIND, MS_REC, MS_SHARED, MNT_DETACH, LOCK_EX] = [0x1000, 0x4000, 0x100000, 2, 2]
  const [NLM_F_ACK, NLMSG_ERROR, NLM_F_ACK_TLVS, NLMSGERR_ATTR_MSG] = [4, 2, 0x200, 1]
  const NETLINK_ROUTE = 0
  const [RTM_NEWLINK, RTM_GETLINK, IFLA_EXT_MASK, SKIP_STATS, IFF_UP, LOOPBACK] = [16, 18, 29, 8, 1, 1]
  /** ifinfomsg behind nlmsghdr, in bytes. */
  const [INDEX, FLAGS, CHANGE] = [20, 24, 28]
  const SIOCGIFINDEX = 0x8933
  /** Milliseconds between two reports of progress. */
  const INTERVAL = 50

  const received = Buffer.alloc(1 << 15)
  const ifreq = Buffer.alloc(40)
  /** The request for one interface, whose index goes where RTM_NEWLINK has it, too: without statistics. */
  const oneLink = Buffer.from(
    encode({
      ...{ type: RTM_GETLINK, flags: 0, header: new Uint8Array(16) },
      attributes: [attribute(IFLA_EXT_MASK, toU32(SKIP_STATS))],
    }).bytes,
  )

  /** Sends a message and waits for the answer. */
  function exchange(socket: number, message: Buffer): Fault | undefined {
    message.writeUInt16LE(message.readUInt16LE(6) | NLM_F_ACK, 6)
    if (libc.send(socket, message, message.length, 0) < 0) return { at: 'kernel', error: error() }
    do {
      if (system.receive(socket, received) < 0) return { at: 'kernel', error: error() }
    } while (received.readUInt16LE(4) !== NLMSG_ERROR)
    const errno = -received.readInt32LE(16)
    return errno === 0 ? undefined : { at: 'kernel', error: error(errno), ...words() }
  }

  /** The kernel's own words, in the attributes behind an answer. */
  function words(): { extack?: string } {
    if ((received.readUInt16LE(6) & NLM_F_ACK_TLVS) === 0) return {}
    const end = received.readUInt32LE(0)
    // The answer proper ends with the header of what was asked, without the rest of it (NETLINK_CAP_ACK).
    for (let at = 36; at + 4 <= end; at += (received.readUInt16LE(at) + 3) & ~3)
      if (received.readUInt16LE(at + 2) === NLMSGERR_ATTR_MSG)
        return { extack: received.toString('utf8', at + 4, at + received.readUInt16LE(at) - 1) }
    return {}
  }

  /**
   * Makes the kernel act at once on the carrier of an interface that the message has set up, as Linux 6.8 and newer do when one
   * interface is asked for. By itself it may act a second later (docs/kernel.md).
   */
  function settle(socket: number, message: Buffer): void {
    if (message.readUInt16LE(4) !== RTM_NEWLINK) return
    const index = message.readInt32LE(INDEX)
    const isUp = (message.readUInt32LE(FLAGS) & message.readUInt32LE(CHANGE) & IFF_UP) !== 0
    if (!isUp || index <= LOOPBACK) return // a new one has no index yet
    oneLink.writeInt32LE(index, INDEX)
    if (libc.send(socket, oneLink, oneLink.length, 0) >= 0) system.receive(socket, received)
  }

  /** Fills in what only the kernel knows, and sends. */
  function send(socket: number, all: Buffer, { from, to }: Slice, patches: readonly Patch[]): Fault | undefined {
    const message = all.subarray(from, to)
    for (const { at, device, netns } of patches) {
      let value
      if (device === undefined) {
        value = system.descriptor(netns)
        if (value < 0) return { at: 'argument', name: netns ?? '', error: error() }
      } else {
        ifreq.fill(0)
        ifreq.write(device, 0, 15)
        if (libc.ioctl(socket, SIOCGIFINDEX, ifreq) < 0) return { at: 'device', name: device, error: error() }
        value = ifreq.readInt32LE(16)
      }
      message.writeInt32LE(value, at)
    }
    const fault = exchange(socket, message)
    if (!fault) settle(socket, message)
    return fault
  }

  /** /run/netns as iproute2 wants it: a mount whose own mounts are shared. Only what is not a mount yet becomes one. */
  let prepared = false
  function prepare(): void {
    if (prepared) return
    libc.mkdir(FOLDER, 0o755)
    const lock = call('open', FOLDER, O_RDONLY | O_CLOEXEC, 0)
    try {
      call('flock', lock, LOCK_EX)
      if (libc.mount('', FOLDER, 'none', MS_SHARED | MS_REC, null) < 0) {
        call('mount', FOLDER, FOLDER, 'none', MS_BIND | MS_REC, null)
        call('mount', '', FOLDER, 'none', MS_SHARED | MS_REC, null)
      }
    } finally {
      libc.close(lock)
    }
    prepared = true
  }

  /** Ends this process at the Nth name that is a plain file, on its way to a namespace or from one (src/run/faults.ts). */
  let faultAt = Number(/^name:(\d+)$/.exec(process.env['NETLAB_FAULT'] ?? '')?.[1] ?? 0)
  const isPlain = (): void => {
    if (faultAt > 0 && --faultAt === 0) process.kill(process.pid, 'SIGKILL')
  }

  /** Makes a plain file that has the mark in it from the start, where the file system knows files without a name. */
  function place(as: string, mark: string): Fault | undefined {
    const path = `${FOLDER}/${as}`
    const text = Buffer.from(mark)
    const unnamed = libc.open(FOLDER, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0)
    const file = unnamed >= 0 ? unnamed : libc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0)
    if (file < 0) return { at: 'name', name: as, error: error() }
    libc.write(file, text, text.length)
    const link = (): number => libc.linkat(AT_FDCWD, `/proc/thread-self/fd/${file}`, AT_FDCWD, path, AT_SYMLINK_FOLLOW)
    const fault: Fault | undefined = unnamed >= 0 && link() < 0 ? { at: 'name', name: as, error: error() } : undefined
    libc.close(file)
    return fault
  }

  /** Names the namespace that the thread is in. Killed in between, it leaves at most a plain file with the mark in it. */
  function name(as: string, mark: string): Fault | undefined {
    prepare()
    system.forget(as)
    const unplaced = place(as, mark)
    if (unplaced) return unplaced
    isPlain()
    const path = `${FOLDER}/${as}`
    if (libc.mount(HERE, path, 'none', MS_BIND, null) >= 0) return undefined
    const fault: Fault = { at: 'bind', name: as, error: error() }
    libc.unlink(path)
    return fault
  }

  /** Puts the thread into an unused namespace: one that was created in advance, or a new one. */
  function enterNew(store: Store | undefined): boolean {
    const place = store ? Atomics.add(store.counts, 1, 1) : 0
    const fd = store && place < Atomics.load(store.counts, 0) ? (store.descriptors[place] ?? -1) : -1
    return fd >= 0 ? system.occupy(fd) : system.unshare()
  }

  function carryOut(job: Job, all: Buffer, store: Store | undefined): Fault | undefined {
    const unreachable = (): Fault => ({ at: 'netns', name: job.netns ?? '', error: error() })
    switch (job.do) {
      case 'send': {
        const socket = system.socket(job.netns, NETLINK_ROUTE)
        return socket < 0 ? unreachable() : send(socket, all, job.message, job.patches)
      }
      case 'create': {
        if (!enterNew(store)) return { at: 'unshare', name: job.name, error: error() }
        const socket = system.open(NETLINK_ROUTE)
        const fault = send(socket, all, job.message, job.patches)
        libc.close(socket)
        return fault ?? name(job.name, job.mark)
      }
      case 'attach':
        return system.enter(job.netns) ? name(job.name, job.mark) : unreachable()
      case 'delete': {
        const path = `${FOLDER}/${job.name}`
        libc.umount2(path, MNT_DETACH)
        isPlain()
        return libc.unlink(path) < 0 ? { at: 'remove', name: job.name, error: error() } : undefined
      }
      case 'nft': {
        if (!system.enter(job.netns)) return unreachable()
        const result = system.nft()?.(job.lines, 0)
        return result?.failed === false ? undefined : { at: 'nft', error: result?.error ?? 'libnftables is not there' }
      }
      case 'write': {
        if (!system.enter(job.netns)) return unreachable()
        const text = Buffer.from(job.text)
        const file = system.openProc(job.file, O_WRONLY)
        if (file < 0) return { at: 'open', name: `/proc/${job.file}`, error: error() }
        const written = libc.write(file, text, text.length)
        const fault: Fault | undefined = written < 0 ? { at: 'write', name: job.key, error: error() } : undefined
        libc.close(file)
        return fault
      }
    }
  }

  return ({ bytes, jobs, stop, store }, reply) => {
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    let told = Date.now()
    let count = 0
    for (const job of jobs) {
      if (Atomics.load(stop, 0) === 1) break
      const fault = carryOut(job, all, store)
      if (fault) {
        Atomics.store(stop, 0, 1)
        return reply({ kind: 'ran', count, fault })
      }
      count++
      if (Date.now() - told < INTERVAL) continue
      told = Date.now()
      reply({ kind: 'progress', count })
    }
    reply({ kind: 'ran', count })
  }
}

import type { Slice } from './message.ts'
import { fileOf } from '../../model/place.ts'
import type { System } from './libc.ts'
import type { Reading, ReadResult, Reply, Request, Section } from './thread-protocol.ts'

/**
 * What reads namespaces: the answers to dump requests, as the kernel gives them, and files under /proc/sys.
 */
export function gatherer(
  system: System,
  names: () => string[],
): {
  readonly read: (request: Extract<Request, { kind: 'read' }>, reply: (r: Reply) => void) => void
  /** Names are of other namespaces than before, unless this is the same number. */
  readonly renamed: (epoch: number) => void
} {
  const { libc, error, errno } = system
  const [O_RDONLY, O_DIRECTORY, O_PATH, O_CLOEXEC, ENOENT] = [0, 0o200000, 0o10000000, 0o2000000, 2]
  const [NETLINK_ROUTE, NETLINK_NETFILTER, RTM_NEWNSID, RTM_GETNSID] = [0, 12, 88, 90]
  const [NLMSG_ERROR, NLMSG_DONE, NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP_INTR] = [2, 3, 1, 4, 0x10]
  /** By NFPROTO_… of netfilter.h */
  const FAMILIES: Readonly<Record<number, string>> = { 2: 'ip', 10: 'ip6' }
  /** Tables that may be iptables' own. */
  const IPTABLES = /^ip6? (filter|nat|mangle|raw|security)$/
  /** Sets that are part of a rule: their names say so (NFT_SET_ANONYMOUS of nf_tables.h). */
  const ANONYMOUS = /^__(set|map)\d/
  /** Of the thread: `self` would be the process, which stays where it is. */
  const LEGACY = ['thread-self/net/ip_tables_names', 'thread-self/net/ip6_tables_names']
  /** libnftables(3): NFT_CTX_OUTPUT_… */
  const [NFT_STATELESS, NFT_HANDLES] = [1 << 2, 1 << 3]
  /** net_namespace.h */
  const NETNSA = { nsid: 1, fd: 3 } as const
  /** How much is read before it is handed over, and the most that one answer takes, in bytes. */
  const [CHUNK, ROOM] = [1 << 19, 1 << 16]
  /** Messages that are sent at once, and descriptors that are open for them. */
  const BATCH = 32
  /** The most that is read of a file: the kernel allocates and clears as much as it is asked for. */
  const PAGE = 4096
  const page = Buffer.alloc(PAGE)

  // What was read since the last reply. Answers are received where they stay, without copying.
  let out = Buffer.alloc(0)
  let filled = 0

  function enlarge(): void {
    const more = Buffer.alloc(Math.max(CHUNK + ROOM, out.length * 2))
    out.copy(more, 0, 0, filled)
    out = more
  }

  const makeRoom = (): void => {
    if (out.length - filled < ROOM) enlarge()
  }
  function room(): Buffer {
    makeRoom()
    return out.subarray(filled)
  }

  /** All of the answer to a dump request; again from the start when something changed meanwhile. */
  function ask(socket: number, message: Uint8Array): Section {
    const from = filled
    const failed = (number: number): Section => ({ from, to: (filled = from), errno: number })
    if (socket < 0 || libc.send(socket, message, message.length, 0) < 0) return failed(errno())
    for (let interrupted = false; ;) {
      const length = system.receive(socket, room())
      if (length < 0) return failed(errno())
      for (let at = filled; at < filled + length; at += (out.readUInt32LE(at) + 3) & ~3) {
        const type = out.readUInt16LE(at + 4)
        interrupted ||= (out.readUInt16LE(at + 6) & NLM_F_DUMP_INTR) !== 0
        if (type !== NLMSG_ERROR && type !== NLMSG_DONE) continue
        const number = -out.readInt32LE(at + 16)
        if (number > 0) return failed(number)
        if (!interrupted) return { from, to: (filled = at), errno: 0 }
        filled = from
        return ask(socket, message)
      }
      filled += length
    }
  }

  /** The contents of files. Files of one folder, one after the other, are opened from there: that saves looking it up. */
  function contents(paths: readonly string[]): Slice {
    const from = filled
    let [folder, at] = ['', -1]
    for (const path of paths) {
      makeRoom()
      const cut = path.lastIndexOf('/')
      if (path.slice(0, cut) !== folder) {
        if (at >= 0) libc.close(at)
        folder = path.slice(0, cut)
        at = system.openProc(folder, O_PATH | O_DIRECTORY)
      }
      const file = at < 0 ? -1 : libc.openat(at, path.slice(cut + 1), O_RDONLY | O_CLOEXEC, 0)
      if (file >= 0) {
        const length = libc.read(file, page, PAGE)
        libc.close(file)
        for (let i = 0; i < length; i++) out[filled++] = page[i] ?? 0
      }
      out[filled++] = 0
    }
    if (at >= 0) libc.close(at)
    return { from, to: filled }
  }

  /** rtgenmsg and attributes of 32 bits; the number comes back with the answer. */
  function nsidRequest(
    type: number,
    { flags = 0, number = 0 },
    ...attributes: readonly (readonly [number, number])[]
  ): Buffer {
    const message = Buffer.alloc(20 + 8 * attributes.length)
    message.writeUInt32LE(message.length, 0)
    message.writeUInt16LE(type, 4)
    message.writeUInt16LE(flags | NLM_F_REQUEST, 6)
    message.writeUInt32LE(number, 8)
    attributes.forEach(([attribute, value], i) => {
      message.writeUInt16LE(8, 20 + 8 * i)
      message.writeUInt16LE(attribute, 22 + 8 * i)
      message.writeInt32LE(value, 24 + 8 * i)
    })
    return message
  }

  /**
   * A new namespace that gives ids to all others, and the machine's own. Asked there for the links of one of them, the
   * kernel says by these ids where the other ends are (rtnl_fill_link_netnsid in net/core/rtnetlink.c): an answer needs no
   * list of what ids mean in the namespace that it is about.
   */
  function openIndex(all: readonly string[]) {
    if (!system.unshare()) throw new Error(`unshare: ${error()}`)
    const socket = system.open(NETLINK_ROUTE)
    if (socket < 0) throw new Error(`socket: ${error()}`)
    const reply = Buffer.alloc(ROOM)
    const ids = new Map<string | undefined, number>()
    const places = [...[...all, undefined].entries()]
    for (let from = 0; from < places.length; from += BATCH) {
      const asked = places.slice(from, from + BATCH).flatMap(([id, netns]) => {
        // Its own, to be there when the message is sent.
        const fd = netns === undefined ? system.descriptor(netns) : libc.open(fileOf(netns), O_RDONLY | O_CLOEXEC, 0)
        return fd < 0 ? [] : [{ id, netns, fd }]
      })
      // What fails is answered, the second name of a namespace that has its id, and the last.
      const last = asked.at(-1)?.id
      const message = Buffer.concat(
        asked.map(({ id, fd }) =>
          nsidRequest(
            RTM_NEWNSID,
            { flags: id === last ? NLM_F_ACK : 0, number: id },
            [NETNSA.nsid, id],
            [NETNSA.fd, fd],
          ),
        ),
      )
      const isSent = last !== undefined && libc.send(socket, message, message.length, 0) >= 0
      const failed = new Set<number>()
      for (let id = -1; isSent && id !== last && system.receive(socket, reply) >= 0;) {
        id = reply.readUInt32LE(8)
        if (reply.readInt32LE(16) !== 0) failed.add(id)
      }
      for (const { id, netns, fd } of asked) {
        if (isSent) ids.set(netns, failed.has(id) ? known(fd) : id)
        if (netns !== undefined) libc.close(fd)
      }
    }
    const names = new Map<number, string>()
    for (const [netns, id] of ids) if (netns !== undefined && id >= 0 && !names.has(id)) names.set(id, netns)
    return { socket, ids, names, close: () => libc.close(socket) }

    /** The id of what has one already: a second name of the same namespace. Not a namespace: -1. */
    function known(fd: number): number {
      const message = nsidRequest(RTM_GETNSID, {}, [NETNSA.fd, fd])
      if (libc.send(socket, message, message.length, 0) < 0 || system.receive(socket, reply) < 0) return -1
      return reply.readUInt16LE(4) === RTM_NEWNSID ? reply.readInt32LE(24) : -1
    }
  }

  /** Whether an answer of nftables is about a table that may be iptables'; of its sets only those that have a name count. */
  function concernsIptables({ from, to, errno: failed }: Section, ofNft: readonly string[]): boolean {
    // nfgenmsg, then come the names of the table and of what is in it (NFTA_…_TABLE, NFTA_…_NAME).
    const text = (at: number): string => out.toString('utf8', at + 4, at + out.readUInt16LE(at) - 1)
    for (let at = from; !failed && at < to; at += (out.readUInt32LE(at) + 3) & ~3) {
      const table = `${FAMILIES[out[at + 16] ?? 0]} ${text(at + 20)}`
      const next = at + 20 + ((out.readUInt16LE(at + 20) + 3) & ~3)
      if (IPTABLES.test(table) && !ofNft.includes(table) && !ANONYMOUS.test(text(next))) return true
    }
    return false
  }

  /** The rules of nftables; undefined where there are none, or it cannot list them. */
  function listRules({ from, to, errno: failed }: Section): Slice | undefined {
    const listing = failed || from === to ? undefined : system.nft()?.('list ruleset', NFT_STATELESS | NFT_HANDLES)
    if (!listing || listing.failed) return undefined
    const text = Buffer.from(listing.output)
    while (out.length - filled < text.length + ROOM) enlarge()
    text.copy(out, filled)
    return { from: filled, to: (filled += text.length) }
  }

  /** Whether there are tables that both iptables and nft have to list: some are nftables', or have what iptables has no word for. */
  function isMixed(netns: string | undefined, requests: readonly Uint8Array[], ofNft: readonly string[]): boolean {
    if (ofNft.length > 0) return true
    const from = filled
    const found = requests.some((request) =>
      concernsIptables(ask(system.socket(netns, NETLINK_NETFILTER), request), ofNft),
    )
    filled = from
    return found
  }

  const has = ({ from, to }: Section, text: string): boolean => out.subarray(from, to).includes(text)

  function readOne(reading: Reading, index: number, all: Buffer, list: readonly string[] | undefined): ReadResult {
    const { netns, fresh, links, requests, netfilter, sets, only, fdb, mdb, nexthops, nftables: ofNft = [] } = reading
    const slice = ({ from, to }: Slice): Buffer => all.subarray(from, to)
    const gone = (number: number): ReadResult => ({
      index,
      gone: { errno: number, error: error(number) },
      sections: [],
    })
    const sections: Section[] = []
    if (links) {
      const section = askLinks(netns, slice(links))
      if (section.errno) return gone(section.errno)
      sections.push(section)
      if (only !== undefined && !has(section, only)) return { index, sections }
    }
    if (requests.length === 0 && !netfilter && !list) return { index, sections }
    if (!(fresh ? system.unshare() : system.enter(netns))) return gone(errno())
    const send = (request: Slice): Section => ask(system.socket(netns, NETLINK_ROUTE), slice(request))
    for (const request of requests) sections.push(send(request))
    const forwards = ['bridge\0', 'vxlan\0'].some((kind) => sections[0] && has(sections[0], kind))
    const bridged = forwards && fdb && mdb ? { fdb: send(fdb), mdb: send(mdb) } : {}
    // The kernel may have no such sockets: then what is sent to it fails.
    const tables = netfilter && ask(system.socket(netns, NETLINK_NETFILTER), slice(netfilter))
    if (tables && !reading.rulesAlone) sections.push(tables)
    if (sets) sections.push(ask(system.socket(netns, NETLINK_NETFILTER), slice(sets)))
    // iptables has forms of its own for its rules.
    const theirs = tables !== undefined && !reading.rulesAlone && concernsIptables(tables, ofNft)
    const mixed = theirs && isMixed(netns, reading.objects?.map(slice) ?? [], ofNft)
    const rules = reading.rules && tables && !theirs ? listRules(tables) : undefined
    return {
      index,
      sections,
      ...(tables && reading.rulesAlone && { tables }),
      ...bridged,
      ...(nexthops && { nexthops: send(nexthops) }),
      ...(reading.legacy && { legacy: contents(LEGACY) }),
      ...(rules && { rules }),
      ...(mixed && { mixed }),
      ...(list && { files: contents(list) }),
    }
  }

  /** The index is kept from one request to the next: making it takes as long as reading fifty namespaces. */
  let kept: { readonly epoch: number; readonly index: ReturnType<typeof openIndex> } | undefined

  function renamed(epoch: number): void {
    if (!kept || kept.epoch === epoch) return
    kept.index.close()
    kept = undefined
  }

  /** The links of a namespace, from the index: a request ends with the id of the one that it is about. */
  function askLinks(netns: string | undefined, request: Buffer): Section {
    const id = kept?.index.ids.get(netns) ?? -1
    if (!kept || id < 0) return { from: filled, to: filled, errno: ENOENT }
    request.writeInt32LE(id, request.length - 4)
    return ask(kept.index.socket, request)
  }

  function read(
    { bytes, readings, lists, epoch, paths = [], next }: Extract<Request, { kind: 'read' }>,
    reply: (r: Reply) => void,
  ): void {
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    renamed(epoch)
    if (readings.some(({ links }) => links)) {
      kept ??= { epoch, index: openIndex([...names(), ...paths]) }
      reply({ kind: 'names', names: kept.index.names })
    }
    let results: ReadResult[] = []
    const flush = (): void => {
      // Handed over, not copied: the next answers go into memory of their own.
      reply({ kind: 'results', bytes: out.subarray(0, filled), results })
      ;[out, filled, results] = [Buffer.alloc(0), 0, []]
    }
    let place = 0
    const take = (): number => (next ? Atomics.add(next, 0, 1) : place++)
    for (let index = take(); index < readings.length; index = take()) {
      const reading = readings[index] as Reading
      results.push(readOne(reading, index, all, lists[reading.files ?? -1]))
      if (reading.netns !== undefined) system.forget(reading.netns)
      if (filled > CHUNK) flush()
    }
    flush()
    reply({ kind: 'end' })
  }

  return { read, renamed }
}

import type { Dump, IpAddress, IpLink, IpNeighbor, TcQdisc } from '../../model/runner.ts'
import { address, attributes, linkLayer, messages, string } from './answer.ts'
import { attribute, encode, flags, u32, type Message, type Slice } from '../../backend/netlink/message.ts'
import type { ReadResult, Section } from './protocol.ts'
import { readLinks } from './read-links.ts'
import { readRoutes, readRules } from './read-routes.ts'
import { readConf, readNetconf, type Netconf } from './read-sysctls.ts'

const [RTM_GETLINK, IFLA_EXT_MASK, IFLA_TARGET_NETNSID, NLM_F_ACK] = [18, 29, 46, 4]
/** Without statistics, and of the namespace whose id the thread fills in. */
const ofLinks = [attribute(IFLA_EXT_MASK, u32(8 /* RTEXT_FILTER_SKIP_STATS */)), attribute(IFLA_TARGET_NETNSID, u32(0))]
/** Every namespace is made with `lo`, and so it is the first (LOOPBACK_IFINDEX in include/net/flow.h). */
const LOOPBACK_IFINDEX = 1
const IFA = { address: 1, local: 2, flags: 8, metric: 9 } as const
/** if_addr.h */
const IFA_F = { secondary: 0x01, permanent: 0x80, mngtmpaddr: 0x100 } as const
const NDA = { dst: 1, lladdr: 2 } as const
const NUD_PERMANENT = 0x80
const NTF_PROXY = 0x08
const TCA_KIND = 1
const TC_H_ROOT = 0xffffffff
const [AF_INET, AF_INET6] = [2, 10]
/** The subsystem of nftables (nfnetlink.h), and its requests (NFT_MSG_GET… of nf_tables.h). */
const NFNL_SUBSYS_NFTABLES = 10 << 8
const NFT_MSG_GET = { table: 1, set: 10, obj: 19, flowtable: 23 } as const
const ofNftables = (type: number): Uint8Array => request(NFNL_SUBSYS_NFTABLES | type, 4)
const IPSET_ATTR = { protocol: 1, flags: 6 } as const
const [IPSET_FLAG_LIST_SETNAME, NLA_F_NET_BYTEORDER] = [2, 1 << 14]

const request = (type: number, size: number, ...extra: Message['attributes']): Uint8Array =>
  encode({ type, flags: flags.dump, header: new Uint8Array(size), attributes: extra }).bytes

/** RTM_GET… for all of a kind: type, size of the header. All families of routes and rules come in one answer. */
const links = request(RTM_GETLINK, 16, ...ofLinks)
const addresses = request(22, 8)
/** RTM_GETLINK for `lo`, in an ifinfomsg. What follows the one answer ends the list, as it does after a dump. */
const loopback = encode({
  type: RTM_GETLINK,
  flags: NLM_F_ACK,
  header: Uint8Array.of(0, 0, 0, 0, LOOPBACK_IFINDEX, ...new Uint8Array(11)),
  attributes: ofLinks,
}).bytes
const plain = [addresses, request(26, 12), request(82, 4)]
/** What is asked of a namespace, by depth: first about links, then the rest in the order in which `decode` expects it. */
export const requests = {
  mark: { links: loopback, rest: [] },
  links: { links, rest: [addresses] },
  plain: { links, rest: plain },
  all: { links, rest: [...plain, request(34, 12), request(30, 12), request(38, 20)] },
} as const
/** What is asked of the sockets of nftables. */
export const tables = ofNftables(NFT_MSG_GET.table)
/** What iptables has no word for, in tables that it may have made. */
export const objects = [ofNftables(NFT_MSG_GET.set), ofNftables(NFT_MSG_GET.obj), ofNftables(NFT_MSG_GET.flowtable)]
/** What is asked of ipset: the names of the sets (ip_set.h: IPSET_CMD_LIST, with the version of the protocol and a flag). */
export const sets = request(
  (6 << 8) | 7,
  4,
  attribute(IPSET_ATTR.protocol, Uint8Array.of(6)),
  attribute(IPSET_ATTR.flags | NLA_F_NET_BYTEORDER, Uint8Array.of(0, 0, 0, IPSET_FLAG_LIST_SETNAME)),
)

/** What is left to other programs. */
export interface Decoded {
  readonly dump: Dump
  /** Everything was read, not only links and addresses. */
  readonly whole: boolean
  /** What the kernel told of the sysctls. */
  readonly netconf: Netconf
  /** The tables of nftables (`inet own`) that are still to be read; undefined: it cannot be told who lists what there is. */
  readonly tables: readonly string[] | undefined
  /** There are qdiscs with options. */
  readonly shaped: boolean
  /** There are sets of ipset. */
  readonly sets: boolean
}

const EPROTONOSUPPORT = 93
const NFTA_TABLE_NAME = 1
/** NFPROTO_… of netfilter.h, as nft calls them. */
const FAMILIES: Readonly<Record<number, string>> = { 1: 'inet', 2: 'ip', 3: 'arp', 5: 'netdev', 7: 'bridge', 10: 'ip6' }

/**
 * The dump that the answers make: what the `ip` runner returns, as far as the model names it, less the sysctls. `nsids` are
 * the names that ids stand for. Throws NotUnderstood for what is not known here.
 */
export function decode(bytes: Buffer, result: ReadResult, nsids: Dump['nsids']): Decoded {
  const [
    linkAnswer,
    addressAnswer,
    routeAnswer,
    confAnswer,
    ruleAnswer,
    neighborAnswer,
    qdiscAnswer,
    tableAnswer,
    setAnswer,
  ] = result.sections
  const specs = new Map<string, Slice>()
  const found = readLinks(bytes, there(linkAnswer), specs)
  const byIndex = new Map(found.map((link) => [link.ifindex, link.ifname]))
  const nameOf = (index: number): string => byIndex.get(index) ?? `if${index}`
  const qdiscs = qdiscAnswer ? readQdiscs(bytes, qdiscAnswer, nameOf) : []
  return {
    dump: {
      links: found,
      addresses: addressAnswer ? readAddresses(bytes, there(addressAnswer), found) : [],
      routes: routeAnswer ? readRoutes(bytes, there(routeAnswer), nameOf) : [],
      ...(ruleAnswer ? readRules(bytes, ruleAnswer) : { rules: [], rules6: [] }),
      neighbors: neighborAnswer ? readNeighbors(bytes, there(neighborAnswer), nameOf) : [],
      nsids,
      qdiscs,
      sysctls: new Map(),
      conf: new Map(routeAnswer && [...specs].map(([dev, spec]) => [dev, readConf(bytes, spec)])),
      iptables: '',
      ip6tables: '',
      ...(result.legacy && readLegacy(string(bytes, result.legacy.from, result.legacy.to).split('\0'))),
      nftables: result.rules ? string(bytes, result.rules.from, result.rules.to) : '',
    },
    whole: routeAnswer !== undefined,
    netconf: confAnswer && !confAnswer.errno ? readNetconf(bytes, confAnswer) : new Map(),
    tables: result.mixed ? undefined : result.rules || !tableAnswer ? [] : readTables(bytes, tableAnswer),
    shaped: qdiscs.some(({ kind }) => kind !== 'noqueue'),
    sets: setAnswer !== undefined && !setAnswer.errno && setAnswer.to > setAnswer.from,
  }
}

/** An answer that there must be. */
function there(section: Section | undefined): Slice {
  if (!section || section.errno) throw new Error(`the kernel answered a dump with error ${section?.errno}`)
  return section
}

function readAddresses(bytes: Buffer, answer: Slice, found: readonly IpLink[]): Dump['addresses'] {
  const byLink = new Map<number, IpAddress[]>(found.map(({ ifindex }) => [ifindex, []]))
  messages(bytes, answer, (_, at, end) => {
    const family = bytes[at]
    if (family !== AF_INET && family !== AF_INET6) return
    let set = bytes[at + 2] ?? 0
    let local: string | undefined
    let other: string | undefined
    let metric: number | undefined
    attributes(bytes, at + 8, end, (type, from, to) => {
      if (type === IFA.local) local = address(bytes, from, to)
      else if (type === IFA.address) other = address(bytes, from, to)
      else if (type === IFA.flags) set = bytes.readUInt32LE(from)
      else if (type === IFA.metric) metric = bytes.readUInt32LE(from)
    })
    byLink.get(bytes.readUInt32LE(at + 4))?.push({
      family: family === AF_INET ? 'inet' : 'inet6',
      local: local ?? other ?? '',
      prefixlen: bytes[at + 1] ?? 0,
      ...(local !== undefined && other !== undefined && local !== other && { address: other }),
      ...(metric !== undefined && { metric }),
      ...(set & IFA_F.secondary && (family === AF_INET ? { secondary: true } : { temporary: true })),
      ...(!(set & IFA_F.permanent) && { dynamic: true }),
      ...(set & IFA_F.mngtmpaddr && { mngtmpaddr: true }),
    })
  })
  return found.map(({ ifindex, ifname }) => ({ ifname, addr_info: byLink.get(ifindex) ?? [] }))
}

function readNeighbors(bytes: Buffer, answer: Slice, nameOf: (index: number) => string): IpNeighbor[] {
  const result: IpNeighbor[] = []
  messages(bytes, answer, (_, at, end) => {
    const family = bytes[at]
    const permanent = bytes.readUInt16LE(at + 8) & NUD_PERMANENT && !((bytes[at + 10] ?? 0) & NTF_PROXY)
    if (!permanent || (family !== AF_INET && family !== AF_INET6)) return
    let dst = ''
    let lladdr: string | undefined
    attributes(bytes, at + 12, end, (type, from, to) => {
      if (type === NDA.dst) dst = address(bytes, from, to)
      else if (type === NDA.lladdr) lladdr = linkLayer(bytes, from, to, 0)
    })
    const dev = nameOf(bytes.readInt32LE(at + 4))
    result.push({ dst, dev, ...(lladdr !== undefined && { lladdr }), state: ['PERMANENT'] })
  })
  return result
}

function readQdiscs(bytes: Buffer, answer: Slice, nameOf: (index: number) => string): TcQdisc[] {
  const result: TcQdisc[] = []
  messages(bytes, answer, (_, at, end) => {
    let kind = ''
    attributes(bytes, at + 20, end, (type, from, to) => {
      if (type === TCA_KIND) kind = string(bytes, from, to)
    })
    const handle = `${(bytes.readUInt32LE(at + 8) >>> 16).toString(16)}:`
    const root = bytes.readUInt32LE(at + 12) === TC_H_ROOT
    result.push({ kind, handle, dev: nameOf(bytes.readInt32LE(at + 4)), ...(root && { root }), options: {} })
  })
  return result
}

/** From the names of the tables of IPv4 and of IPv6, a line each. */
export function readLegacy([ip = '', ip6 = '']: readonly string[]): Pick<Dump, 'legacy'> {
  const named = (family: string, lines: string): string[] =>
    lines.split('\n').flatMap((name) => (name ? [`${family} ${name}`] : []))
  const legacy = [...named('ip', ip), ...named('ip6', ip6)]
  return legacy.length ? { legacy } : {}
}

/** `inet own` */
function readTables(bytes: Buffer, answer: Section): string[] | undefined {
  // Where the kernel has no such sockets, it has no nftables.
  if (answer.errno) return answer.errno === EPROTONOSUPPORT ? [] : undefined
  const result: string[] = []
  messages(bytes, answer, (_, at, end) =>
    attributes(bytes, at + 4, end, (type, from, to) => {
      if (type === NFTA_TABLE_NAME) result.push(`${FAMILIES[bytes[at] ?? 0] ?? '?'} ${string(bytes, from, to)}`)
    }),
  )
  return result
}

import type { Dump, TcQdisc } from '../../model/runner.ts'
import { attributes, decodedOnce, messages, string } from './answer.ts'
import { attribute, encode, flags, toU32, type Message, type Slice } from './message.ts'
import type { ReadResult, Section } from './thread-protocol.ts'
import { NTF_PROXY, readAddresses, readNeighbors } from './read-addresses.ts'
import { decodeFdb } from './read-fdb.ts'
import { decodeLinks, type Undecoded } from './read-links.ts'
import { decodeRoutes, decodeRules } from './read-routes.ts'
import { decodeMdb } from './read-mdb.ts'
import { decodeNexthops } from './read-nexthops.ts'
import { readConf, readNetconf, type Netconf } from './read-sysctls.ts'

const [RTM_GETLINK, IFLA_EXT_MASK, IFLA_TARGET_NETNSID, NLM_F_ACK] = [18, 29, 46, 4]
/** Attributes of a request for links: no statistics, and the id of a namespace, which the thread fills in. */
const ofLinks = [
  attribute(IFLA_EXT_MASK, toU32(8 /* RTEXT_FILTER_SKIP_STATS */)),
  attribute(IFLA_TARGET_NETNSID, toU32(0)),
]
/** Every namespace is made with `lo`, and so it is the first (LOOPBACK_IFINDEX in include/net/flow.h). */
const LOOPBACK_IFINDEX = 1
const TCA_KIND = 1
const TC_H_ROOT = 0xffffffff
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
/** RTM_GETNEIGH, in an ndmsg. Neighbours and proxy entries are separate dumps. */
const [NEIGHBORS, NDMSG_FLAGS] = [30, 10]
const proxies = encode({
  type: NEIGHBORS,
  flags: flags.dump,
  header: Uint8Array.of(...new Uint8Array(NDMSG_FLAGS), NTF_PROXY, 0),
  attributes: [],
}).bytes
const plain = [addresses, request(26, 12), request(82, 4)]
/** The requests for a namespace, by depth: links first, then the others in the order that `decode` expects. */
export const requests = {
  mark: { links: loopback, rest: [] },
  links: { links, rest: [addresses] },
  rules: { links, rest: [addresses] },
  plain: { links, rest: plain },
  all: { links, rest: [...plain, request(34, 12), request(NEIGHBORS, 12), proxies, request(38, 20)] },
} as const
/** The requests to nftables. */
export const tables = ofNftables(NFT_MSG_GET.table)
/** The requests for what iptables cannot express in a table: named sets, stateful objects, flowtables. */
export const objects = [ofNftables(NFT_MSG_GET.set), ofNftables(NFT_MSG_GET.obj), ofNftables(NFT_MSG_GET.flowtable)]
/** The request to ipset for the names of the sets (IPSET_CMD_LIST of ip_set.h, with the version of the protocol and a flag). */
export const sets = request(
  (6 << 8) | 7,
  4,
  attribute(IPSET_ATTR.protocol, Uint8Array.of(6)),
  attribute(IPSET_ATTR.flags | NLA_F_NET_BYTEORDER, Uint8Array.of(0, 0, 0, IPSET_FLAG_LIST_SETNAME)),
)

/** What the answers contain, and what programs must be asked for. */
export interface Decoded {
  readonly dump: Dump
  /** The links whose settings only iproute2 can decode. */
  readonly undecoded: readonly Undecoded[]
  /** Everything was read, not only links and addresses. */
  readonly whole: boolean
  /** The values of sysctls. */
  readonly netconf: Netconf
  /** The tables of nftables (`inet own`) that programs must list; undefined: they are unknown, or iptables and nft must both list them. */
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

/** Links where nothing else is asked for, which are often only `lo`: that of most namespaces of a lab is the same. */
const linksAlone = decodedOnce((bytes, answer) => {
  const undecoded: Undecoded[] = []
  return { links: decodeLinks(bytes, answer, new Map(), undecoded), undecoded }
})

/**
 * Decodes the answers to what the `ip` runner returns, without the sysctls. `nsids` maps namespace ids to names. Throws
 * NotUnderstood for what only iproute2 can decode.
 */
export function decodeDump(bytes: Buffer, result: ReadResult, nsids: Dump['nsids']): Decoded {
  const [linkAnswer, addressAnswer, routeAnswer, confAnswer, ruleAnswer, ...others] = result.sections
  const [neighborAnswer, proxyAnswer, qdiscAnswer, tablesInOrder, setAnswer] = others
  const tableAnswer = result.tables ?? tablesInOrder
  const specs = new Map<string, Slice>()
  const alone = addressAnswer ? undefined : linksAlone(bytes, required(linkAnswer))
  const undecoded: Undecoded[] = alone?.undecoded ?? []
  const found = alone?.links ?? decodeLinks(bytes, required(linkAnswer), specs, undecoded)
  const byIndex = new Map(found.map((link) => [link.ifindex, link.ifname]))
  const interfaceAt = (index: number): string => byIndex.get(index) ?? `if${index}`
  const qdiscs = qdiscAnswer ? readQdiscs(bytes, qdiscAnswer, interfaceAt) : []
  return {
    dump: {
      links: found,
      addresses: addressAnswer ? readAddresses(bytes, required(addressAnswer), found) : [],
      routes: routeAnswer ? decodeRoutes(bytes, required(routeAnswer), interfaceAt) : [],
      ...(ruleAnswer ? decodeRules(bytes, ruleAnswer) : { rules: [], rules6: [] }),
      ...(result.nexthops &&
        !result.nexthops.errno && { nexthops: decodeNexthops(bytes, result.nexthops, interfaceAt) }),
      neighbors: [neighborAnswer, proxyAnswer].flatMap((answer) =>
        answer ? readNeighbors(bytes, required(answer), interfaceAt) : [],
      ),
      nsids,
      ...(result.fdb && !result.fdb.errno && { fdb: decodeFdb(bytes, result.fdb, interfaceAt) }),
      ...(result.mdb && { mdb: result.mdb.errno ? [] : decodeMdb(bytes, result.mdb, interfaceAt) }),
      qdiscs,
      sysctls: new Map(),
      conf: new Map(routeAnswer && [...specs].map(([dev, spec]) => [dev, readConf(bytes, spec)])),
      iptables: '',
      ip6tables: '',
      ...(result.legacy && readLegacy(string(bytes, result.legacy.from, result.legacy.to).split('\0'))),
      nftables: result.rules ? string(bytes, result.rules.from, result.rules.to) : '',
    },
    undecoded,
    whole: routeAnswer !== undefined,
    netconf: confAnswer && !confAnswer.errno ? readNetconf(bytes, confAnswer) : new Map(),
    tables: result.mixed ? undefined : result.rules || !tableAnswer ? [] : readTables(bytes, tableAnswer),
    shaped: qdiscs.some(({ kind }) => kind !== 'noqueue'),
    sets: setAnswer !== undefined && !setAnswer.errno && setAnswer.to > setAnswer.from,
  }
}

/** The answer; throws if the kernel did not give one. */
function required(section: Section | undefined): Slice {
  if (!section || section.errno) throw new Error(`the kernel answered a dump with error ${section?.errno}`)
  return section
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

/** The tables of iptables-legacy, from the contents of ip_tables_names and ip6_tables_names. */
export function readLegacy([ip = '', ip6 = '']: readonly string[]): Pick<Dump, 'legacy'> {
  const named = (family: string, lines: string): string[] =>
    lines.split('\n').flatMap((name) => (name ? [`${family} ${name}`] : []))
  const legacy = [...named('ip', ip), ...named('ip6', ip6)]
  return legacy.length ? { legacy } : {}
}

/** The names of the tables (`inet own`); undefined where the kernel refuses to list them. */
function readTables(bytes: Buffer, answer: Section): string[] | undefined {
  // A kernel without netfilter sockets has no nftables.
  if (answer.errno) return answer.errno === EPROTONOSUPPORT ? [] : undefined
  const result: string[] = []
  messages(bytes, answer, (_, at, end) =>
    attributes(bytes, at + 4, end, (type, from, to) => {
      if (type === NFTA_TABLE_NAME) result.push(`${FAMILIES[bytes[at] ?? 0] ?? '?'} ${string(bytes, from, to)}`)
    }),
  )
  return result
}

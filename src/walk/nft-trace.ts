import { attributes, messages, string } from '../backend/netlink/answer.ts'
import type { System } from '../backend/netlink/libc.ts'
import { attribute, encode, flags, nest, text, toBe16, toBe32, type Attribute } from '../backend/netlink/message.ts'
import { FRAGMENT } from '../checks/packet.ts'
import { TRACE_TABLE } from '../model/tables.ts'
import { PROTOCOL, type Needle } from './needles.ts'

/** A step of a packet through the rules of a namespace, as the kernel reports it (net/netfilter/nf_tables_trace.c). */
export interface TraceStep {
  /** `inet`, `ip`, `ip6`, `bridge`, `arp` or `netdev`. */
  readonly family: string
  readonly table: string
  readonly chain: string
  /** A rule matched, a chain ended and returned to its caller, or a base chain ended with its policy. */
  readonly kind: 'rule' | 'return' | 'policy'
  /** The handle of the rule. */
  readonly handle?: bigint
  /** `accept`, `drop`, `jump CHAIN`, `goto CHAIN`, `return`, `continue`, `queue`, `stolen`. */
  readonly verdict: string
  /** The same in all reports on a packet as long as it is in the namespace. */
  readonly id?: number
  readonly iif?: number
  readonly oif?: number
  readonly mark?: number
  /** The network header and the first bytes of what follows it, when the packet came to this base chain. */
  readonly bytes?: Buffer
}

const [AF_NETLINK, SOCK_RAW, SOCK_CLOEXEC, SOL_NETLINK, ADD_MEMBERSHIP] = [16, 3, 0o2000000, 270, 1]
const [NETLINK_NETFILTER, NFNLGRP_NFTRACE, MSG_DONTWAIT, EINTR, EPERM] = [12, 9, 0x40, 4, 1]
/** nfnetlink.h and nf_tables.h. */
const [BATCH_BEGIN, BATCH_END, NFTABLES] = [16, 17, 10]
const [NEWTABLE, NEWCHAIN, NEWRULE, TRACE] = [0, 3, 6, 17]
const NLM_F_ACK = 4
/** Room for the reports on a packet that goes round a loop until its time to live ends, in bytes. */
const [SOL_SOCKET, SO_RCVBUFFORCE, ROOM] = [1, 33, 4 << 20]
/** The kernel removes a table with this flag when the socket that made it closes (since Linux 5.12). */
const NFT_TABLE_F_OWNER = 2
const [META_NFTRACE, TRANSPORT, REGISTER] = [12, 2, 1]
const FAMILIES: Readonly<Record<number, string>> = { 1: 'inet', 2: 'ip', 3: 'arp', 5: 'netdev', 7: 'bridge', 10: 'ip6' }

/** The families of the tables that netlab makes, by number. */
export const traced = { inet: 1, bridge: 7 } as const
/** Before everything else (NF_IP_PRI_RAW is -300), and after (NF_IP_PRI_NAT_SRC is 100, of a bridge 300). */
const [FIRST, LAST] = [-350, 500]

/** The chains of the table: at every hook one that is first, or last; the first ones mark the packet. */
const CHAINS = [
  { name: 'prerouting-first', hook: 0, priority: FIRST, marks: true },
  { name: 'prerouting-last', hook: 0, priority: LAST, marks: false },
  { name: 'input-last', hook: 1, priority: LAST, marks: false },
  { name: 'forward-first', hook: 2, priority: FIRST, marks: false },
  { name: 'forward-last', hook: 2, priority: LAST, marks: false },
  { name: 'output-first', hook: 3, priority: FIRST, marks: true },
  { name: 'output-last', hook: 3, priority: LAST, marks: false },
  { name: 'postrouting-last', hook: 4, priority: LAST, marks: false },
] as const

/** Opens a socket in the namespace that the thread is in; it receives the steps of packets there. Negative: there is no nftables. */
export function openTrace({ libc, call }: System): number {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER)
  if (fd < 0) return fd
  const address = Buffer.alloc(12) // struct sockaddr_nl
  address.writeUInt16LE(AF_NETLINK)
  call('bind', fd, address, address.length)
  const group = Buffer.alloc(4)
  group.writeUInt32LE(NFNLGRP_NFTRACE)
  call('setsockopt', fd, SOL_NETLINK, ADD_MEMBERSHIP, group, group.length)
  const room = Buffer.alloc(4)
  room.writeUInt32LE(ROOM)
  libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, room, room.length)
  return fd
}

/**
 * Makes the table that marks packets with one of the needles, for as long as the socket is open. Throws when the kernel
 * refuses.
 */
export function makeTable(
  { call, errno, error, libc }: System,
  fd: number,
  family: keyof typeof traced,
  needles: readonly Needle[],
): void {
  const message = (type: number, more: number, list: Attribute[], subsystem = NFTABLES): Uint8Array =>
    encode({
      type: (subsystem << 8) | type,
      flags: more,
      header: Uint8Array.of(subsystem ? traced[family] : 0, 0, ...toBe16(subsystem ? 0 : NFTABLES)),
      attributes: list,
    }).bytes
  const add = flags.create | flags.excl
  const rules = CHAINS.flatMap(({ name, marks }) => (marks ? needles.map((needle) => [name, needle] as const) : []))
  const batch = Buffer.concat([
    message(BATCH_BEGIN, 0, [], 0),
    message(NEWTABLE, add, [text(1, TRACE_TABLE), attribute(2, toBe32(NFT_TABLE_F_OWNER))]),
    ...CHAINS.map(({ name, hook, priority }) =>
      message(NEWCHAIN, add, [
        text(1, TRACE_TABLE),
        text(3, name),
        nest(4, [attribute(1, toBe32(hook)), attribute(2, toBe32(priority))]),
        attribute(5, toBe32(1 /* NF_ACCEPT */)),
        text(7, 'filter'),
      ]),
    ),
    ...rules.map(([chain, needle], i) =>
      message(NEWRULE, flags.create | flags.append | (i === rules.length - 1 ? NLM_F_ACK : 0), [
        text(1, TRACE_TABLE),
        text(2, chain),
        nest(4, marking(needle)),
      ]),
    ),
    message(BATCH_END, 0, [], 0),
  ])
  call('send', fd, batch, batch.length, 0)
  // First come the errors of a batch that is refused. Before 6.10, Linux does not acknowledge its end, but what is in it.
  const answer = Buffer.alloc(1 << 16)
  for (;;) {
    const length = libc.recv(fd, answer, answer.length, 0)
    if (length < 0 && errno() === EINTR) continue
    if (length < 0) throw new Error(error())
    if (answer.readUInt16LE(4) !== 2 /* NLMSG_ERROR */) continue
    const refused = -answer.readInt32LE(16)
    // The table has that name already, and another owner.
    if (refused === EPERM) throw new Error('another trace is running there')
    if (refused !== 0) throw new Error(`nftables refuses to trace: ${error(refused)}`)
    return
  }
}

/** The expressions of a rule that marks what has these bytes at this place after the network header. */
const marking = ({ offset, bytes }: Needle): Attribute[] =>
  [
    expression('payload', [
      attribute(1, toBe32(REGISTER)),
      attribute(2, toBe32(TRANSPORT)),
      attribute(3, toBe32(offset)),
      attribute(4, toBe32(bytes.length)),
    ]),
    expression('cmp', [attribute(1, toBe32(REGISTER)), attribute(2, toBe32(0)), nest(3, [attribute(1, bytes)])]),
    expression('immediate', [attribute(1, toBe32(REGISTER)), nest(2, [attribute(1, Uint8Array.of(1, 0, 0, 0))])]),
    expression('meta', [attribute(2, toBe32(META_NFTRACE)), attribute(3, toBe32(REGISTER))]),
  ].map((one) => nest(1, [...one]))

const expression = (name: string, data: Attribute[]): readonly Attribute[] => [text(1, name), nest(2, data)]

/** Reads the steps that have arrived, and calls `each` with them in order. Returns whether some were lost. */
export function readTrace({ libc, errno }: System, fd: number, each: (step: TraceStep) => void): boolean {
  const buffer = Buffer.alloc(1 << 16)
  let lost = false
  for (;;) {
    const length = libc.recv(fd, buffer, buffer.length, MSG_DONTWAIT)
    if (length < 0) {
      const reason = errno()
      if (reason === EINTR) continue
      if (reason !== 105 /* ENOBUFS */) return lost
      lost = true
      continue
    }
    messages(buffer, { from: 0, to: length }, (type, at, end) => {
      if (type === ((NFTABLES << 8) | TRACE)) each(decodeStep(buffer, at, end))
    })
  }
}

const VERDICTS: Readonly<Record<number, string>> = {
  ...{ 0: 'drop', 1: 'accept', 2: 'stolen', 3: 'queue', 4: 'repeat' },
  ...{ [-1]: 'continue', [-2]: 'break', [-3]: 'jump', [-4]: 'goto', [-5]: 'return' },
}

/** NFTA_TRACE_… of nf_tables.h. */
function decodeStep(buffer: Buffer, start: number, stop: number): TraceStep {
  let [table, chain, verdict, kind] = ['', '', '', 'rule' as TraceStep['kind']]
  let [network, transport]: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)]
  const found: { handle?: bigint; id?: number; iif?: number; oif?: number; mark?: number } = {}
  const copy = (at: number, end: number): Buffer => Buffer.from(buffer.subarray(at, end))
  attributes(buffer, start + 4, stop, (type, at, end) => {
    if (type === 1) table = string(buffer, at, end)
    else if (type === 2) chain = string(buffer, at, end)
    else if (type === 3) found.handle = buffer.readBigUInt64BE(at)
    else if (type === 4) kind = (['rule', 'policy', 'return', 'rule'] as const)[buffer.readUInt32BE(at) & 3] ?? 'rule'
    else if (type === 5) verdict = verdictText(buffer, at, end)
    else if (type === 6) found.id = buffer.readUInt32BE(at)
    else if (type === 8) network = copy(at, end)
    else if (type === 9) transport = copy(at, end)
    else if (type === 10) found.iif = buffer.readUInt32BE(at)
    else if (type === 12) found.oif = buffer.readUInt32BE(at)
    else if (type === 14) found.mark = buffer.readUInt32BE(at)
    else if (type === 16) verdict = VERDICTS[buffer.readInt32BE(at)] ?? ''
  })
  return {
    ...{ family: FAMILIES[buffer[start] ?? 0] ?? '', table, chain, kind, verdict, ...found },
    ...(network.length && { bytes: Buffer.concat([network, betweenIn(network, transport), transport]) }),
  }
}

/**
 * The header between the two of a fragment of IPv6, which the kernel does not report. TCP sends none, so it is ICMPv6 when it looks like
 * an echo, and UDP otherwise.
 */
function betweenIn(network: Buffer, transport: Buffer): Buffer {
  if ((network[0] ?? 0) >> 4 !== 6 || network[6] !== FRAGMENT) return Buffer.alloc(0)
  const header = Buffer.alloc(8)
  header[0] = [128, 129].includes(transport[0] ?? 0) ? PROTOCOL.icmp6 : PROTOCOL.udp
  return header
}

function verdictText(buffer: Buffer, start: number, stop: number): string {
  let [code, chain] = ['', '']
  attributes(buffer, start, stop, (type, at, end) => {
    if (type === 1) code = VERDICTS[(buffer.readInt32BE(at) << 24) >> 24] ?? VERDICTS[buffer.readInt32BE(at)] ?? ''
    else if (type === 2) chain = string(buffer, at, end)
  })
  return chain === '' ? code : `${code} ${chain}`
}

import { addressText, attributes, bits, linkLayer } from './answer.ts'
import { NotUnderstood } from './parse-words.ts'

type Data = Record<string, unknown>

type Read = (bytes: Buffer, at: number, end: number, nameOf: (index: number) => string) => unknown
const u8: Read = (bytes, at) => bytes[at]
const u16: Read = (bytes, at) => bytes.readUInt16LE(at)
const u32: Read = (bytes, at) => bytes.readUInt32LE(at)
const flag: Read = (bytes, at) => bytes[at] !== 0
/** What is printed only when it is on. */
const only: Read = (bytes, at) => bytes[at] !== 0 || undefined
/** 64 bits, of which no time needs more than 32. */
const time = u32
const hex = (value: number): string => (value ? `0x${value.toString(16)}` : '0')
const mask: Read = (bytes, at) => hex(bytes.readUInt16LE(at))
const ip: Read = (bytes, at, end) =>
  bytes.subarray(at, end).every((b) => b === 0) ? undefined : addressText(bytes, at, end)
const named =
  (words: Readonly<Record<number, string>>, size: (bytes: Buffer, at: number) => number): Read =>
  (bytes, at) =>
    words[size(bytes, at)]
const unknown: Read = () => {
  throw new NotUnderstood()
}
const target =
  (family: '' | '6') =>
  (value: unknown): string =>
    `${/^(22[4-9]|23\d|ff..:)/.test(String(value)) ? 'group' : 'remote'}${family}`

/** VLAN_FLAG_* of if_vlan.h */
const vlanFlags = bits([
  [0x1, 'REORDER_HDR'],
  [0x2, 'GVRP'],
  [0x8, 'MVRP'],
  [0x4, 'LOOSE_BINDING'],
  [0x10, 'BRIDGE_BINDING'],
])

type Table = Readonly<Record<number, readonly [string | ((v: unknown) => string), Read]>>
/** IFLA_INFO_DATA by kind: attribute → name in iproute2's JSON, and value. */
const settings: Readonly<Record<string, Table>> = {
  bridge: {
    1: ['forward_delay', u32],
    2: ['hello_time', u32],
    3: ['max_age', u32],
    4: ['ageing_time', u32],
    5: ['stp_state', u32],
    6: ['priority', u16],
    7: ['vlan_filtering', u8],
    8: ['vlan_protocol', (bytes, at) => `[${bytes.readUInt16BE(at)}]`],
    9: ['group_fwd_mask', mask],
    14: ['topology_change', u8],
    20: ['group_addr', (bytes, at, end) => linkLayer(bytes, at, end, 0)],
    22: ['mcast_router', u8],
    23: ['mcast_snooping', u8],
    24: ['mcast_query_use_ifaddr', u8],
    25: ['mcast_querier', u8],
    27: ['mcast_hash_max', u32],
    28: ['mcast_last_member_cnt', u32],
    29: ['mcast_startup_query_cnt', u32],
    30: ['mcast_last_member_intvl', time],
    31: ['mcast_membership_intvl', time],
    32: ['mcast_querier_intvl', time],
    33: ['mcast_query_intvl', time],
    34: ['mcast_query_response_intvl', time],
    35: ['mcast_startup_query_intvl', time],
    36: ['nf_call_iptables', u8],
    37: ['nf_call_ip6tables', u8],
    38: ['nf_call_arptables', u8],
    39: ['vlan_default_pvid', u16],
    41: ['vlan_stats_enabled', u8],
    42: ['mcast_stats_enabled', u8],
    43: ['mcast_igmp_version', u8],
    44: ['mcast_mld_version', u8],
    45: ['vlan_stats_per_port', u8],
    46: ['options', u32],
  },
  vxlan: {
    1: ['id', u32],
    2: [target(''), ip],
    3: ['link', (bytes, at, _, nameOf) => nameOf(bytes.readUInt32LE(at))],
    4: ['local', ip],
    5: ['ttl', u8],
    6: ['tos', (bytes, at) => (bytes[at] ? hex(bytes[at] ?? 0) : undefined)],
    7: ['learning', flag],
    8: ['ageing', u32],
    11: ['proxy', only],
    12: ['rsc', only],
    13: ['l2miss', only],
    14: ['l3miss', only],
    15: ['port', (bytes, at) => bytes.readUInt16BE(at)],
    16: [target('6'), ip],
    17: ['local6', ip],
    18: ['udp_csum', flag],
    19: ['udp_zero_csum6_tx', flag],
    20: ['udp_zero_csum6_rx', flag],
    23: ['gbp', () => true],
    26: ['label', (bytes, at) => (bytes.readUInt32BE(at) ? hex(bytes.readUInt32BE(at)) : undefined)],
    29: ['df', named({ 0: 'unset', 1: 'set', 2: 'inherit' }, (b, at) => b[at] ?? 0)],
  },
  macvlan: {
    1: [
      'mode',
      named({ 1: 'private', 2: 'vepa', 4: 'bridge', 8: 'passthru', 16: 'source' }, (b, at) => b.readUInt32LE(at)),
    ],
    7: ['bcqueuelen', u32],
  },
  ipvlan: {
    1: ['mode', named({ 0: 'l2', 1: 'l3', 2: 'l3s' }, (b, at) => b.readUInt16LE(at))],
    2: ['flags', (bytes, at) => bytes.readUInt16LE(at)],
  },
  vlan: {
    1: ['id', u16],
    2: ['flags', (bytes, at) => vlanFlags(bytes.readUInt32LE(at))],
    5: ['protocol', (bytes, at) => `[${bytes.readUInt16BE(at)}]`],
  },
  vrf: { 1: ['table', u32] },
  // Owners are printed by name.
  tun: {
    1: ['user', unknown],
    2: ['group', unknown],
    3: ['type', named({ 1: 'tun', 2: 'tap' }, (b, at) => b[at] ?? 0)],
  },
}

/** IFLA_BRPORT_*: the settings of a port of a bridge. */
const port: Table = {
  2: ['priority', u16],
  3: ['cost', u32],
  4: ['hairpin', flag],
  5: ['guard', flag],
  6: ['root_block', flag],
  7: ['fastleave', flag],
  8: ['learning', flag],
  9: ['flood', flag],
  10: ['proxy_arp', flag],
  12: ['proxy_arp_wifi', flag],
  25: ['multicast_router', u8],
  27: ['mcast_flood', flag],
  28: ['mcast_to_unicast', flag],
  29: ['vlan_tunnel', flag],
  30: ['bcast_flood', flag],
  31: ['group_fwd_mask', mask],
  32: ['neigh_suppress', flag],
  33: ['isolated', flag],
  34: ['backup_port', (bytes, at, _, nameOf) => nameOf(bytes.readUInt32LE(at))],
  39: ['locked', flag],
}

function read(bytes: Buffer, table: Table, from: number, to: number, nameOf: (index: number) => string): Data {
  const result: Data = {}
  attributes(bytes, from, to, (attribute, at, end) => {
    const setting = table[attribute]
    if (!setting) return
    const [name, read] = setting
    const value = read(bytes, at, end, nameOf)
    if (value !== undefined) result[typeof name === 'string' ? name : name(value)] = value
  })
  return result
}

/** The settings in `info_data`, as iproute2 prints them. Throws NotUnderstood for a kind that is not known here. */
export function infoData(
  bytes: Buffer,
  kind: string,
  from: number,
  to: number,
  interfaceAt: (index: number) => string,
): Data {
  const table = Object.hasOwn(settings, kind) ? settings[kind] : undefined
  if (!table) throw new NotUnderstood()
  const result = read(bytes, table, from, to, interfaceAt)
  if (kind === 'bridge') {
    // BR_BOOLOPT_* of if_bridge.h
    const { options, ...rest } = result
    return { ...rest, no_linklocal_learn: Number(options) & 1, mcast_vlan_snooping: (Number(options) >> 1) & 1 }
  }
  if (kind !== 'ipvlan') return result
  const { flags, ...rest } = result
  return { ...rest, [flags === 1 ? 'private' : flags === 2 ? 'vepa' : 'bridge']: true }
}

/** The settings in `info_slave_data` of a port of a bridge, as iproute2 prints them. */
export const portData = (bytes: Buffer, from: number, to: number, nameOf: (index: number) => string): Data =>
  read(bytes, port, from, to, nameOf)

import { attribute, be16, u16, u32, u8, type Attribute } from './message.ts'
import { choice, mac, NotUnderstood, number, onOff, type Words } from './parse-words.ts'

type Value = (words: Words) => Uint8Array
const byte: Value = (words) => u8(number(words.next(), 255))
const short: Value = (words) => u16(number(words.next(), 0xffff))
const long: Value = (words) => u32(number(words.next()))
/** 64 bits, of which no time needs more than 32. */
const time: Value = (words) => Uint8Array.of(...long(words), 0, 0, 0, 0)
const flag: Value = (words) => u8(onOff(words) ? 1 : 0)

/** IFLA_BR_*; times in hundredths of a second. Fixed names come from iproute2's ip/iplink_bridge.c. */
const settings: Readonly<Record<string, readonly [number, Value]>> = {
  forward_delay: [1, long],
  hello_time: [2, long],
  max_age: [3, long],
  ageing_time: [4, long],
  stp_state: [5, long],
  priority: [6, short],
  vlan_filtering: [7, byte],
  vlan_protocol: [8, (words) => be16(choice({ '802.1Q': 0x8100, '802.1ad': 0x88a8 }, words.next()))],
  group_fwd_mask: [9, short],
  group_address: [20, (words) => mac(words.next())],
  mcast_router: [22, byte],
  mcast_snooping: [23, byte],
  mcast_query_use_ifaddr: [24, byte],
  mcast_querier: [25, byte],
  mcast_hash_max: [27, long],
  mcast_last_member_count: [28, long],
  mcast_startup_query_count: [29, long],
  mcast_last_member_interval: [30, time],
  mcast_membership_interval: [31, time],
  mcast_querier_interval: [32, time],
  mcast_query_interval: [33, time],
  mcast_query_response_interval: [34, time],
  mcast_startup_query_interval: [35, time],
  nf_call_iptables: [36, byte],
  nf_call_ip6tables: [37, byte],
  nf_call_arptables: [38, byte],
  vlan_default_pvid: [39, short],
  vlan_stats_enabled: [41, byte],
  mcast_stats_enabled: [42, byte],
  mcast_igmp_version: [43, byte],
  mcast_mld_version: [44, byte],
  vlan_stats_per_port: [45, byte],
}
/** Bits of IFLA_BR_MULTI_BOOLOPT (BR_BOOLOPT_* of if_bridge.h). */
const options: Readonly<Record<string, number>> = { no_linklocal_learn: 1, mcast_vlan_snooping: 2 }
const MULTI_BOOLOPT = 46

/** IFLA_BRPORT_* */
const portSettings: Readonly<Record<string, readonly [number, Value]>> = {
  priority: [2, short],
  cost: [3, long],
  hairpin: [4, flag],
  guard: [5, flag],
  root_block: [6, flag],
  fastleave: [7, flag],
  learning: [8, flag],
  flood: [9, flag],
  proxy_arp: [10, flag],
  proxy_arp_wifi: [12, flag],
  mcast_router: [25, byte],
  mcast_flood: [27, flag],
  mcast_to_unicast: [28, flag],
  vlan_tunnel: [29, flag],
  bcast_flood: [30, flag],
  group_fwd_mask: [31, short],
  neigh_suppress: [32, flag],
  isolated: [33, flag],
  locked: [39, flag],
}

/** The attributes of the words after `type bridge`. */
export function bridge(words: Words): Attribute[] {
  const result: Attribute[] = []
  let [chosen, on] = [0, 0]
  while (words.more()) {
    const word = words.next()
    if (Object.hasOwn(options, word)) {
      const bit = options[word] ?? 0
      chosen |= bit
      if (number(words.next(), 1) === 1) on |= bit
      continue
    }
    const [type, value] = choice(settings, word)
    result.push(attribute(type, value(words)))
  }
  return chosen ? [...result, attribute(MULTI_BOOLOPT, Uint8Array.of(...u32(on), ...u32(chosen)))] : result
}

/** The attributes of the words after `type bridge_slave`. */
export function port(words: Words): Attribute[] {
  const result: Attribute[] = []
  while (words.more()) {
    const [type, value] = choice(portSettings, words.next())
    result.push(attribute(type, value(words)))
  }
  if (result.length === 0) throw new NotUnderstood()
  return result
}

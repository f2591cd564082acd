import { canonicalAddress, familyOf } from '../../model/cidr.ts'
import type { Field, LinkAttribute, LinkType } from '../../model/link-type.ts'
import { isGroupMac, isMac } from '../lab-entry.ts'
import { ifIndex, ipAddresses, mac, u16, u32, u8 } from './attributes.ts'

/** What most fields of a bond are: the word is the name of the field. */
const number = (
  attribute: LinkAttribute,
  description: string,
  [minimum, maximum]: readonly [number, number],
  fallback: number,
  more: Partial<Field> = {},
): Field => ({
  attribute,
  schema: { type: 'integer', minimum, maximum, description: `${description} Default: ${fallback}.` },
  fallback,
  ...more,
})
const choice = (
  attribute: LinkAttribute,
  words: readonly string[],
  description: string,
  more: Partial<Field> = {},
): Field => ({
  attribute: { ...attribute, words: Object.fromEntries(words.map((word, number) => [word, number])) },
  schema: { enum: words, description: `${description} Default: ${words[0]}.` },
  fallback: words[0],
  ...more,
})
const toggle = (
  name: string,
  attribute: LinkAttribute,
  description: string,
  fallback: boolean,
  more: Partial<Field> = {},
): Field => ({
  attribute,
  schema: { type: 'boolean', description: `${description} Default: ${fallback}.` },
  words: (v) => [name, v === true ? '1' : '0'],
  read: ({ [more.json ?? name]: value }) => (value === undefined ? undefined : value === 1 || value === 'on'),
  fallback,
  ...more,
})

/** The fields of one mode (bond_opts in drivers/net/bonding/bond_options.c). */
const modes = (...values: string[]): Pick<Field, 'only'> => ({ only: { field: 'mode', values } })
const lacp = modes('802.3ad')
const balanced = modes('balance-tlb', 'balance-alb')
const withPrimary = modes('active-backup', 'balance-tlb', 'balance-alb')
const WITHOUT_LACP = ['balance-rr', 'active-backup', 'balance-xor', 'broadcast']
const withArp = modes(...WITHOUT_LACP)
const down: Pick<Field, 'changedWhen'> = { changedWhen: 'down' }

/** Without `miimon` the kernel takes no delay, not even 0 (bond_option_updelay_set in drivers/net/bonding/bond_options.c). */
const unwatched: Pick<Field, 'first'> = { first: ({ miimon }) => (miimon ?? 0) === 0 }

const LONG = 0x7fffffff
const targets = (name: string, number: number, family: 4 | 6, description: string): Field => ({
  attribute: ipAddresses(number),
  schema: { type: 'array', items: { type: 'string' }, maxItems: 16, description: `${description} Default: none.` },
  normal: (value) => (value as readonly unknown[]).map((text) => canonicalAddress(String(text)) ?? text),
  wrong: (value) => {
    const odd = (value as readonly unknown[]).find((text) => {
      const address = canonicalAddress(String(text))
      return address === undefined || familyOf(address) !== family
    })
    return odd === undefined ? undefined : `"${String(odd)}" is not an IPv${family} address`
  },
  words: (v) => [name, (v as readonly string[]).join(',')],
  read: ({ [name]: all }) => all ?? [],
  fallback: [],
  ...withArp,
})

/** Several interfaces as one (Documentation/networking/bonding.rst; ip-link(8), "bond"). */
export const bond: LinkType = {
  name: 'bond',
  description: 'A bond: several interfaces that act as one. Its ports name it as `master`.',
  example:
    'interfaces:\n  bond0: { type: bond, mode: active-backup, miimon: 100, primary: eth0, addresses: [10.0.0.1/24] }\n  eth0: { master: bond0 }\n  eth1: { master: bond0 }',
  fields: {
    mode: choice(
      u8(1),
      ['balance-rr', 'active-backup', 'balance-xor', 'broadcast', '802.3ad', 'balance-tlb', 'balance-alb'],
      'How the ports share the traffic.',
      { changedWhen: 'without ports' },
    ),
    miimon: number(u32(3), 'Milliseconds between checks of the ports’ link state; 0: no checks.', [0, LONG], 0, {
      // bond_option_mode_set in drivers/net/bonding/bond_options.c; the default of the kernel without LACP is 0.
      initialBeside: ({ mode }) => (WITHOUT_LACP.includes(String(mode ?? 'balance-rr')) ? undefined : 100), // prettier-ignore
    }),
    updelay: number(
      u32(4),
      'Milliseconds to wait before a port whose link came up is used; a multiple of `miimon`.',
      [0, LONG],
      0,
      unwatched,
    ),
    downdelay: number(
      u32(5),
      'Milliseconds to wait before a port whose link went down is disabled; a multiple of `miimon`.',
      [0, LONG],
      0,
      unwatched,
    ),
    peer_notify_delay: number(
      u32(28),
      'Milliseconds between the announcements of `num_grat_arp`; a multiple of `miimon`.',
      [0, 300000],
      0,
      unwatched,
    ),
    use_carrier: toggle(
      'use_carrier',
      u8(6),
      'Whether the link state comes from the driver’s carrier state (otherwise from MII or ethtool).',
      true,
    ),
    arp_interval: number(u32(7), 'Milliseconds between ARP requests that test the ports; 0: no requests.', [0, LONG], 0, withArp), // prettier-ignore
    arp_ip_target: targets('arp_ip_target', 8, 4, 'IPv4 addresses to which the ARP requests are sent.'),
    ns_ip6_target: targets('ns_ip6_target', 31, 6, 'IPv6 addresses to which neighbour solicitations are sent.'),
    arp_validate: choice(
      { ...u32(9), print: 'or null' },
      ['none', 'active', 'backup', 'all', 'filter', 'filter_active', 'filter_backup'],
      'The ports whose ARP traffic is validated or filtered.',
      { ...withArp, read: ({ arp_validate }) => arp_validate ?? 'none' },
    ),
    arp_all_targets: choice(u32(10), ['any', 'all'], 'How many targets of `arp_ip_target` must answer.', withArp),
    arp_missed_max: number(u8(30), 'Number of unanswered requests after which a port counts as down.', [1, 255], 2, withArp), // prettier-ignore
    primary: {
      attribute: ifIndex(11),
      schema: { type: 'string', description: 'The preferred port: used whenever it is up. Default: none.' },
      // `ip` has no word for none; lo is not a port.
      words: (v) => ['primary', v === '' ? 'lo' : String(v)],
      fallback: '',
      ofPorts: true,
      ...withPrimary,
    },
    primary_reselect: choice(
      u8(12),
      ['always', 'better', 'failure'],
      'When traffic moves back to `primary` after `primary` has recovered.',
    ),
    fail_over_mac: choice(
      u8(13),
      ['none', 'active', 'follow'],
      'How MAC addresses are set on the ports, and what happens to them on failover (active-backup).',
      {
        changedWhen: 'without ports',
      },
    ),
    xmit_hash_policy: choice(
      u8(14),
      ['layer2', 'layer3+4', 'layer2+3', 'encap2+3', 'encap3+4', 'vlan+srcmac'],
      'Which parts of a packet select its port.',
    ),
    resend_igmp: number(u32(15), 'Number of IGMP membership reports sent after a failover.', [0, 255], 1),
    num_grat_arp: number(
      u8(16),
      'Number of gratuitous ARPs (and neighbour advertisements) sent after a failover.',
      [0, 255],
      1,
      {
        json: 'num_peer_notif',
      },
    ),
    all_slaves_active: toggle(
      'all_slaves_active',
      u8(17),
      'Whether frames received on inactive ports are accepted.',
      false,
    ),
    min_links: number(u32(18), 'Number of links that must be up for the bond to be up.', [0, LONG], 0),
    lp_interval: number(u32(19), 'Seconds between the learning packets sent to switches.', [1, LONG], 1),
    packets_per_slave: number(u32(20), 'Number of packets sent through one port before the next port is used; 0: a random port.', [0, 65535], 1, modes('balance-rr')), // prettier-ignore
    lacp_active: toggle(
      'lacp_active',
      u8(29, { print: 'on or off' }),
      'Whether the bond sends LACP packets on its own (otherwise only in answer).',
      true,
      {
        json: 'ad_lacp_active',
        words: (v) => ['lacp_active', v === true ? 'on' : 'off'],
        ...lacp,
        ...down,
      },
    ),
    lacp_rate: choice(u8(21), ['slow', 'fast'], 'How often the other side is asked to send LACP packets: every 30 s (slow) or every second (fast).', { json: 'ad_lacp_rate', ...lacp, ...down }), // prettier-ignore
    ad_select: choice(
      u8(22),
      ['stable', 'bandwidth', 'count'],
      'How the active aggregator is chosen if there are several.',
      down,
    ),
    ad_actor_sys_prio: number(u16(24), 'LACP system priority.', [1, 65535], 65535, lacp),
    ad_user_port_key: number(u16(25), 'Upper ten bits of the LACP port key.', [0, 1023], 0, {
      ...lacp,
      ...down,
    }),
    ad_actor_system: {
      attribute: mac(26),
      schema: { type: 'string', description: 'LACP system MAC address. Default: that of the bond.' },
      normal: (value) => String(value).toLowerCase(),
      wrong: (value) =>
        isMac(String(value).toLowerCase()) && !isGroupMac(String(value))
          ? undefined
          : `"${String(value)}" is not a MAC address of one system`,
      fallback: '00:00:00:00:00:00',
      ...lacp,
    },
    tlb_dynamic_lb: toggle('tlb_dynamic_lb', u8(27), 'Whether flows are moved between ports according to the load (balance-tlb).', true, { ...balanced, ...down }), // prettier-ignore
  },
  state: { active_slave: ifIndex(2) },
  setSingly: true,
  wrong: ({
    miimon = 0,
    arp_interval = 0,
    updelay,
    downdelay,
    peer_notify_delay,
    arp_ip_target,
    ns_ip6_target,
    ...spec
  }) => {
    const delays = { updelay, downdelay, peer_notify_delay }
    for (const [name, delay] of Object.entries(delays))
      if (Number(delay ?? 0) > 0 && (miimon === 0 || Number(delay) % Number(miimon) !== 0))
        return [name, miimon === 0 ? `${name} needs miimon` : `${name} is not a multiple of miimon (${String(miimon)})`]
    if (miimon !== 0 && arp_interval !== 0) return ['arp_interval', 'miimon and arp_interval exclude each other']
    if (arp_interval !== 0 && !arp_ip_target && !ns_ip6_target)
      return ['arp_interval', 'arp_interval needs arp_ip_target or ns_ip6_target']
    if (spec['arp_validate'] !== undefined && arp_interval === 0)
      return ['arp_validate', 'arp_validate needs arp_interval']
    return undefined
  },
  mtu: () => 1500,
  feature: { module: 'bonding', config: 'CONFIG_BONDING', probe: 'ip link add name x0 type bond' },
  hasPorts: true,
  bundles: true,
  macOfPorts: true,
  byType: true,
}

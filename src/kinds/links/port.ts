import type { Field, LinkType } from '../../model/link-type.ts'
import { ifIndex, toggled, u16, u32, u8 } from './attributes.ts'

const toggle = (word: string, number: number, description: string, fallback: boolean): Field => ({
  attribute: toggled(number),
  schema: { type: 'boolean', description: `${description} Default: ${fallback}.` },
  words: (v) => [word, v === true ? 'on' : 'off'],
  fallback,
})

/** What `ip` prints as `0x4008`, or `0`. */
const mask = (value: unknown): number | undefined => (value === undefined ? undefined : Number(value))

/** A mask of link-local groups (01:80:c2:00:00:0X), bit X for each, that are passed on; `never`: those that cannot be. */
export const groupMask = (number: number, description: string, never: number, why: string): Field => ({
  attribute: u16(number, { print: 'hex' }),
  schema: { type: 'integer', minimum: 0, maximum: 65535, description: `${description} Default: 0.`, examples: [16384] },
  read: ({ group_fwd_mask }) => mask(group_fwd_mask),
  wrong: (value) => (Number(value) & never ? why : undefined),
  fallback: 0,
})

/** Who may be behind a port, or a bridge, that routes multicast: 3, which the kernel chooses for a while, is 1. */
export const multicastRouter = (json: string, number: number, description: string): Field => ({
  attribute: u8(number),
  json,
  schema: {
    type: 'integer',
    minimum: 0,
    maximum: 2,
    description: `${description} 0: never, 1: when one is heard, 2: always. Default: 1.`,
  },
  words: (v) => ['mcast_router', String(v)],
  read: ({ [json]: value }) => (value === 3 ? 1 : value),
  fallback: 1,
})

/** Settings of the ports of a bridge (ip-link(8), "bridge_slave"; bridge(8), "bridge link set"), by iproute2's name. */
export const portTable: Readonly<Record<string, Field>> = {
  cost: {
    attribute: u32(3),
    schema: {
      type: 'integer',
      minimum: 1,
      maximum: 65535,
      description: 'STP path cost of the port. Default: derived from its speed; 2 for a link.',
    },
  },
  priority: {
    attribute: u16(2),
    schema: {
      type: 'integer',
      minimum: 0,
      maximum: 63,
      description: 'STP priority of the port; the lowest wins. Default: 32.',
    },
    fallback: 32,
  },
  guard: toggle('guard', 5, 'Whether the port is disabled when it receives an STP packet (BPDU guard).', false),
  root_block: toggle('root_block', 6, 'Whether the port is prevented from becoming the root port (root guard).', false),
  hairpin: toggle('hairpin', 4, 'Whether frames may leave through the port at which they arrived.', false),
  isolated: toggle('isolated', 33, 'Whether the port is isolated: no frames pass between isolated ports.', false),
  learning: toggle('learning', 8, 'Whether the bridge learns MAC addresses at the port.', true),
  flood: toggle('flood', 9, 'Whether frames to unknown MAC addresses are sent to the port.', true),
  mcast_flood: toggle(
    'mcast_flood',
    27,
    'Whether multicast frames without a known listener are sent to the port.',
    true,
  ),
  bcast_flood: toggle('bcast_flood', 30, 'Whether broadcast frames are sent to the port.', true),
  mcast_router: multicastRouter('multicast_router', 25, 'Whether a multicast router is behind the port.'),
  mcast_to_unicast: toggle(
    'mcast_to_unicast',
    28,
    'Whether multicast frames are sent to each listener as unicast.',
    false,
  ),
  fastleave: toggle(
    'fastleave',
    7,
    'Whether a group is removed from the port at the first leave message, without a query for other listeners.',
    false,
  ),
  proxy_arp: toggle(
    'proxy_arp',
    10,
    'Whether the bridge answers ARP requests on behalf of hosts behind other ports (proxy ARP).',
    false,
  ),
  proxy_arp_wifi: toggle(
    'proxy_arp_wifi',
    12,
    'Proxy ARP as wireless access points need it (IEEE 802.11, Hotspot 2.0).',
    false,
  ),
  neigh_suppress: toggle(
    'neigh_suppress',
    32,
    'Whether the bridge answers ARP requests and neighbour solicitations from its neighbour table instead of flooding them.',
    false,
  ),
  vlan_tunnel: toggle('vlan_tunnel', 29, 'Whether VLANs are mapped to tunnel ids.', false),
  locked: toggle('locked', 39, 'Whether the port accepts only frames from known MAC addresses (IEEE 802.1X).', false),
  // br_setport in net/bridge/br_netlink.c (BR_GROUPFWD_MACPAUSE).
  group_fwd_mask: groupMask(
    31,
    'Bit mask of the link-local groups that the port forwards; 16384 forwards LLDP.',
    0b010,
    'pause frames (2) never pass a port',
  ),
  backup_port: {
    attribute: ifIndex(34),
    schema: {
      type: 'string',
      minLength: 1,
      description: 'Another port of the bridge, which gets the frames for this port while it is down. Default: none.',
      examples: ['eth1'],
    },
    // Both must be ports of the bridge (nbp_backup_change in net/bridge/br_if.c).
    ofPorts: true,
    words: (v) => (v === '' ? ['nobackup_port'] : ['backup_port', String(v)]),
    fallback: '',
  },
}

/** What a lab calls a setting of ports: where the type has a field of that name, `port_` comes before it. */
const portName = ({ fields }: LinkType, name: string): string => (name in fields ? `port_${name}` : name)

const byType = new Map<LinkType, ReadonlyMap<string, Field & { readonly name: string }>>()

/** The settings of ports of a type, by name in a lab, with iproute2's. */
export function portFields(type: LinkType): ReadonlyMap<string, Field & { readonly name: string }> {
  let all = byType.get(type)
  if (!all) {
    const cost = type.portCost === undefined ? {} : { fallback: type.portCost }
    all = new Map(
      Object.entries(portTable).map(([name, field]) => [
        portName(type, name),
        { ...field, name, json: field.json ?? name, ...(name === 'cost' && cost) },
      ]),
    )
    byType.set(type, all)
  }
  return all
}

/** By name, what a lab can say of the ports of bridges: schemas. */
export const portSchemas: Readonly<Record<string, Readonly<Record<string, unknown>>>> = Object.fromEntries(
  Object.entries(portTable).flatMap(([name, { schema }]) => (schema ? [[name, schema]] : [])),
)

import type { Field, LinkType } from '../../model/link-type.ts'

const toggle = (word: string, description: string, fallback: boolean): Field => ({
  schema: { type: 'boolean', description: `${description} Default: ${fallback}.` },
  words: (v) => [word, v === true ? 'on' : 'off'],
  read: (data) => data[word],
  fallback,
})
const number = (word: string, description: string, maximum: number, fallback: number): Field => ({
  schema: { type: 'integer', minimum: 0, maximum, description: `${description} Default: ${fallback}.` },
  fallback,
})

/** What `ip` prints as `0x4008`, or `0`. */
const mask = (value: unknown): number | undefined => (value === undefined ? undefined : Number(value))

/** A mask of link-local groups (01:80:c2:00:00:0X), bit X for each, that are passed on; `never`: those that cannot be. */
export const groupMask = (description: string, never: number, why: string): Field => ({
  schema: { type: 'integer', minimum: 0, maximum: 65535, description: `${description} Default: 0.`, examples: [16384] },
  words: (v) => ['group_fwd_mask', String(v)],
  read: ({ group_fwd_mask }) => mask(group_fwd_mask),
  wrong: (value) => (Number(value) & never ? why : undefined),
  fallback: 0,
})

/** Who may be behind a port, or a bridge, that routes multicast: 3, which the kernel chooses for a while, is 1. */
export const router = (name: string, description: string): Field => ({
  schema: {
    type: 'integer',
    minimum: 0,
    maximum: 2,
    description: `${description} 0: never, 1: when one is heard, 2: always. Default: 1.`,
  },
  words: (v) => ['mcast_router', String(v)],
  read: ({ [name]: value }) => (value === 3 ? 1 : value),
  fallback: 1,
})

/** Settings of the ports of a bridge (ip-link(8), "bridge_slave"; bridge(8), "bridge link set"). */
const table: Readonly<Record<string, Field>> = {
  cost: {
    schema: {
      type: 'integer',
      minimum: 1,
      maximum: 65535,
      description: 'Cost of the way through the port, for STP. Default: what follows from its speed; 2 for a link.',
    },
  },
  priority: number('priority', 'Priority among the ports of the bridge, for STP; the lowest wins.', 63, 32),
  guard: toggle('guard', 'Whether the port is shut when a switch announces itself behind it (BPDU guard).', false),
  root_block: toggle('root_block', 'Whether the port can never lead to the root bridge.', false),
  hairpin: toggle('hairpin', 'Whether frames may leave by the port that they came in by.', false),
  isolated: toggle('isolated', 'Whether frames do not pass between it and other isolated ports.', false),
  learning: toggle('learning', 'Whether the bridge learns the MAC addresses behind it.', true),
  flood: toggle('flood', 'Whether frames for unknown addresses are sent to it.', true),
  mcast_flood: toggle('mcast_flood', 'Whether multicast frames that nobody asked for are sent to it.', true),
  bcast_flood: toggle('bcast_flood', 'Whether broadcast frames are sent to it.', true),
  mcast_router: router('multicast_router', 'Whether a router of multicast is behind the port.'),
  mcast_to_unicast: toggle('mcast_to_unicast', 'Whether multicast frames go to each listener on its own.', false),
  fastleave: toggle('fastleave', 'Whether a group is left at once, without asking whether others listen.', false),
  proxy_arp: toggle('proxy_arp', 'Whether the bridge answers ARP for what is behind other ports.', false),
  proxy_arp_wifi: toggle('proxy_arp_wifi', 'The same, as access points need it (IEEE 802.11).', false),
  neigh_suppress: toggle(
    'neigh_suppress',
    'Whether ARP and neighbour solicitations are answered from what is known, and not flooded.',
    false,
  ),
  vlan_tunnel: toggle('vlan_tunnel', 'Whether VLANs are mapped to tunnels.', false),
  locked: toggle('locked', 'Whether only frames from known MAC addresses come in (IEEE 802.1X).', false),
  // br_setport in net/bridge/br_netlink.c (BR_GROUPFWD_MACPAUSE).
  group_fwd_mask: groupMask(
    'Link-local groups that pass the port, as bits: 16384 lets LLDP through.',
    0b010,
    'pause frames (2) never pass a port',
  ),
  // Another port may not be one yet when this one is set: a lab cannot ask for it.
  backup_port: {
    words: (v) => (v === '' ? ['nobackup_port'] : ['backup_port', String(v)]),
    fallback: '',
  },
}

const byType = new Map<LinkType, ReadonlyMap<string, Field>>()

/** The settings of ports of a type, by name in a lab; where the type has a field of a name, `port_` comes before it. */
export function portFields(type: LinkType): ReadonlyMap<string, Field> {
  let all = byType.get(type)
  if (!all) {
    const cost = type.portCost === undefined ? {} : { fallback: type.portCost }
    all = new Map(
      Object.entries(table).map(([name, field]) => [
        name in type.fields ? `port_${name}` : name,
        {
          words: (v: unknown) => [name, String(v)],
          read: (data) => data[name],
          ...field,
          ...(name === 'cost' && cost),
        },
      ]),
    )
    byType.set(type, all)
  }
  return all
}

/** By name, what a lab can say of the ports of bridges: schemas. */
export const portSchemas: Readonly<Record<string, Readonly<Record<string, unknown>>>> = Object.fromEntries(
  Object.entries(table).flatMap(([name, { schema }]) => (schema ? [[name, schema]] : [])),
)

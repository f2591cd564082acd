import type { LinkType } from '../../model/link-type.ts'
import { bridge } from './bridge.ts'
import { dummy } from './dummy.ts'
import { gre } from './gre.ts'
import { ifb } from './ifb.ts'
import { ipvlan } from './ipvlan.ts'
import { loopback } from './loopback.ts'
import { macvlan } from './macvlan.ts'
import { tap } from './tap.ts'
import { veth } from './veth.ts'
import { vlan } from './vlan.ts'
import { vrf } from './vrf.ts'
import { vxlan } from './vxlan.ts'
import { wireguard } from './wireguard.ts'

/** Every type of interface that a lab can have. */
export const linkTypes: readonly LinkType[] = [
  loopback,
  bridge,
  veth,
  dummy,
  vxlan,
  macvlan,
  ipvlan,
  vlan,
  vrf,
  ifb,
  tap,
  wireguard,
  gre,
]

/** By name. */
export const typesByName: ReadonlyMap<string, LinkType> = new Map(linkTypes.map((type) => [type.name, type]))

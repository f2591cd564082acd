import type { LinkType } from '../../model/link-type.ts'
import { bond } from './bond.ts'
import { bridge } from './bridge.ts'
import { dummy } from './dummy.ts'
import { geneve } from './geneve.ts'
import { gre, gretap } from './gre.ts'
import { ip6gre, ip6gretap, ip6tnl } from './ip6-tunnels.ts'
import { ipip, sit } from './ipip.ts'
import { vti, vti6 } from './vti.ts'
import { ifb } from './ifb.ts'
import { ipvlan } from './ipvlan.ts'
import { loopback } from './loopback.ts'
import { macsec } from './macsec.ts'
import { macvlan, macvtap } from './macvlan.ts'
import { nlmon } from './nlmon.ts'
import { tap } from './tap.ts'
import { team } from './team.ts'
import { veth } from './veth.ts'
import { vlan } from './vlan.ts'
import { vrf } from './vrf.ts'
import { vxlan } from './vxlan.ts'
import { wireguard } from './wireguard.ts'
import { xfrm } from './xfrm.ts'

/** Every type of interface that a lab can have. */
export const linkTypes: readonly LinkType[] = [
  loopback,
  bridge,
  veth,
  dummy,
  vxlan,
  macsec,
  macvlan,
  ipvlan,
  vlan,
  vrf,
  ifb,
  tap,
  wireguard,
  gre,
  bond,
  ipip,
  sit,
  gretap,
  ip6gre,
  ip6gretap,
  ip6tnl,
  vti,
  vti6,
  geneve,
  macvtap,
  nlmon,
  xfrm,
  team,
]

/** By name. */
export const typesByName: ReadonlyMap<string, LinkType> = new Map(linkTypes.map((type) => [type.name, type]))

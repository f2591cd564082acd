import type { LinkType } from '../model/link.ts'
import { bridge } from './bridge.ts'
import { dummy } from './dummy.ts'
import { loopback } from './loopback.ts'
import { macvlan } from './macvlan.ts'
import { veth } from './veth.ts'
import { vxlan } from './vxlan.ts'

/** Every type of interface that a lab can have. */
export const linkTypes: readonly LinkType[] = [loopback, bridge, veth, dummy, vxlan, macvlan]

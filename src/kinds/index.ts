import type { Kind } from '../model/kind.ts'
import { address } from './address.ts'
import { borrowed } from './borrowed.ts'
import { device } from './links/device.ts'
import { ethtool } from './ethtool.ts'
import { file } from './file.ts'
import { privateFolder } from './folder.ts'
import { home } from './home.ts'
import { existing } from './links/existing.ts'
import { fdb } from './fdb.ts'
import { fou } from './fou.ts'
import { ipset } from './ipset.ts'
import { ip6tables, iptables } from './iptables.ts'
import { linkKind } from './links/link.ts'
import { macsecKeys } from './links/macsec-keys.ts'
import { mdb } from './mdb.ts'
import { namespace } from './namespace.ts'
import { neighbor } from './neighbor.ts'
import { nexthop } from './nexthop.ts'
import { nftables } from './nftables.ts'
import { process } from './process.ts'
import { qdisc } from './qdisc.ts'
import { route } from './route.ts'
import { rule } from './rule.ts'
import { setup } from './setup.ts'
import { share } from './share.ts'
import { sysctl } from './sysctl.ts'
import { tc } from './tc.ts'
import { linkTypes } from './links/link-types.ts'
import { vlans } from './vlans.ts'
import { wg } from './links/wireguard.ts'

const table: readonly Kind[] = [
  namespace,
  share,
  borrowed,
  sysctl,
  ...linkTypes.map(linkKind),
  device,
  existing,
  wg,
  macsecKeys,
  vlans,
  ethtool,
  fdb,
  mdb,
  address,
  neighbor,
  fou,
  nexthop,
  route,
  rule,
  qdisc,
  tc,
  iptables,
  ip6tables,
  ipset,
  nftables,
  home,
  privateFolder,
  file,
  setup,
  process,
]

/** The table of kinds, by name, in the order in which plans list them within a namespace. */
export const kinds: ReadonlyMap<string, Kind> = new Map(table.map((kind) => [kind.name, kind]))

/** The kind with this name, which must be one of the table, as every resource's `kind` is. */
export function kindOf(name: string): Kind {
  const kind = kinds.get(name)
  if (!kind) throw new Error(`no kind ${name}`)
  return kind
}

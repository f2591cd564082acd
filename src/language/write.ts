import { Document, Scalar, visit } from 'yaml'
import { ipsetValue, type IpsetSpec } from '../firewall/ipset-text.ts'
import { iptablesValue } from '../kinds/iptables.ts'
import { nftablesValue } from '../kinds/nftables.ts'
import type { FdbSpec } from '../model/fdb-spec.ts'
import { impairmentsValue, type QdiscSpec } from '../kinds/qdisc.ts'
import type { IptablesSpec, NftSpec } from '../model/firewall.ts'
import type { VlansSpec } from '../kinds/vlans.ts'
import type { WgSpec } from '../kinds/links/wireguard.ts'
import { linkTypes } from '../kinds/links/link-types.ts'
import { visible } from '../model/text.ts'
import { linkId, nameOf, namespaceOf, type Resource, type Resources } from '../model/resource.ts'
import { isLink } from '../model/topology.ts'

type Plain = Record<string, unknown>

const types = new Map(linkTypes.map((type) => [type.name, type]))

/** Resources as a lab file in its long form: every interface, address and route said once, nothing implied. */
export function writeLab(name: string, resources: Resources): string {
  const namespaces: Record<string, Plain> = {}
  const at = (namespace: string): Plain => (namespaces[namespace] ??= {})
  const into = (namespace: string, field: string): Record<string, Plain> => {
    const home = at(namespace)
    return (home[field] ??= {}) as Record<string, Plain>
  }
  const listed = (namespace: string, field: string, item: Plain): void => {
    const home = at(namespace)
    home[field] = [...((home[field] as Plain[] | undefined) ?? []), item]
  }
  const settingsOf = (namespace: string, dev: string): Plain => {
    return (into(namespace, isBridge(resources.get(linkId(namespace, dev))) ? 'bridges' : 'interfaces')[dev] ??= {})
  }
  const links: { endpoints: string[] }[] = []
  for (const r of resources.values()) {
    if (r.root) at(r.namespace)['root'] = true
    switch (r.kind) {
      case 'namespace':
        Object.assign(at(r.id), r.spec['others'] === undefined ? {} : { others: r.spec['others'] })
        break
      case 'share':
        at(r.id)['shares'] = r.spec['of']
        break
      case 'existing':
        settingsOf(r.namespace, nameOf(r.id))['existing'] = true
        break
      case 'address': {
        const settings = settingsOf(r.namespace, String(r.spec['dev']))
        settings['addresses'] = [
          ...((settings['addresses'] as unknown[] | undefined) ?? []),
          addressValue(isMarked(r, resources) ? without(r.spec, 'metric') : r.spec),
        ]
        break
      }
      case 'route':
      case 'rule':
      case 'neighbor':
        listed(r.namespace, `${r.kind}s`, {
          ...onlinkOnce(without(r.spec, 'family')),
          // Without a gateway the interface's addresses would decide which family's default it is.
          ...(r.spec['to'] === 'default' && !('via' in r.spec) && { to: '0.0.0.0/0' }),
          ...(r.kind === 'rule' && isFamily6(r.spec) && { family: 'inet6' }),
        })
        break
      case 'sysctl':
        ;(into(r.namespace, 'sysctls') as Plain)[String(r.spec['key'])] = r.spec['value']
        break
      case 'iptables':
      case 'ip6tables':
        at(r.namespace)[r.kind] = iptablesValue(r.spec as unknown as IptablesSpec)
        break
      case 'nftables':
        at(r.namespace)['nftables'] = nftablesValue(r.spec as unknown as NftSpec)
        break
      case 'ipset':
        into(r.namespace, 'ipsets')[String(r.spec['name'])] = ipsetValue(r.spec as unknown as IpsetSpec)
        break
      case 'process':
        into(r.namespace, 'processes')[String(r.spec['name'])] = without(without(r.spec, 'name'), 'dir')
        break
      case 'wg': {
        const { dev, listen_port, fwmark, private_key_file, peers } = r.spec as unknown as WgSpec
        const listed = Object.entries(peers).map(([public_key, { preshared_key: _, ...peer }]) => ({
          public_key,
          ...peer,
        }))
        const settings = settingsOf(r.namespace, dev)
        Object.assign(settings, { listen_port, fwmark, private_key_file }, listed.length > 0 && { peers: listed })
        break
      }
      case 'vlans': {
        const { port, vlans } = r.spec as unknown as VlansSpec
        const settings = settingsOf(r.namespace, port)
        const pvid = Object.keys(vlans).find((vid) => vlans[vid]?.startsWith('pvid'))
        const tagged = Object.keys(vlans).filter((vid) => vid !== pvid)
        Object.assign(
          settings,
          pvid !== undefined && { pvid: Number(pvid) },
          tagged.length && { vlans: tagged.map(Number) },
        )
        break
      }
      case 'fdb': {
        const { dev, bridge: _, ...entry } = r.spec as unknown as FdbSpec
        const settings = settingsOf(r.namespace, dev)
        settings['fdb'] = [...((settings['fdb'] as object[] | undefined) ?? []), entry]
        break
      }
      case 'qdisc': {
        const dev = String(r.spec['dev'])
        const settings = settingsOf(r.namespace, dev)
        settings['impairments'] = impairmentsValue(r.spec as unknown as QdiscSpec)
        break
      }
      default:
        if (isLink(r)) writeLink(r, resources, into, links)
        else at(r.namespace)[r.kind] = r.spec
    }
  }
  const document = new Document({ name, namespaces, ...(links.length && { links }) })
  visit(document, {
    Scalar(_, scalar) {
      if (typeof scalar.value === 'string' && visible(scalar.value) !== scalar.value) scalar.type = Scalar.QUOTE_DOUBLE
    },
  })
  return visible(document.toString({ lineWidth: 120, flowCollectionPadding: true }))
}

function writeLink(
  r: Resource,
  resources: Resources,
  into: (namespace: string, field: string) => Record<string, Plain>,
  links: { endpoints: string[] }[],
): void {
  const { up, peer, link, mtuFollows, mtu, master, ...rest } = r.spec
  const type = types.get(r.kind)
  const isUsual = mtuFollows === true || mtu === type?.mtu(undefined, { up: true })
  const under = isBridge(resources.get(linkId(r.namespace, String(master))))
  const settings: Plain = {
    ...(type?.byType && { type: r.kind }),
    ...(typeof link === 'string' && {
      link: namespaceOf(link) === r.namespace ? nameOf(link) : link.replace('/', ':'),
    }),
    ...(master !== undefined && { [under ? 'bridge' : 'master']: master }),
    ...(mtu !== undefined && !isUsual && { mtu }),
    ...rest,
    ...(up === false && { up }),
  }
  if (Object.keys(settings).length || type?.hasPorts)
    into(r.namespace, r.kind === 'bridge' ? 'bridges' : 'interfaces')[nameOf(r.id)] = settings
  if (typeof peer === 'string' && r.id < peer)
    links.push({ endpoints: [r.id.replace('/', ':'), peer.replace('/', ':')] })
}

const isBridge = (r: Resource | undefined): boolean => r?.kind === 'bridge' || r?.spec['bridge'] === true
/** Whether the metric of an address is the lab's mark: on an interface of the machine's own. */
const isMarked = (r: Resource, resources: Resources): boolean =>
  resources.get(linkId(r.namespace, String(r.spec['dev'])))?.kind === 'existing'

/** An address alone where there is nothing else to say of it. */
function addressValue({ dev: _, family: __, primary: ___, address, remote, ...more }: Plain): unknown {
  const settings = { address, ...(remote !== undefined && { peer: remote }), ...more }
  return Object.keys(settings).length > 1 ? settings : address
}

/** Rules that name no address are IPv4's unless they say otherwise. */
const isFamily6 = ({ family, from, to }: Plain): boolean => family === 6 && from === undefined && to === undefined

const without = (spec: Plain, field: string): Plain =>
  Object.fromEntries(Object.entries(spec).filter(([name]) => name !== field))

/** A multipath route says once that its gateways are on the link. */
function onlinkOnce(spec: Plain): Plain {
  const hops = (spec['nexthops'] ?? []) as Plain[]
  return hops.some((hop) => hop['onlink'])
    ? { ...spec, onlink: true, nexthops: hops.map((hop) => without(hop, 'onlink')) }
    : spec
}

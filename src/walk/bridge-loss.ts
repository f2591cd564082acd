import { peerOf, placeText } from '../checks/lab-index.ts'
import { linkId, nameOf, namespaceOf } from '../model/resource.ts'
import type { Knowledge } from './end.ts'
import type { Hop } from './hops.ts'

/** Why a bridge has not passed on what came to it, in words. */
export function bridgeReason(
  { namespace, points, role }: Hop,
  bridge: string,
  { dumps, sights, labIndex }: Knowledge,
): string {
  const links = dumps.get(namespace)?.links ?? []
  const arrived = points[0]?.device
  const port = (name?: string) => links.find(({ ifname }) => ifname === name)?.linkinfo?.info_slave_data
  const state = port(arrived)?.['state']
  if (typeof state === 'string' && state !== 'forwarding')
    return `the port ${namespace}:${arrived} of ${bridge} is ${state}, and not forwarding`
  const [holder] = labIndex.live.holders(points[0]!.packet.destination)
  const towards = holder && peerOf(labIndex, namespaceOf(holder.link), nameOf(holder.link))
  const isIsolated = (name?: string): boolean => port(name)?.['isolated'] === true
  const others = links.filter(({ master, ifname }) => master === bridge && ifname !== arrived)
  const leads = others.find(({ ifname }) => linkId(namespace, ifname) === towards)?.ifname
  if (leads !== undefined && isIsolated(arrived) && isIsolated(leads))
    return `${namespace}:${arrived} and ${namespace}:${leads} are isolated ports of ${bridge}`
  const isOpen = ({ ifname, flags }: (typeof others)[number]): boolean =>
    flags.includes('LOWER_UP') &&
    !(isIsolated(arrived) && isIsolated(ifname)) &&
    port(ifname)?.['state'] === 'forwarding'
  if (others.length && !others.some(isOpen))
    return `no other port of the bridge ${namespace}:${bridge} is up and forwarding`
  const passed = sights.sightings.some(
    (one) => one.namespace === namespace && one.direction === 'out' && one.role === role,
  )
  if (!passed) return `the bridge ${namespace}:${bridge} has not passed it on; why is unknown`
  const down =
    holder && labIndex.live.resources.get(holder.link)?.spec['up'] === false
      ? `; ${placeText(holder.link)} is down`
      : ''
  return `the bridge ${namespace}:${bridge} finds nobody with the MAC address that it is sent to${down}`
}

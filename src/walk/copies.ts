import type { Packet } from '../checks/packet.ts'
import { groupedBy } from '../model/grouped.ts'
import type { Sights } from './sights.ts'

/**
 * What distinguishes the copies of an opening that tcp sends again after a second: the identification of IPv4, which grows, or the flow
 * label of IPv6, by which routers with several next hops may choose another one (ip_select_ident in include/net/ip.h, tcp_write_timeout
 * in net/ipv4/tcp_timer.c). Both stay as they are on the way.
 */
export function copyOf({ bytes }: Pick<Packet, 'bytes'>): number | undefined {
  if (bytes.length < 20) return undefined
  return (bytes[0] ?? 0) >> 4 === 6 ? bytes.readUInt32BE(0) & 0xfffff : bytes.readUInt16BE(4)
}

/** The copy of an opening that came furthest, of several the first; undefined: there is only one packet. */
export function copyToFollow({ flow, sightings }: Pick<Sights, 'flow' | 'sightings'>): number | undefined {
  if (flow.protocol !== 'tcp') return undefined
  const requests = sightings.filter(({ role }) => role === 'request')
  const copies = [...groupedBy(requests, ({ packet }) => copyOf(packet))]
  return copies.reduce((best, one) => (one[1].length > best[1].length ? one : best), copies[0] ?? [undefined, []])[0]
}

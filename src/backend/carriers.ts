import { setTimeout as sleep } from 'node:timers/promises'
import { placeName, type Place } from '../model/place.ts'
import type { IpLink, Runner } from '../model/runner.ts'

/** How long carriers may take, and the pause before they are looked at again, in milliseconds. */
const [CARRIERS, SOON] = [2000, 10]

/**
 * Whether the kernel has not yet acted on the carrier of a link. It may do so up to a second later
 * (linkwatch_schedule_work in net/core/link_watch.c): until then a port of a bridge forwards nothing, and IPv6 has no routes.
 */
export const isComing = ({ flags }: IpLink): boolean =>
  flags.includes('LOWER_UP') && flags.includes('NO-CARRIER') && !flags.includes('DORMANT')

/**
 * Waits until the kernel has acted on the carriers of all links at these places that are `ours`, two seconds at most. Linux 6.8
 * and newer have done so already for what netlab set up (`settle` in netlink/perform.ts).
 */
export async function waitForCarriers(
  places: readonly Place[],
  runner: Runner,
  ours: (place: Place, link: IpLink) => boolean = () => true,
): Promise<void> {
  let left = [...new Map(places.map((place) => [placeName(place), place])).values()]
  for (const until = Date.now() + CARRIERS; left.length && Date.now() < until; await sleep(SOON)) {
    const dumps = await runner.dump(left.map((place) => ({ ...place, sysctls: [], depth: 'links' })))
    left = left.filter((place, i) => dumps[i]?.links.some((link) => isComing(link) && ours(place, link)))
    if (left.length === 0) return
  }
}

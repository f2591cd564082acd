import { setTimeout as sleep } from 'node:timers/promises'
import { placeName, type Place } from '../model/place.ts'
import type { IpLink, Runner } from '../model/runner.ts'

/** How long carriers may take, and the pause before they are looked at again, in milliseconds. */
const [CARRIERS, SOON] = [2000, 10]

/**
 * Whether the kernel has not yet acted on the carrier of a link. It may do so up to a second later
 * (linkwatch_schedule_work in net/core/link_watch.c): until then a port of a bridge forwards nothing, and IPv6 has no routes.
 * A dormant link, such as one that is cut, looks the same for ever.
 */
export const isComing = ({ flags, linkmode }: IpLink): boolean =>
  flags.includes('LOWER_UP') && flags.includes('NO-CARRIER') && linkmode !== 'DORMANT'

/** A link, by its name. */
interface Named {
  readonly place: Place
  readonly name: string
}

/**
 * Waits until the kernel has acted on the carriers of these links, two seconds at most, or until `signal` is aborted. Linux 6.8 and
 * newer have done so already for what the netlink runner set up (`settle` in netlink/perform.ts).
 */
export async function waitForCarriers(links: readonly Named[], runner: Runner, signal?: AbortSignal): Promise<void> {
  const key = (place: Place, name: string): string => `${placeName(place)} ${name}`
  let left = links
  for (const until = Date.now() + CARRIERS; left.length && Date.now() < until && !signal?.aborted; await sleep(SOON)) {
    const places = [...new Map(left.map(({ place }) => [placeName(place), place])).values()]
    const dumps = await runner.dump(places.map((place) => ({ ...place, sysctls: [], depth: 'links' })))
    const coming = new Set(
      places.flatMap((place, i) => dumps[i]?.links.filter(isComing).map(({ ifname }) => key(place, ifname)) ?? []),
    )
    left = left.filter(({ place, name }) => coming.has(key(place, name)))
    if (left.length === 0) return
  }
}

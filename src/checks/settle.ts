import { setTimeout as sleep } from 'node:timers/promises'
import type { Operation } from '../model/operation.ts'
import { placeOf, type Place } from '../model/place.ts'
import { linkId, nameOf, type Resource, type Resources } from '../model/resource.ts'
import type { IpLink, Runner } from '../model/runner.ts'
import type { Live } from '../observe/read.ts'

/** States of a port that the spanning tree leaves after some time (linux/if_bridge.h). */
const UNDECIDED = new Set(['listening', 'learning'])
const PAUSE = 200

interface Port {
  readonly linkinfo?: { readonly info_slave_data?: { readonly state?: string } }
}

/** How long carriers may take, and the pause before they are looked at again, in milliseconds. */
const [CARRIERS, SOON] = [2000, 10]
/** In how many namespaces netlab asks for carriers; with more, the kernel is faster. */
const FEW = 16

/**
 * Waits until the kernel has acted on carriers, and the spanning trees of the lab's bridges have decided: a port that comes up
 * forwards nothing for twice the forward delay. Calls `waiting` with the bridges. Returns at the latest when the kernel must have decided.
 */
export async function waitUntilSettled(
  live: Pick<Live, 'resources' | 'dumps'>,
  runner: Runner,
  waiting: (bridges: readonly string[]) => void,
): Promise<void> {
  await waitForCarriers(live, runner)
  await waitForTrees(live.resources, runner, waiting)
}

/**
 * Whether the kernel has not yet acted on the carrier of a link. It does so a little later, and at most once a second
 * (linkwatch_schedule_work in net/core/link_watch.c): until then a port of a bridge forwards nothing, and IPv6 has no routes.
 */
const isComing = ({ flags }: IpLink): boolean =>
  flags.includes('LOWER_UP') && flags.includes('NO-CARRIER') && !flags.includes('DORMANT')

/** What `look` sees of a lab when the kernel has acted on the carriers of its links. */
export async function whenSettled<Seen extends Pick<Live, 'resources' | 'dumps'>>(
  look: () => Promise<Seen>,
  runner: Runner,
): Promise<Seen> {
  const seen = await look()
  return (await waitForCarriers(seen, runner)) ? await look() : seen
}

/** Waits until the kernel has acted on the carriers of all links of a lab, as far as it was read. Returns whether it had to wait. */
async function waitForCarriers(
  { resources, dumps }: Pick<Live, 'resources' | 'dumps'>,
  runner: Runner,
): Promise<boolean> {
  const places = new Map<string, Place>()
  const coming = (name: string, links: readonly IpLink[]): IpLink[] =>
    links.filter((link) => isComing(link) && resources.has(linkId(name, link.ifname)))
  let left = [...dumps].flatMap(([name, { links }]) => (coming(name, links).length ? [name] : []))
  if (left.length === 0) return false
  for (const resource of resources.values()) places.set(resource.namespace, placeOf(resource))
  const place = (name: string): Place => places.get(name) ?? {}
  // Linux 6.8 and newer act on a carrier when somebody asks for this link alone (rtnl_getlink in net/core/rtnetlink.c).
  const questions = left.flatMap((name) =>
    coming(name, dumps.get(name)?.links ?? []).map(({ ifname }): Operation => {
      const argv = ['ip', 'link', 'show', 'dev', ifname]
      return { do: 'run', batch: 'ip', place: place(name), argv }
    }),
  )
  if (left.length <= FEW) await runner.run([questions], () => {})
  for (const until = Date.now() + CARRIERS; Date.now() < until; await sleep(SOON)) {
    const now = await runner.dump(left.map((name) => ({ ...place(name), sysctls: [], depth: 'links' })))
    left = left.filter((name, i) => coming(name, now[i]?.links ?? []).length)
    if (left.length === 0) return true
  }
  return true
}

async function waitForTrees(
  resources: Resources,
  runner: Runner,
  waiting: (bridges: readonly string[]) => void,
): Promise<void> {
  const trees = [...resources.values()].filter(
    ({ kind, spec }) => kind === 'bridge' && spec['stp'] === true && spec['up'] === true,
  )
  const delay = (spec: Readonly<Record<string, unknown>>): number => Number(spec['forward_delay'] ?? 1500) * 10
  const until = Date.now() + 2 * Math.max(0, ...trees.map(({ spec }) => delay(spec))) + 1000
  for (let left = trees; left.length && Date.now() < until;) {
    const decided = await Promise.all(left.map((resource) => isDecided(resource, runner)))
    left = left.filter((_, i) => !decided[i])
    if (!left.length) return
    waiting(left.map(({ id }) => id))
    await sleep(PAUSE)
  }
}

async function isDecided(bridge: Resource, runner: Runner): Promise<boolean> {
  const argv = ['ip', '-j', '-d', 'link', 'show', 'master', nameOf(bridge.id)]
  const { code, stdout } = await runner.host.run({ argv, ...placeOf(bridge) })
  if (code !== 0) return true
  const ports = JSON.parse(stdout || '[]') as Port[]
  return !ports.some(({ linkinfo }) => UNDECIDED.has(linkinfo?.info_slave_data?.state ?? ''))
}

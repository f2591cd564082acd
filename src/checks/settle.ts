import { setTimeout as sleep } from 'node:timers/promises'
import { isComing, waitForCarriers } from '../backend/carriers.ts'
import { placeOf } from '../model/place.ts'
import { linkId, nameOf, type Resource, type Resources } from '../model/resource.ts'
import type { Runner } from '../model/runner.ts'
import type { Live } from '../observe/read.ts'

/** States of a port that the spanning tree leaves after some time (linux/if_bridge.h). */
const UNDECIDED = new Set(['listening', 'learning'])
const PAUSE = 200

interface Port {
  readonly linkinfo?: { readonly info_slave_data?: { readonly state?: string } }
}

/**
 * Waits until the kernel has acted on carriers, and the spanning trees of the lab's bridges have decided: a port that comes up
 * forwards nothing for twice the forward delay. Calls `waiting` with the bridges. Returns at the latest when the kernel must have decided.
 */
export async function waitUntilSettled(
  live: Pick<Live, 'resources' | 'dumps'>,
  runner: Runner,
  waiting: (bridges: readonly string[]) => void,
): Promise<void> {
  await carriersOf(live, runner)
  await waitForTrees(live.resources, runner, waiting)
}

/** What `look` sees of a lab when the kernel has acted on the carriers of its links. */
export async function whenSettled<Seen extends Pick<Live, 'resources' | 'dumps'>>(
  look: () => Promise<Seen>,
  runner: Runner,
): Promise<Seen> {
  const seen = await look()
  return (await carriersOf(seen, runner)) ? await look() : seen
}

/** Waits until the kernel has acted on the carriers of all links of a lab, as far as it was read. Returns whether it had to wait. */
async function carriersOf({ resources, dumps }: Pick<Live, 'resources' | 'dumps'>, runner: Runner): Promise<boolean> {
  const links = [...dumps].flatMap(([namespace, dump]) =>
    dump.links.filter(isComing).flatMap(({ ifname: name }) => {
      const resource = resources.get(linkId(namespace, name))
      return resource ? [{ place: placeOf(resource), name }] : []
    }),
  )
  await waitForCarriers(links, runner)
  return links.length > 0
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

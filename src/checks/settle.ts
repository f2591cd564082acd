import { setTimeout as sleep } from 'node:timers/promises'
import { placeOf } from '../model/place.ts'
import { nameOf, type Resource, type Resources } from '../model/resource.ts'
import type { Runner } from '../model/runner.ts'

/** States of a port that the spanning tree leaves after some time (linux/if_bridge.h). */
const UNDECIDED = new Set(['listening', 'learning'])
const PAUSE = 200

interface Port {
  readonly linkinfo?: { readonly info_slave_data?: { readonly state?: string } }
}

/**
 * Waits until the spanning trees of the lab's bridges have decided: a port that comes up forwards nothing for twice the
 * forward delay. Calls `waiting` with the bridges. Returns at the latest when the kernel must have decided.
 */
export async function waitUntilSettled(
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

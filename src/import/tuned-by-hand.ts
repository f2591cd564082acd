import { parallel, PROGRAMS_AT_ONCE } from '../host/parallel.ts'
import {
  ETHTOOL_SCRIPT,
  ethtoolId,
  parseEthtool,
  type EthtoolSpec,
  type Tuned,
  type TunedOffload,
} from '../kinds/ethtool.ts'
import { placeOf } from '../model/place.ts'
import { nameOf, type Resource, type Resources } from '../model/resource.ts'
import type { Dump, IpLink, Runner } from '../model/runner.ts'
import { throwaway } from '../observe/throwaway.ts'

/**
 * Makes a new veth, and one with as many queues as each argument says; prints the first one as `ip` does, and what ethtool reads of all.
 */
const FRESH = `ip link add name v0 type veth peer name w0 || exit 5
for n; do ip link add name "v$n" numtxqueues "$n" numrxqueues "$n" type veth peer name "w$n" || exit 5; done
ip -j -d link show dev v0; echo
set -- v0 $(for n; do echo "v$n"; done)
${ETHTOOL_SCRIPT}`

/**
 * The resources with what somebody has set by ethtool on cables, and with how many queues they were made: all that is not as with a new cable,
 * of which one is made in a throw-away namespace. Without the program ethtool, or where no namespace can be made: as they are.
 */
export async function withTuning(
  resources: Resources,
  dumps: ReadonlyMap<string, Dump>,
  runner: Runner,
): Promise<Resources> {
  const cables = new Map<string, Resource[]>()
  for (const r of resources.values())
    if (r.kind === 'veth') cables.set(r.namespace, [...(cables.get(r.namespace) ?? []), r])
  if (cables.size === 0 || runner.host.find('ethtool') === undefined) return resources
  const countOf = ({ namespace, id }: Resource): number | undefined => {
    const link = dumps.get(namespace)?.links.find(({ ifname }) => ifname === nameOf(id))
    return link?.num_tx_queues === link?.num_rx_queues ? link?.num_tx_queues : undefined
  }
  const counts = new Set([...cables.values()].flatMap((all) => all.flatMap((r) => countOf(r) ?? [])))
  const argv = [...throwaway(runner.host), 'sh', '-c', FRESH, 'sh', ...[...counts].map(String)]
  const { code, stdout } = await runner.host.run({ argv })
  if (code === 5) return resources
  const [first = '', ...rest] = stdout.split('\n')
  const fresh = parseEthtool(rest.join('\n'))
  if (fresh.size === 0) return resources
  const usual = (JSON.parse(first) as IpLink[])[0]?.num_tx_queues
  const result = new Map(resources)
  await parallel([...cables.values()], PROGRAMS_AT_ONCE, async (all) => {
    const names = all.map(({ id }) => nameOf(id))
    const asked = { argv: ['sh', '-c', ETHTOOL_SCRIPT, 'sh', ...names], ...placeOf(all[0]!) }
    const answers = parseEthtool((await runner.host.run(asked)).stdout)
    for (const r of all) {
      const [count, answer, dev] = [countOf(r), answers.get(nameOf(r.id)), nameOf(r.id)]
      const like = fresh.get(count === undefined || count === usual ? 'v0' : `v${count}`)
      if (!answer || !like) continue
      if (count !== undefined && count !== usual) result.set(r.id, { ...r, spec: { ...r.spec, queues: count } })
      const spec = tuning(dev, answer, like, count !== undefined)
      const { namespace, borrowed } = r
      const id = ethtoolId(namespace, dev)
      if (spec) result.set(id, { id, kind: 'ethtool', namespace, ...(borrowed && { borrowed }), spec })
    }
  })
  return result
}

/** What differs from a new cable; undefined: nothing. `counted`: it has as many queues as that. */
function tuning(dev: string, now: Tuned, fresh: Tuned, counted: boolean): EthtoolSpec | undefined {
  const offload = offloads(now, fresh)
  const channels = Object.fromEntries(
    Object.entries(now.channels).filter(([name, count]) => counted && fresh.channels[name] !== count),
  )
  const spec = {
    ...(Object.keys(offload).length && { offload }),
    ...(Object.keys(channels).length && { channels }),
  }
  return Object.keys(spec).length ? { dev, ...spec } : undefined
}

/**
 * The offloads that differ, without those that follow from others: the kernel turned them off with another, or they are parts of one that is
 * off as a whole. One that is on is said by its parts, of which not all may be on.
 */
function offloads(now: Tuned, fresh: Tuned): Record<string, boolean> {
  const groups: (readonly [string, TunedOffload])[][] = []
  for (const one of now.offload) {
    if (one[1].isPart && groups.length) groups.at(-1)!.push(one)
    else groups.push([one])
  }
  const differing = groups.flatMap(([whole, ...parts]) => {
    const isSet = ([name, { on, fixed, follows }]: readonly [string, TunedOffload]): boolean =>
      !fixed && !follows && fresh.offload.has(name) && fresh.offload.get(name)?.on !== on
    const set = parts.filter(isSet)
    if (!whole || parts.length === 0) return whole && isSet(whole) ? [whole] : []
    return set.length && isSet(whole) && !whole[1].on ? [whole] : set
  })
  return Object.fromEntries(differing.map(([name, { on }]) => [name, on]))
}

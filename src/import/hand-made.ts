import { parallel, PROGRAMS_AT_ONCE } from '../host/parallel.ts'
import { generatedMac } from '../kinds/common.ts'
import { placeOf, type Place } from '../model/place.ts'
import { linkId, type Resource, type Resources } from '../model/resource.ts'
import type { Runner } from '../model/runner.ts'
import { isLink } from '../model/topology.ts'

/**
 * Prints how each interface of a namespace got its MAC address: a line `NAME TYPE`. The sysfs of a namespace is that of the process
 * which mounts it. It is not mounted at /sys, where it may be already: the kernel refuses the second of two that are the same (EBUSY).
 */
const SCRIPT = `mount -t sysfs netlab /run && cd /run/class/net && for each in *; do
  read -r type <"$each/addr_assign_type" && echo "$each $type"
done`

/** NET_ADDR_SET (include/uapi/linux/netdevice.h): somebody has chosen the address. The others are random, or another device’s. */
const CHOSEN = '3'

/**
 * The resources without MAC addresses that nobody has chosen, so that a new interface may have another one: those that netlab
 * or the kernel has made up, unless another resource names them.
 */
export async function withoutRandomMacs(resources: Resources, lab: string, runner: Runner): Promise<Resources> {
  const open = [...resources.values()].filter((r) => r.spec['mac'] !== undefined && isLink(r))
  const given = open.filter((r) => r.spec['mac'] !== generatedMac(lab, r.id))
  const places = new Map<string, Place>(given.map((r) => [r.namespace, placeOf(r)]))
  const chosen = new Set<string>()
  await parallel([...places], PROGRAMS_AT_ONCE, async ([namespace, place]) => {
    const argv = ['unshare', '--mount', 'sh', '-c', SCRIPT]
    const { code, stdout } = await runner.host.run({ argv, ...place })
    // Where it cannot be read, every address stays.
    if (code !== 0) for (const r of given) if (r.namespace === namespace) chosen.add(r.id)
    for (const line of stdout.split('\n')) {
      const [name = '', type] = line.split(' ')
      if (type === CHOSEN) chosen.add(linkId(namespace, name))
    }
  })
  const named = macsNamed(resources)
  const isKept = ({ id, spec }: Resource): boolean =>
    chosen.has(id) || spec['usualMac'] !== undefined || named.has(String(spec['mac']))
  const foreign = new Set(given)
  const dropped = new Set(open.flatMap((r) => (foreign.has(r) && isKept(r) ? [] : [r.id])))
  return new Map(
    [...resources].map(([id, r]) => {
      if (!dropped.has(id)) return [id, r]
      const { mac: _, usualMac: __, ...spec } = r.spec
      return [id, { ...r, spec }]
    }),
  )
}

/** The MAC addresses that resources other than interfaces name: static neighbours, forwarding entries, rules. */
function macsNamed(resources: Resources): Set<string> {
  const found = new Set<string>()
  for (const r of resources.values())
    if (!isLink(r))
      for (const [mac] of JSON.stringify(r.spec).matchAll(/\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b/gi))
        found.add(mac.toLowerCase())
  return found
}

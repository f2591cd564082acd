import type { Live } from '../observe/read.ts'
import { liveNames, namesIn, labVariables, type Addressed } from '../model/names.ts'
import type { Resources } from '../model/resource.ts'
import { topologyOf, type Topology } from '../model/topology.ts'
import { HERE_NAME, isPath } from '../model/place.ts'
import type { Dump } from '../model/runner.ts'
import type { LabIndex, NamespaceIndex } from './lab-index.ts'

/** What is needed of the lab file. */
interface Surveyed {
  readonly name: string
  readonly folder: string
  readonly resources: Resources
  readonly topology: Topology
  readonly namespaces: ReadonlyMap<string, { readonly borrowed?: string; readonly shares?: string }>
}

/**
 * Collects what checks need to know of the live network. Names stand for the addresses in the lab file, so that a check tests
 * the same before and after a change by hand; a name without an address in the file stands for the live one.
 */
export function survey(
  { name: lab, folder, resources: desired, topology: wanted, namespaces }: Surveyed,
  live: Live,
): LabIndex {
  const { resources, others, dumps } = live
  const topology = topologyOf(new Map([...resources, ...others]))
  const addresses = topology.ofKind('address').map(({ namespace, spec }): Addressed => ({
    namespace,
    dev: String(spec['dev']),
    address: String(spec['address']).replace(/\/.*/, ''),
  }))
  const shares = new Map(topology.ofKind('share').map(({ id, spec }) => [id, String(spec['of'])]))
  const places = new Map<string, string | undefined>()
  for (const [name, { borrowed }] of namespaces) {
    const kind = resources.get(name)?.kind
    if (borrowed === HERE_NAME) places.set(name, undefined)
    else if (borrowed !== undefined) {
      if (isPath(borrowed)) places.set(name, borrowed)
    } else if (kind === 'share' || (kind === 'namespace' && !resources.get(name)?.spec['stale'])) places.set(name, name)
  }
  const nodes = new Map<string, NamespaceIndex>()
  for (const [name, dump] of dumps) if (places.has(name)) nodes.set(name, nodeOf(dump))
  const variables = (namespace: string): string[] => labVariables(lab, namespace, folder)
  const said = namesIn(desired)
  const names = new Map([...liveNames(said, addresses, shares), ...said])
  return { variables, names, places, live: topology, desired: wanted, nodes }
}

function nodeOf(dump: Dump): NamespaceIndex {
  const forwards = (key: string): boolean => dump.sysctls.get(key)?.trim() !== '0'
  return {
    interfaces: new Map(dump.links.map(({ ifindex, ifname }) => [ifindex, ifname])),
    carriers: new Set(
      dump.links.flatMap(({ ifname, master, link }) => [...(master ? [ifname] : []), ...(link ? [link] : [])]),
    ),
    forwards: { 4: forwards('net.ipv4.ip_forward'), 6: forwards('net.ipv6.conf.all.forwarding') },
  }
}

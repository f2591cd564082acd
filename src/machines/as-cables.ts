import { linkId, namespaceOf } from '../model/resource.ts'
import type { Dump, DumpRequest, IpLink } from '../model/runner.ts'
import type { Wire } from './wires.ts'

/** Ids of namespaces above all that the kernel gives (`nsids` in src/model/runner.ts): they stand for namespaces on other machines. */
const FAR_ID = 1 << 30

/** Shows the wires between machines in dumps as what they stand for: cables. `lent`: by name, the paths of namespaces without one. */
export function cablesFor(
  wires: readonly Wire[],
  lent: ReadonlyMap<string, string>,
): (requests: readonly DumpRequest[], dumps: readonly (Dump | undefined)[]) => (Dump | undefined)[] {
  const wireOf = new Map(wires.flatMap((wire) => wire.ends.map((id) => [id, wire] as const)))
  const names = new Map([...lent].map(([name, path]) => [path, name]))
  const nameOf = ({ netns = '' }: DumpRequest): string => names.get(netns) ?? netns
  const wired = new Set(wires.flatMap(({ ends }) => ends.map(namespaceOf)))
  /** By id, the index of the interface, once it has been read. */
  const indexes = new Map<string, number>()
  const isEnd = ({ linkinfo }: IpLink, wire: Wire | undefined): boolean =>
    linkinfo?.info_kind === 'vxlan' && linkinfo.info_data?.['id'] === wire?.vni

  function shown(namespace: string, dump: Dump): Dump {
    const nsids = new Map(dump.nsids)
    const cables = new Set<string>()
    const links = dump.links.map((link): IpLink => {
      const id = linkId(namespace, link.ifname)
      const wire = wireOf.get(id)
      const far = wire?.ends.find((end) => end !== id)
      const index = far === undefined ? undefined : indexes.get(far)
      if (!isEnd(link, wire) || far === undefined || index === undefined) return link
      const nsid = FAR_ID + cables.size
      nsids.set(nsid, lent.get(namespaceOf(far)) ?? namespaceOf(far))
      cables.add(link.ifname)
      const { link: _, linkinfo, ...rest } = link
      const { info_data: __, ...info } = linkinfo ?? {}
      return { ...rest, link_index: index, link_netnsid: nsid, linkinfo: { ...info, info_kind: 'veth' } }
    })
    const { fdb } = dump
    return { ...dump, links, nsids, ...(fdb && { fdb: fdb.filter(({ ifname }) => !cables.has(ifname)) }) }
  }

  return (requests, dumps) => {
    const namespaces = requests.map(nameOf)
    for (const [i, namespace] of namespaces.entries())
      for (const link of wired.has(namespace) ? (dumps[i]?.links ?? []) : []) {
        const id = linkId(namespace, link.ifname)
        if (isEnd(link, wireOf.get(id))) indexes.set(id, link.ifindex)
      }
    return dumps.map((dump, i) => {
      const namespace = namespaces[i] ?? ''
      return dump && wired.has(namespace) ? shown(namespace, dump) : dump
    })
  }
}

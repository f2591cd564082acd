import { linkId, namespaceOf } from '../model/resource.ts'
import type { Dump, DumpRequest, IpLink } from '../model/runner.ts'
import type { Wire } from './wires.ts'

/** Ids of namespaces above all that the kernel gives (`nsids` in src/model/runner.ts): they stand for namespaces on other machines. */
const FAR_ID = 1 << 30

/** Shows the wires between machines in dumps as what they stand for: cables. */
export function cablesFor(
  wires: readonly Wire[],
): (requests: readonly DumpRequest[], dumps: readonly (Dump | undefined)[]) => (Dump | undefined)[] {
  const wireOf = new Map(wires.flatMap((wire) => wire.ends.map((id) => [id, wire] as const)))
  const wired = new Set(wires.flatMap(({ ends }) => ends.map(namespaceOf)))
  /** By id, the index of the interface, once it has been read. */
  const indexes = new Map<string, number>()
  const isEnd = ({ linkinfo }: IpLink, wire: Wire | undefined): boolean =>
    linkinfo?.info_kind === 'vxlan' && linkinfo.info_data?.['id'] === wire?.vni

  function shown(netns: string, dump: Dump): Dump {
    const nsids = new Map(dump.nsids)
    const cables = new Set<string>()
    const links = dump.links.map((link): IpLink => {
      const id = linkId(netns, link.ifname)
      const wire = wireOf.get(id)
      const far = wire?.ends.find((end) => end !== id)
      const index = far === undefined ? undefined : indexes.get(far)
      if (!isEnd(link, wire) || far === undefined || index === undefined) return link
      const nsid = FAR_ID + cables.size
      nsids.set(nsid, namespaceOf(far))
      cables.add(link.ifname)
      const { link: _, linkinfo, ...rest } = link
      const { info_data: __, ...info } = linkinfo ?? {}
      return { ...rest, link_index: index, link_netnsid: nsid, linkinfo: { ...info, info_kind: 'veth' } }
    })
    const { fdb } = dump
    return { ...dump, links, nsids, ...(fdb && { fdb: fdb.filter(({ ifname }) => !cables.has(ifname)) }) }
  }

  return (requests, dumps) => {
    for (const [i, { netns = '' }] of requests.entries())
      for (const link of wired.has(netns) ? (dumps[i]?.links ?? []) : []) {
        const id = linkId(netns, link.ifname)
        if (isEnd(link, wireOf.get(id))) indexes.set(id, link.ifindex)
      }
    return dumps.map((dump, i) => {
      const { netns = '' } = requests[i] ?? {}
      return dump && wired.has(netns) ? shown(netns, dump) : dump
    })
  }
}

import { isFields } from '../model/fields.ts'
import { interfaceName } from '../language/valid-names.ts'
import type { NodeDraft } from './clab-commands.ts'
import { asList, type ForeignFile } from './foreign-file.ts'

/** One end of a link. */
export interface ClabEnd {
  readonly node: string
  readonly dev: string
  readonly mac?: string
}

/** A link between two nodes of the file. */
export interface ClabLink {
  readonly ends: readonly [ClabEnd, ClabEnd]
}

/** The links between nodes; their MTU and MAC addresses go into the drafts of the nodes. */
export function linksOf(
  source: ForeignFile,
  value: unknown,
  kinds: ReadonlyMap<string, string>,
  drafts: ReadonlyMap<string, NodeDraft>,
): ClabLink[] {
  return asList(value).flatMap((link, n): ClabLink[] => {
    const path = ['topology', 'links', n]
    const fields = isFields(link) ? link : {}
    const type = fields['type']
    if (type === 'dummy') {
      const end = endOf(source, [...path, 'endpoint'], fields['endpoint'])
      const draft = end && drafts.get(end.node)
      if (end && draft) draft.interfaces[end.dev] = { ...draft.interfaces[end.dev], type: 'dummy' }
      return []
    }
    if (type !== undefined && type !== 'veth') {
      source.leave(path, `a link of type ${String(type)} leads out of the file`)
      return []
    }
    for (const key of Object.keys(fields))
      if (!['endpoints', 'type', 'mtu'].includes(key)) source.leave([...path, key], 'no lab has this setting')
    const ends = asList(fields['endpoints']).map((end, m) => endOf(source, [...path, 'endpoints', m], end))
    const [a, b] = ends
    if (!a || !b || ends.length !== 2)
      throw source.wrong(path, 'a link has two ends', 'endpoints: ["n1:eth1", "n2:eth1"]')
    const away = [a, b].find(({ node }) => !kinds.has(node))
    if (away) {
      if (!['host', 'mgmt-net', 'macvlan', 'vxlan', 'vxlan-stitch', 'dummy'].includes(away.node))
        throw source.wrong(path, `there is no node ${away.node}`, `There are: ${[...kinds.keys()].join(', ')}.`)
      source.leave(path, `${away.node}:${away.dev} leads out of the file`)
      return []
    }
    const mtu = Number(fields['mtu'])
    // What a node's own commands say comes later.
    if (Number.isInteger(mtu) && mtu >= 68 && mtu <= 65535)
      for (const { node, dev } of [a, b]) {
        const draft = drafts.get(node)
        if (draft) draft.interfaces[dev] = { mtu, ...draft.interfaces[dev] }
      }
    else if (fields['mtu'] !== undefined) source.leave([...path, 'mtu'], 'no link has this MTU')
    return [{ ends: [a, b] }]
  })
}

function endOf(source: ForeignFile, path: readonly (string | number)[], end: unknown): ClabEnd | undefined {
  if (isFields(end)) {
    const { node, interface: dev, mac, ...rest } = end
    for (const key of Object.keys(rest))
      source.leave([...path, key], 'write addresses as commands of the node, or in the lab')
    if (typeof node !== 'string' || typeof dev !== 'string') return undefined
    return { node, dev, ...(typeof mac === 'string' && { mac }) }
  }
  const [, node, dev] = /^([^:]+):(.+)$/.exec(String(end)) ?? []
  if (node === undefined || dev === undefined) return undefined
  if (!interfaceName.test(dev) && !['host', 'macvlan', 'mgmt-net'].includes(node))
    throw source.wrong(
      path,
      `no lab has an interface of the name "${dev}"`,
      'A name has up to 15 letters, digits and _ . ~ -',
    )
  return { node, dev }
}

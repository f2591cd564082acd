import { linkId, nameOf, namespaceOf } from '../../model/resource.ts'
import { isLink, type Link, type Topology } from '../../model/topology.ts'
import type { ResourceJson } from '../json.ts'
import { forwards } from '../show-text.ts'

/** What a node is for: it forwards, it is a bridge, neither; the machine that labs live on; or it is not the lab's. */
export type Role = 'router' | 'switch' | 'host' | 'machine' | 'other'

/**
 * `up`, `down`: an interface is. `missing`: the file has it and the kernel does not; `drift`: they differ; both with `--live`. The others: what
 * a plan does, with `--plan`.
 */
export type State = 'up' | 'down' | 'missing' | 'drift' | 'added' | 'changed' | 'removed'

/** One end of a link. */
export interface End {
  /** The id of its node. */
  readonly node: string
  readonly namespace: string
  /** The interface; empty for the side of a bridge that faces its own namespace. */
  readonly name: string
  /** With prefix lengths. */
  readonly addresses: readonly string[]
}

/** A namespace, or a bridge in a namespace that has more than the bridge. */
export interface GraphNode {
  /** `ns0`, or `host:docker0` for a bridge. */
  readonly id: string
  readonly role: Role
  readonly namespace: string
  /** What is written on it. */
  readonly title: string
  /** Other names, and interfaces that no link shows. */
  readonly notes: readonly string[]
  readonly state: State
  /** With --trace: the packet or its answer passed it, or was lost there. */
  readonly way?: 'passed' | 'end'
}

/**
 * `cable`: a veth pair. `bridge`: from a namespace to a bridge in it. `lower`: an interface on a lower device in another
 * namespace. `tunnel`: between interfaces that send to each other's addresses.
 */
export interface GraphLink {
  readonly kind: 'cable' | 'bridge' | 'lower' | 'tunnel'
  readonly a: End
  readonly b: End
  readonly state: State
  /** With --trace: who went over it, the packet, or only what came back. */
  readonly way?: 'packet' | 'answer'
}

/** A lab as nodes and links, in the order of its file. */
export interface Graph {
  readonly lab: string
  readonly nodes: readonly GraphNode[]
  readonly links: readonly GraphLink[]
  /** With --trace: the way and how it ended, in words. */
  readonly way?: string
}

type Net = Topology<ResourceJson>

const isBridge = ({ kind, spec }: ResourceJson): boolean => kind === 'bridge' || spec['bridge'] === true

/** What is drawn of resources; `marks`: the state of those that differ, by id. */
export function graphOf(lab: string, net: Net, marks: ReadonlyMap<string, State> = new Map()): Graph {
  const names = new Map<string, string[]>()
  for (const { id, spec } of net.ofKind('share')) {
    const of = String(spec['of'])
    names.set(of, [...(names.get(of) ?? []), id])
  }
  // A second name has processes of its own, and nothing else.
  const second = new Set([...names.values()].flat())
  const namespaces = new Set(
    [...net.resources.values()].flatMap(({ namespace }) => (second.has(namespace) ? [] : [namespace])),
  )
  const nodes = new Map<string, GraphNode>()
  const links: GraphLink[] = []
  const shown = new Set<string>()
  const joined = new Set<string>()
  const nodeOf = new Map<string, string>()
  for (const namespace of namespaces) {
    const found = nodesOf(namespace, net)
    for (const [link, node] of found.nodeOf) nodeOf.set(link, node)
    for (const [id, role, title] of found.nodes)
      nodes.set(id, { id, role, namespace, title, notes: [], state: stateOfNode(id, namespace, net, marks) })
  }
  const endOf = (link: Link<ResourceJson>): End => ({
    node: nodeOf.get(link.id) ?? link.namespace,
    namespace: link.namespace,
    name: nameOf(link.id),
    addresses: addressesOf(link.id, net),
  })
  const add = (kind: GraphLink['kind'], one: Link<ResourceJson>, other: Link<ResourceJson>): void => {
    const [a, b] = [endOf(one), endOf(other)]
    joined.add(one.id).add(other.id)
    // Both ends of a cable within one node are noted there.
    if (a.node !== b.node) {
      shown.add(one.id)
      if (kind !== 'lower') shown.add(other.id)
    }
    links.push({ kind, a, b, state: stateOfLink([one, other], net, marks) })
  }
  for (const r of net.resources.values()) {
    if (!isLink(r)) continue
    const inside = `${r.namespace}:${nameOf(r.id)}`
    if (isBridge(r) && nodes.has(inside) && nodes.has(r.namespace)) {
      shown.add(r.id)
      const a = { ...endOf(r), node: r.namespace }
      const b = { ...a, node: inside, name: '', addresses: [] }
      links.push({ kind: 'bridge', a, b, state: stateOfLink([r], net, marks) })
    }
    const { peer, link } = r.spec
    const other = net.peer(r.id)
    if (peer !== undefined && !joined.has(r.id)) {
      if (other) add('cable', r, other)
      else if (!nodes.has(namespaceOf(peer))) {
        const id = namespaceOf(peer)
        nodes.set(id, { id, role: 'other', namespace: id, title: id, notes: [], state: 'up' })
        add('cable', r, { ...r, id: peer, namespace: id })
      }
    }
    const lower = link === undefined ? undefined : net.resources.get(link)
    if (lower && isLink(lower) && lower.namespace !== r.namespace) add('lower', r, lower)
    const far = farEnd(r, net)
    if (far && !joined.has(r.id)) add('tunnel', r, far)
  }
  const noted = (node: GraphNode): string[] => [
    ...(node.id === node.namespace ? (names.get(node.id) ?? []).map((name) => `= ${name}`) : []),
    ...net
      .links(node.namespace)
      .filter(({ id }) => !shown.has(id) && (nodeOf.get(id) ?? node.namespace) === node.id)
      .flatMap((link) => noteOf(link, net)),
  ]
  return { lab, nodes: [...nodes.values()].map((node) => ({ ...node, notes: noted(node) })), links }
}

/** The nodes of a namespace (id, role, title), and on which of them its interfaces are. */
function nodesOf(
  namespace: string,
  net: Net,
): { readonly nodes: (readonly [string, Role, string])[]; readonly nodeOf: Map<string, string> } {
  const list = net.within(namespace)
  const bridges = net.links(namespace).filter(isBridge)
  const bridgeOf = (link: Link<ResourceJson>): string | undefined => {
    const master = net.master(link.id)
    return master && (isBridge(master) ? master.id : bridgeOf(master))
  }
  const ports = new Map(net.links(namespace).flatMap((link) => [[link.id, bridgeOf(link)] as const]))
  const own = net.links(namespace).filter((link) => !isBridge(link) && !ports.get(link.id) && link.kind !== 'loopback')
  const isRoot = list.some(({ root }) => root)
  const mixed = isRoot || own.length > 0 || bridges.some(({ id }) => addressesOf(id, net).length > 0)
  const nodeOf = new Map<string, string>()
  const node = (bridge: string): string => (mixed || bridges.length > 1 ? `${namespace}:${nameOf(bridge)}` : namespace)
  for (const { id } of bridges) nodeOf.set(id, node(id))
  for (const [id, bridge] of ports) if (bridge !== undefined) nodeOf.set(id, node(bridge))
  const role: Role = isRoot ? 'machine' : forwards(list) ? 'router' : 'host'
  const itself = mixed || bridges.length === 0 ? [[namespace, role, namespace] as const] : []
  const inside = bridges.map(({ id }) => {
    const own = node(id)
    return [own, 'switch', own === namespace ? namespace : nameOf(id)] as const
  })
  return { nodes: [...itself, ...inside], nodeOf }
}

const addressesOf = (link: string, net: Net): string[] =>
  net.on(link).flatMap(({ kind, spec }) => (kind === 'address' ? [String(spec['address'])] : []))

/** `flannel.1 vxlan 10.0.0.1/24`; nothing of a loopback without addresses of its own. */
function noteOf({ id, kind, spec }: Link<ResourceJson>, net: Net): string[] {
  const addresses = addressesOf(id, net).filter((address) => !/^(127\.|::1\/)/.test(address))
  if (kind === 'loopback' && addresses.length === 0) return []
  const what = ['loopback', 'existing', 'bridge', 'veth'].includes(kind) ? [] : [kind]
  const down = spec['up'] === false ? ['down'] : []
  return [[nameOf(id), ...what, ...down].join(' '), ...addresses.map((address) => `  ${address}`)]
}

/** The interface, of the same kind and in another namespace, that sends to this one's namespace what this one sends there. */
function farEnd({ kind, namespace, spec }: Link<ResourceJson>, net: Net): Link<ResourceJson> | undefined {
  const there = holderOf(spec['remote'], net)
  if (there === undefined || there === namespace) return undefined
  return net
    .links(there)
    .find(
      (link) =>
        link.kind === kind && link.spec['id'] === spec['id'] && holderOf(link.spec['remote'], net) === namespace,
    )
}

const holderOf = (address: unknown, net: Net): string | undefined =>
  typeof address === 'string' ? net.holders(address)[0]?.namespace : undefined

function stateOfLink(ends: readonly Link<ResourceJson>[], net: Net, marks: ReadonlyMap<string, State>): State {
  const marked = ends.flatMap(({ id }) => marks.get(id) ?? [])
  const isDown = ends.some(({ spec }) => !spec.up)
  // That it is down says more than that it is not as in the file.
  if (marked[0] && !(isDown && marked.every((mark) => mark === 'drift'))) return marked[0]
  if (isDown) return 'down'
  const differs = ends.some(({ id }) => net.on(id).some((r) => r.kind === 'address' && marks.has(r.id)))
  return differs ? change(marks) : 'up'
}

function stateOfNode(id: string, namespace: string, net: Net, marks: ReadonlyMap<string, State>): State {
  const whole = marks.get(namespace)
  if (whole && whole !== 'changed' && whole !== 'drift') return whole
  if (id !== namespace) return marks.get(linkId(namespace, id.slice(namespace.length + 1))) ?? 'up'
  const differs = net.within(namespace).some((r) => marks.has(r.id) && r.kind !== 'address' && !isLink(r))
  return differs ? change(marks) : 'up'
}

/** The word for what has changed in part: a plan's, or that of what is live. */
const change = (marks: ReadonlyMap<string, State>): State =>
  [...marks.values()].some((state) => state === 'missing' || state === 'drift') ? 'drift' : 'changed'

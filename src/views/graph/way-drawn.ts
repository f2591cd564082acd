import type { Way, WayHop } from '../../model/packet-way.ts'
import type { Graph, GraphLink, GraphNode } from './graph-of.ts'

/** How wide a line with the end of a way is at most, in characters. */
const WIDEST = 34

/** The nodes that a packet passed, in order, and its interfaces. */
interface Passed {
  readonly nodes: readonly string[]
  /** `NS:IF` of each interface. */
  readonly ends: ReadonlySet<string>
}

/**
 * The graph with the way of a packet: nodes have their places on it, links say whose way leads over them, and the node where it ended says how.
 * What is not drawn, such as a namespace that the lab does not have, is left out.
 */
export function withWay(graph: Graph, way: Way): Graph {
  const nodeOf = new Map<string, string>(
    graph.links.flatMap(({ a, b }) =>
      [a, b].flatMap(({ namespace, name, node }) => (name ? [[`${namespace}:${name}`, node] as const] : [])),
    ),
  )
  const known = new Set(graph.nodes.map(({ id }) => id))
  const at = (namespace: string, name = ''): string => {
    const end = `${namespace}:${name}`
    return nodeOf.get(end) ?? (known.has(end) ? end : namespace)
  }
  const passed = (hops: readonly WayHop[]): Passed => {
    const points = hops.flatMap(({ namespace, interfaces }) => {
      const names = interfaces.length ? interfaces.map((point) => point.interface) : ['']
      return names.map((name) => ({ end: `${namespace}:${name}`, node: at(namespace, name) }))
    })
    const nodes = points.map(({ node }) => node).filter((id) => known.has(id))
    return { nodes: nodes.filter((id, i) => id !== nodes[i - 1]), ends: new Set(points.map(({ end }) => end)) }
  }
  const [packet, answer] = [passed(way.hops), passed(way.reply?.hops ?? [])]
  const returns = answer.nodes.join('\n') !== [...packet.nodes].reverse().join('\n')
  const last =
    way.reply && way.verdict !== 'answered' ? (answer.nodes.at(-1) ?? packet.nodes.at(-1)) : packet.nodes.at(-1)
  const place = way.at && at(way.at.namespace, way.at.interface)
  const end = place !== undefined && known.has(place) ? place : last
  const places = (id: string, of: Passed): number[] => of.nodes.flatMap((one, i) => (one === id ? [i + 1] : []))
  const nodes = graph.nodes.map((node): GraphNode => {
    const [out, back] = [places(node.id, packet), returns ? places(node.id, answer) : []]
    const words = [
      ...(out.length ? [`packet: ${out.join(', ')}`] : []),
      ...(back.length ? [`${way.reply?.kind ?? 'answer'}: ${back.join(', ')}`] : []),
      ...(node.id === end ? wrapped(`${way.verdict}: ${way.reason}`) : []),
    ]
    if (words.length === 0) return node
    const passes = node.id === end && way.verdict !== 'answered' ? 'end' : 'passed'
    return { ...node, notes: [...words, ...node.notes], way: passes }
  })
  const links = graph.links.map((link): GraphLink => {
    const whose = isOn(link, packet) ? 'packet' : isOn(link, answer) ? 'answer' : undefined
    return whose ? { ...link, way: whose } : link
  })
  const arrow = packet.nodes.join(' → ')
  const back = returns && answer.nodes.length ? [`; back: ${answer.nodes.join(' → ')}`] : []
  return { ...graph, nodes, links, way: `${arrow}${back.join('')}; ${way.verdict}: ${way.reason}` }
}

/** Whether the way leads over a link: a packet that left by one end of a cable was on it, wherever it came. */
function isOn({ kind, a, b }: GraphLink, { ends }: Passed): boolean {
  const [one, other] = [a, b].map(({ namespace, name }) => ends.has(`${namespace}:${name}`))
  // An interface can have several tunnels, and a lower device several interfaces on it.
  return kind === 'tunnel' ? one! && other! : kind === 'lower' ? one! : one! || other!
}

/** The text in lines of words. */
function wrapped(text: string): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line !== undefined && line.length + word.length < WIDEST) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines
}

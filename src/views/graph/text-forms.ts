import { FORMAT } from '../json.ts'
import type { End, Graph, GraphLink, GraphNode, Role, State } from './graph-of.ts'
import type { Picture } from './layout.ts'

/** What `netlab graph --format json` prints. */
export interface GraphJson {
  readonly format_version: typeof FORMAT
  readonly lab: string
  readonly nodes: readonly {
    /** A namespace, or `NS:BRIDGE` for a bridge in a namespace that has more than it. */
    readonly id: string
    readonly namespace: string
    readonly role: Role
    readonly state: State
    /** With --trace: the packet or its answer passed it, or was lost there. */
    readonly way?: GraphNode['way']
    /** The middle of its card, in pixels. */
    readonly x: number
    readonly y: number
  }[]
  readonly links: readonly {
    readonly kind: GraphLink['kind']
    /** `NS:IF`. */
    readonly a: string
    readonly b: string
    /** The ids of the nodes that it joins. */
    readonly nodes: readonly [string, string]
    readonly state: State
    /** With --trace: who went over it, the packet, or only what came back. */
    readonly way?: GraphLink['way']
  }[]
}

/** The picture as plain JSON data. */
export function graphJson({ graph, nodes }: Picture): GraphJson {
  const at = (end: End, other: End): string => `${end.namespace}:${end.name || other.name}`
  return {
    format_version: FORMAT,
    lab: graph.lab,
    nodes: graph.nodes.map(({ id, namespace, role, state, way }) => {
      const { card, x, y } = nodes.get(id)!
      const middle = { x: x + card.width / 2, y: y + card.height / 2 }
      return { id, namespace, role, state, ...middle, ...(way && { way }) }
    }),
    links: graph.links.map(({ kind, a, b, state, way }) => ({
      ...{ kind, a: at(a, b), b: at(b, a), nodes: [a.node, b.node], state, ...(way && { way }) },
    })),
  }
}

const lines = ({ name, addresses }: End): string[] => [...(name ? [name] : []), ...addresses]

/** The colours of states, where they are not the usual. */
const colours: Partial<Record<State, string>> = {
  ...{ down: '#cf222e', missing: '#cf222e', removed: '#cf222e' },
  ...{ drift: '#b35900', changed: '#b35900', added: '#1a7f37' },
}

const mermaidShapes: Readonly<Record<Role, readonly [string, string]>> = {
  ...{ router: ['([', '])'], switch: ['{{', '}}'], host: ['[', ']'], machine: ['[[', ']]'], other: ['>', ']'] },
}

/** The colour of what is not as usual, or of what is on the way of a packet. */
const colourOf = ({ state, way }: Pick<GraphNode | GraphLink, 'state' | 'way'>): string | undefined =>
  way === 'end' ? '#cf222e' : way ? '#d6409f' : colours[state]

/** The lab as a Mermaid flowchart. Names of nodes are numbers, because Mermaid has words of its own. */
export function mermaidOf({ lab, nodes, links }: Graph): string {
  const text = (all: readonly string[]): string =>
    `"${all.map((one) => one.replace(/[#"<>&\\`]/g, (c) => `#${c.charCodeAt(0)};`).replace(/\s/g, ' ')).join('<br>')}"`
  const number = new Map(nodes.map(({ id }, i) => [id, `n${i}`]))
  const between = ({ a, b }: GraphLink): string => text([lines(a).join(' '), lines(b).join(' ')].filter(Boolean))
  const strokes: Readonly<Record<GraphLink['kind'], string>> = {
    ...{ cable: '---', bridge: '===', lower: '-.-', tunnel: '-.-' },
  }
  const marked = (what: string, name: string | number, colour: string | undefined): string[] =>
    colour ? [`  ${what} ${name} stroke:${colour},stroke-width:3px`] : []
  return [
    '---',
    `title: ${JSON.stringify(lab)}`,
    '---',
    'flowchart TD',
    ...nodes.map(({ id, role, title, notes }) => {
      const [open, close] = mermaidShapes[role]
      return `  ${number.get(id)}${open}${text([title, ...notes])}${close}`
    }),
    ...links.map((link) => {
      const [a, b] = [number.get(link.a.node), number.get(link.b.node)]
      return `  ${a} ${strokes[link.kind]}|${between(link)}| ${b}`
    }),
    ...nodes.flatMap((node) => marked('style', number.get(node.id)!, colourOf(node))),
    ...links.flatMap((link, i) => marked('linkStyle', i, colourOf(link))),
    '',
  ].join('\n')
}

const dotShapes: Readonly<Record<Role, string>> = {
  ...{ router: 'ellipse', switch: 'octagon', host: 'box', machine: 'box3d', other: 'note' },
}

/** The lab in the language of Graphviz. */
export function dotOf({ lab, nodes, links }: Graph): string {
  const text = (all: readonly string[]): string =>
    `"${all.map((one) => one.replace(/["\\]/g, '\\$&').replace(/\s/g, ' ')).join('\\n')}"`
  const all = (attributes: Readonly<Record<string, string | undefined>>): string =>
    Object.entries(attributes)
      .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
      .join(', ')
  const colour = (of: GraphNode | GraphLink): string | undefined => colourOf(of) && `"${colourOf(of)}"`
  const styles: Readonly<Record<GraphLink['kind'], string | undefined>> = {
    ...{ cable: undefined, bridge: 'bold', lower: 'dotted', tunnel: 'dashed' },
  }
  return [
    `graph ${text([lab])} {`,
    '  node [fontname="sans-serif"]; edge [fontname="monospace", fontsize=9];',
    ...nodes.map((node) => {
      const { id, role, title, notes } = node
      const attributes = { label: text([title, ...notes]), shape: dotShapes[role], color: colour(node) }
      return `  ${text([id])} [${all(attributes)}];`
    }),
    ...links.map((link) => {
      const { kind, a, b } = link
      const ends = { taillabel: text(lines(a)), headlabel: text(lines(b)) }
      return `  ${text([a.node])} -- ${text([b.node])} [${all({ ...ends, style: styles[kind], color: colour(link) })}];`
    }),
    '}\n',
  ].join('\n')
}

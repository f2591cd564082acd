import { FORMAT } from '../json.ts'
import type { End, Graph, GraphLink, Role, State } from './graph-of.ts'
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
  }[]
}

/** The picture as plain JSON data. */
export function graphJson({ graph, nodes }: Picture): GraphJson {
  const at = (end: End, other: End): string => `${end.namespace}:${end.name || other.name}`
  return {
    format_version: FORMAT,
    lab: graph.lab,
    nodes: graph.nodes.map(({ id, namespace, role, state }) => {
      const { card, x, y } = nodes.get(id)!
      return { id, namespace, role, state, x: x + card.width / 2, y: y + card.height / 2 }
    }),
    links: graph.links.map(({ kind, a, b, state }) => ({
      ...{ kind, a: at(a, b), b: at(b, a), nodes: [a.node, b.node], state },
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

/** The lab as a Mermaid flowchart. Names of nodes are numbers, because Mermaid has words of its own. */
export function mermaidOf({ lab, nodes, links }: Graph): string {
  const text = (all: readonly string[]): string =>
    `"${all.map((one) => one.replace(/[#"<>&\\`]/g, (c) => `#${c.charCodeAt(0)};`).replace(/\s/g, ' ')).join('<br>')}"`
  const number = new Map(nodes.map(({ id }, i) => [id, `n${i}`]))
  const between = ({ a, b }: GraphLink): string => text([lines(a).join(' '), lines(b).join(' ')].filter(Boolean))
  const strokes: Readonly<Record<GraphLink['kind'], string>> = {
    ...{ cable: '---', bridge: '===', lower: '-.-', tunnel: '-.-' },
  }
  const marked = (what: string, name: string | number, state: State): string[] =>
    colours[state] ? [`  ${what} ${name} stroke:${colours[state]},stroke-width:3px`] : []
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
    ...nodes.flatMap(({ id, state }) => marked('style', number.get(id)!, state)),
    ...links.flatMap(({ state }, i) => marked('linkStyle', i, state)),
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
  const colour = (state: State): string | undefined => colours[state] && `"${colours[state]}"`
  const styles: Readonly<Record<GraphLink['kind'], string | undefined>> = {
    ...{ cable: undefined, bridge: 'bold', lower: 'dotted', tunnel: 'dashed' },
  }
  return [
    `graph ${text([lab])} {`,
    '  node [fontname="sans-serif"]; edge [fontname="monospace", fontsize=9];',
    ...nodes.map(({ id, role, title, notes, state }) => {
      const attributes = { label: text([title, ...notes]), shape: dotShapes[role], color: colour(state) }
      return `  ${text([id])} [${all(attributes)}];`
    }),
    ...links.map(({ kind, a, b, state }) => {
      const ends = { taillabel: text(lines(a)), headlabel: text(lines(b)) }
      return `  ${text([a.node])} -- ${text([b.node])} [${all({ ...ends, style: styles[kind], color: colour(state) })}];`
    }),
    '}\n',
  ].join('\n')
}

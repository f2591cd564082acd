import { withEntities } from '../markup.ts'
import { boxOf, iconAt, type Card, type Text } from './card.ts'
import type { Graph, GraphLink, Role, State } from './graph-of.ts'
import type { Picture, Placed } from './layout.ts'

/** Text that means nothing but itself in XML and HTML. Characters that XML does not have become U+FFFD. */
export const escaped = (text: string): string =>
  withEntities(
    text.replace(
      /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
      '\ufffd',
    ),
  )

/** The colours by day: of paper, ink and lines, of each role, and of each state. */
export const LIGHT =
  '--paper:#fff;--ink:#1c2430;--soft:#5b6675;--line:#8d99a8;--card:#fff;--router-card:#f1f6fe;--switch-card:#ecf8f6;--machine-card:#f7f1ff;--router:#2563c9;--switch:#0e8074;--host:#64748b;--machine:#8a3ffc;--other:#9a6700;--good:#1a7f37;--warn:#b35900;--bad:#cf222e'
/** The colours by night. */
export const DARK =
  '--paper:#10151c;--ink:#e8edf4;--soft:#a3afbf;--line:#64748b;--card:#19212c;--router-card:#15253f;--switch-card:#122e2d;--machine-card:#271d3d;--router:#6ea8fe;--switch:#4fd1c0;--host:#94a3b8;--machine:#c59bff;--other:#e3b341;--good:#4ac26b;--warn:#f0a04b;--bad:#ff7b72'

const STYLE = `
text{font:10px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;fill:var(--soft)}
.t{font:600 13px ui-sans-serif,system-ui,"DejaVu Sans",sans-serif;fill:var(--ink)}
.n{fill:var(--ink)}
.m{text-anchor:middle}.e{text-anchor:end}
.b{fill:var(--f,var(--card));stroke:var(--c);stroke-width:1.5}
.i{fill:none;stroke:var(--c);stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round}
.d{fill:var(--card);stroke:var(--line);stroke-width:1.5}
.l{fill:none;stroke:var(--line);stroke-width:2;stroke-linejoin:round}
.bridge{stroke:var(--switch);stroke-width:3}
.lower{stroke-dasharray:2 3}.tunnel{stroke-dasharray:7 4;stroke-width:2}
.router{--c:var(--router);--f:var(--router-card)}.switch{--c:var(--switch);--f:var(--switch-card)}.host{--c:var(--host)}.machine{--c:var(--machine);--f:var(--machine-card)}.other{--c:var(--other)}
.other .b{stroke-dasharray:5 3}.machine .b{stroke-width:3}
.added{--c:var(--good)}.changed,.drift{--c:var(--warn)}.removed,.missing,.down{--c:var(--bad)}
.l.added{stroke:var(--good)}.l.changed,.l.drift{stroke:var(--warn)}.l.removed,.l.missing,.l.down{stroke:var(--bad);stroke-dasharray:5 4}
.added .b,.changed .b,.drift .b,.removed .b,.missing .b{stroke-width:2.5}
.removed .b,.missing .b{stroke-dasharray:6 4}`
/** The way of a packet, in a colour for light and dark. */
const WAY_STYLE = `
.passed .b,.end .b{stroke-width:3.5;stroke:#d6409f}.end .b{stroke:var(--bad)}
.l.packet,.l.answer{stroke:#d6409f;stroke-width:4.5}.l.answer{stroke-dasharray:9 4}`
/** How everything but the paper looks. */
export const styleOf = ({ way }: Graph): string => (way === undefined ? STYLE : `${STYLE}${WAY_STYLE}`)

/** The pictures of the roles, 22 pixels wide and high. */
const icons: Readonly<Record<Role, string>> = {
  router:
    '<circle cx="11" cy="11" r="9"/><path d="M11 3.5v5m-2-3 2-2 2 2M11 18.5v-5m-2 3 2 2 2-2M8.5 11h-5m3 2-2-2 2-2M13.5 11h5m-3 2 2-2-2-2"/>',
  switch: '<rect x="1.5" y="5" width="19" height="12" rx="2"/><path d="M5 9.5h9m-2-2 2 2-2 2M17 13h-9m2-2-2 2 2 2"/>',
  host: '<rect x="2.5" y="3" width="17" height="11.5" rx="1.5"/><path d="M11 14.5v4M6.5 19h9"/>',
  machine: '<rect x="3.5" y="2" width="15" height="18" rx="2"/><path d="M7 6.5h8M7 10.5h8M7 16h.01M11 16h4"/>',
  other: '<path d="M6.5 17a4.5 4.5 0 0 1-.5-8.9 5.5 5.5 0 0 1 10.5-.6A4.8 4.8 0 0 1 16 17z"/>',
}

/** The outline of a card: of a router rounded, of a switch with cut corners, of a host with right ones, of the machine framed. */
export function outline({ node: { role }, width: w, height: h }: Card): string {
  if (role === 'switch') return `<path class="b" d="M8 0H${w - 8}L${w} 8V${h - 8}L${w - 8} ${h}H8L0 ${h - 8}V8z"/>`
  const radius = { router: 16, other: 22, machine: 4, host: 3 }[role]
  const frame = role === 'machine' ? `<rect class="i" x="-4" y="-4" width="${w + 8}" height="${h + 8}" rx="7"/>` : ''
  return `${frame}<rect class="b" width="${w}" height="${h}" rx="${Math.min(radius, h / 2)}"/>`
}

const classes: Readonly<Record<Text['as'], string>> = { title: 't', name: 'n', address: '', note: '' }
const anchors: Readonly<Record<Text['anchor'], string>> = { start: '', middle: 'm', end: 'e' }

function textOf(text: Text): string {
  const all = [classes[text.as], anchors[text.anchor]].filter(Boolean).join(' ')
  return `<text${all && ` class="${all}"`} x="${text.x}" y="${text.y}">${escaped(text.text)}</text>`
}

/** States in words; nothing for `up`. */
export const stateWords: Readonly<Record<State, string>> = {
  ...{ up: '', down: 'down', missing: 'missing', drift: 'not as in the file' },
  ...{ added: 'added', changed: 'changed', removed: 'removed' },
}

const wayWords = { passed: 'on the way of the packet', end: 'where the packet ended' }

/** A node in words: `ns0, router, changed`. */
export const nodeInWords = ({ node: { id, role, state, way } }: Card): string =>
  [id, role === 'other' ? 'not of this lab' : role, stateWords[state], way ? wayWords[way] : '']
    .filter(Boolean)
    .join(', ')

/** The element of a node. `more`: attributes of it. */
export function nodeElement({ card, x, y }: Placed, more = ''): string {
  const icon = iconAt(card)
  const { role, state, way } = card.node
  const dots = card.ports.map((port) => `<circle class="d" cx="${port.x}" cy="${port.y}" r="2.5"/>`)
  return (
    `<g class="${[role, state === 'up' ? '' : state, way].filter(Boolean).join(' ')}" transform="translate(${x} ${y})"${more}>` +
    `<title>${escaped(nodeInWords(card))}</title>${outline(card)}` +
    `<use href="#${role}" x="${icon.x}" y="${icon.y}"/>${dots.join('')}${card.texts.map(textOf).join('')}</g>`
  )
}

/** The class of a link's line. */
export const lineClass = ({ kind, state, way }: Picture['graph']['links'][number]): string =>
  ['l', kind === 'cable' ? '' : kind, state === 'up' ? '' : state, way].filter(Boolean).join(' ')

/** The pictures of the roles that are used. */
export function symbolsOf({ nodes }: Picture): string {
  const roles = new Set([...nodes.values()].map(({ card }) => card.node.role))
  return [...roles].map((role) => `<g id="${role}" class="i ${role}">${icons[role]}</g>`).join('')
}

/** What the picture shows, in a sentence for those who do not see it. */
export function pictureInWords({ graph: { nodes, links, way } }: Picture): string {
  const count = (n: number, one: string, many = `${one}s`): string[] => (n ? [`${n} ${n === 1 ? one : many}`] : [])
  const of = (role: Role): number => nodes.filter((node) => node.role === role).length
  const parts = [
    ...count(of('router'), 'router'),
    ...count(of('switch'), 'switch', 'switches'),
    ...count(of('host'), 'host'),
    ...(of('machine') ? ['the machine itself'] : []),
    ...count(of('other'), 'namespace of others', 'namespaces of others'),
  ]
  const name = ({ node, name, addresses }: { node: string; name: string; addresses: readonly string[] }): string =>
    [`${node}${name && ` ${name}`}`, ...addresses].join(' ')
  const lines = links.map(
    ({ a, b, state }) => `${name(a)} to ${name(b)}${stateWords[state] && ` (${stateWords[state]})`}`,
  )
  const all = lines.length > 60 ? [...lines.slice(0, 60), `and ${lines.length - 60} more links`] : lines
  return `${parts.join(', ')}. ${all.join('; ')}${all.length ? '.' : ''}${way === undefined ? '' : ` Packet: ${way}.`}`
}

/** The picture as one SVG document: light and dark, with a description. */
export function svgOf(picture: Picture): string {
  const { graph, view, nodes, paths } = picture
  const { x, y, width, height } = view
  // What stands out is drawn over the rest.
  const order = ({ kind, state, way }: GraphLink): number =>
    (kind === 'bridge' ? 1 : 0) + (state === 'up' ? 0 : 2) + (way ? 4 : 0)
  const lines = graph.links
    .map((link, i) => ({ link, path: paths[i]! }))
    .filter(({ path }) => path)
    .sort((a, b) => order(a.link) - order(b.link))
    .map(({ link, path }) => `<path class="${lineClass(link)}" d="${path}"/>`)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${x} ${y} ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title desc">
<title id="title">${escaped(graph.lab)}</title>
<desc id="desc">${escaped(pictureInWords(picture))}</desc>
<style>svg{${LIGHT}}@media(prefers-color-scheme:dark){svg{${DARK}}}${styleOf(graph)}</style>
<defs>${symbolsOf(picture)}</defs>
<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="var(--paper)"/>
${lines.join('\n')}
${[...nodes.values()].map((placed) => nodeElement(placed)).join('\n')}
</svg>
`
}

/** The boxes of the cards and of the texts of a picture. */
export const boxesOf = ({ nodes }: Picture) =>
  [...nodes.values()].map(({ card, x, y }) => ({
    id: card.node.id,
    card: { x, y, width: card.width, height: card.height },
    texts: card.texts.map((text) => {
      const box = boxOf(text)
      return { ...box, x: box.x + x, y: box.y + y, text: text.text }
    }),
  }))

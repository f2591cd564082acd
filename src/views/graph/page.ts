import { createHash } from 'node:crypto'
import type { Topology } from '../../model/topology.ts'
import type { ResourceJson } from '../json.ts'
import type { Graph } from './graph-of.ts'
import { keyOfNode, layoutHead } from './layout-file.ts'
import type { Picture } from './layout.ts'
import script from './page.browser.js'
import { PAGE_STYLE } from './page-style.ts'
import { sectionsOf, tablesOf } from './page-text.ts'
import { curve } from './path.ts'
import { escaped, lineClass, nodeElement, nodeInWords, pictureInWords, styleOf, symbolsOf } from './svg.ts'

/** JSON that ends no script element, whatever is in it. */
const embedded = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c')

/** What page.browser.js knows of the picture. `file`: the name of the file with the positions. */
function dataOf({ graph, nodes, parents }: Picture, net: Topology<ResourceJson>, file: string) {
  const children = new Map<string, string[]>()
  for (const [id, on] of parents) children.set(on, [...(children.get(on) ?? []), id])
  const namespaces = [...new Set(graph.nodes.map(({ namespace }) => namespace))]
  const found = new Map(namespaces.map((namespace) => [namespace, sectionsOf(namespace, net)]))
  const texts = searched(graph)
  const port = (node: string, link: number) => {
    const of = nodes.get(node)!.card.ports.find((port) => port.link === link)
    return of && [of.x, of.y, of.side, of.stub ?? 0]
  }
  return {
    file,
    head: layoutHead(graph.lab),
    sections: Object.fromEntries(found),
    nodes: graph.nodes.map((node) => {
      const { card, x, y } = nodes.get(node.id)!
      const { id, namespace } = node
      return {
        ...{ id, namespace, x, y, width: card.width, height: card.height, key: keyOfNode(id) },
        ...{
          words: nodeInWords(card),
          children: children.get(id) ?? [],
          text: texts.get(id)!,
        },
      }
    }),
    links: graph.links.map(({ a, b, state }, i) => ({
      ends: [a, b].map((end) => ({
        node: end.node,
        name: end.name,
        addresses: end.addresses,
        port: port(end.node, i),
      })),
      state,
      hangs: parents.get(a.node) === b.node ? 0 : parents.get(b.node) === a.node ? 1 : -1,
    })),
  }
}

/** What a search finds of each node, in lower case. */
function searched({ nodes, links }: Graph): Map<string, string> {
  const texts = new Map(nodes.map(({ id, role, notes }) => [id, [id, role, ...notes]]))
  for (const end of links.flatMap(({ a, b }) => [a, b])) texts.get(end.node)!.push(end.name, ...end.addresses)
  return new Map([...texts].map(([id, all]) => [id, all.join('\n').toLowerCase()]))
}

/**
 * The picture as a page that needs no network: to look at, to search, and to move nodes in. `file`: the name under which it saves the
 * positions of the nodes.
 */
export function pageOf(picture: Picture, net: Topology<ResourceJson>, file: string): string {
  const { graph, nodes, paths } = picture
  const lines = graph.links.flatMap((link, i) =>
    paths[i] ? [`<path class="${lineClass(link)}" data-link="${i}" d="${paths[i]}"/>`] : [],
  )
  const cards = [...nodes.values()].map((placed) => {
    const words = escaped(nodeInWords(placed.card))
    return nodeElement(
      placed,
      ` data-node="${escaped(placed.card.node.id)}" role="button" tabindex="-1" aria-label="${words}"`,
    )
  })
  const code = `const curve = ${curve.toString()}\n${script}`
  const hash = createHash('sha256').update(code).digest('base64')
  const lab = escaped(graph.lab)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${lab}</title>
<style>${PAGE_STYLE}${styleOf(graph)}</style>
<noscript><style>#tables{display:block!important}#picture,nav,footer{display:none}</style></noscript>
</head>
<body>
<header>
<h1>${lab}</h1>
<nav aria-label="Picture">
<label>Search <input id="search" type="search" placeholder="name or address" autocomplete="off" spellcheck="false" aria-keyshortcuts="/"></label>
<button id="in" aria-label="Zoom in" aria-keyshortcuts="+">+</button>
<button id="out" aria-label="Zoom out" aria-keyshortcuts="-">−</button>
<button id="fit" aria-keyshortcuts="0">Fit</button>
<button id="theme">Theme: auto</button>
<button id="table" aria-expanded="false" aria-controls="tables">Tables</button>
<button id="save" title="${escaped(file)}, to be put beside the lab file">Save positions</button>
</nav>
<p id="status" role="status">${escaped(graph.way ?? '')}</p>
</header>
<main>
<svg id="picture" role="group" aria-label="Picture of ${lab}" aria-describedby="words keys">
<desc id="words">${escaped(pictureInWords(picture))}</desc>
<defs>${symbolsOf(picture)}</defs>
<g id="world">
${lines.join('\n')}
${cards.join('\n')}
</g>
</svg>
<section id="tables" aria-label="Tables of ${lab}" hidden>${tablesOf(picture)}</section>
<aside id="details" aria-labelledby="about" hidden></aside>
</main>
<footer id="keys"><kbd>/</kbd> search, <kbd>Enter</kbd> next match · <kbd>Tab</kbd> into the picture, arrows: next node, <kbd>Enter</kbd> its details, <kbd>Shift</kbd> and arrows: move it · <kbd>+</kbd> <kbd>−</kbd> <kbd>0</kbd> zoom · <kbd>Esc</kbd> close</footer>
<script type="application/json" id="data">${embedded(dataOf(picture, net, file))}</script>
<script>${code}</script>
</body>
</html>
`
}

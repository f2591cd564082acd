import type { Picture } from './layout.ts'

/** The comment at the head of a file with positions. */
export const layoutHead = (lab: string): string =>
  `# Where netlab graph draws the nodes of ${lab}: the middle of each, in pixels. A node without a line has no fixed place.\n`

/** The text of the file that pins every node where it is. */
export function layoutText({ graph, nodes }: Picture): string {
  const lines = [...nodes].map(
    ([id, { card, x, y }]) => `${keyOfNode(id)}: [${x + card.width / 2}, ${y + card.height / 2}]\n`,
  )
  return layoutHead(graph.lab) + lines.join('')
}

/** A key of YAML: quoted where YAML would see more than a word in it. */
export const keyOfNode = (id: string): string =>
  /^[a-z_][\w-]*$/i.test(id) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(id) ? id : JSON.stringify(id)

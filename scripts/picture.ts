import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { openLab } from '../src/language/load-lab.ts'
import { topologyOf } from '../src/model/topology.ts'
import { graphOf } from '../src/views/graph/graph-of.ts'
import { layout } from '../src/views/graph/layout.ts'
import { svgOf } from '../src/views/graph/svg.ts'
import { showJson } from '../src/views/json.ts'

/** What `netlab graph FILE` prints. */
export function pictureOf(file: string): string {
  const readBeside = (path: string): string => readFileSync(resolve(dirname(file), path), 'utf8')
  const { name, resources } = openLab({ file, text: readFileSync(file, 'utf8'), readBeside }).lab()
  const show = showJson(name, resources)
  return svgOf(layout(graphOf(name, topologyOf(new Map(show.resources.map((r) => [r.id, r]))))))
}

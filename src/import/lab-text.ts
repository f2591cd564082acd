import { Document, isMap, isPair, isScalar, visit, type Node } from 'yaml'
import { textOfDocument } from '../language/write.ts'
import type { Fields } from '../model/fields.ts'
import type { LabPath } from '../model/kind.ts'
import { visible } from '../model/text.ts'
import type { Remark } from './network.ts'

/** The longest list or map that is written in one line, in characters. */
const WIDTH = 100
/** Parts of a file that are written in lines, whatever their length. */
const TALL = new Set(['namespaces', 'interfaces', 'bridges', 'links', 'processes', 'files', 'iptables', 'ip6tables'])

/** The text of a lab file with comments, laid out as a person does: what is short is in one line. */
export function labText(file: Fields, remarks: readonly Remark[], head: readonly string[] = []): string {
  const document = new Document(file)
  visit(document, {
    Collection(key, node, path) {
      const names = path.flatMap((one) => (isPair(one) && isScalar(one.key) ? [String(one.key.value)] : []))
      const isRules = names.some((name) => name === 'iptables' || name === 'ip6tables')
      const isCheck = names.at(-1) === 'checks' && isMap(node)
      const isPart = key === null || TALL.has(names.at(-1) ?? '') || (path.length < 5 && !isCheck)
      const isTall = isPart || (isRules && node.items.length > 1)
      const text = JSON.stringify(node.toJSON())
      // Texts of several lines are written as such.
      if (!isTall && text.length <= WIDTH && !text.includes('\\n')) node.flow = true
    },
  })
  for (const { at, texts } of byPlace(remarks)) {
    const node = placeOfRemark(document, at)
    const lines = texts.map((text) => ` ${visible(text).replaceAll('\n', ' ')}`).join('\n')
    if (node) node.commentBefore = node.commentBefore ? `${node.commentBefore}\n${lines}` : lines
  }
  if (head.length) document.commentBefore = head.map((line) => ` ${visible(line)}`).join('\n')
  return textOfDocument(document, 0)
}

/** The remarks, those of one place together, each once. */
function byPlace(remarks: readonly Remark[]): { at: LabPath; texts: string[] }[] {
  const places = new Map<string, { at: LabPath; texts: string[] }>()
  for (const { at, text } of remarks) {
    const key = JSON.stringify(at)
    const place = places.get(key) ?? { at, texts: [] }
    places.set(key, place)
    if (!place.texts.includes(text)) place.texts.push(text)
  }
  return [...places.values()]
}

/** The key, or the item of a list, at a path, or the nearest one above it. */
function placeOfRemark(document: Document, at: LabPath): Node | undefined {
  for (let path = at; path.length; path = path.slice(0, -1)) {
    const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents
    const last = path.at(-1)
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(last))
      if (pair && isScalar(pair.key)) return pair.key
    }
    const item = document.getIn(path, true)
    if (typeof last === 'number' && item) return item as Node
  }
  return undefined
}

import { isScalar, visit, type Document, type Scalar } from 'yaml'
import type { Problem } from './spot.ts'

/** The name of a key: its text in the file, also where YAML would read a number or null. */
const nameOfKey = ({ value, source, type }: Scalar): string =>
  type === 'PLAIN' && source !== undefined ? source : String(value)

/** Whether it is the key `<<`, which joins maps. */
export const isMerge = ({ value }: Scalar): boolean => typeof value === 'symbol'

/** Replaces the values of keys such as `1.0` and `null` by their text. Returns the keys that their map has already. */
export function nameKeys(document: Document): Problem[] {
  const twice: Problem[] = []
  visit(document, {
    Map(_, { items }) {
      const names = new Set<string>()
      for (const { key } of items) {
        if (!isScalar(key) || isMerge(key)) continue
        const name = nameOfKey(key)
        const start = key.range?.[0] ?? 0
        if (names.has(name)) twice.push({ code: 'DUPLICATE_KEY', message: '', pos: [start, start + 1] })
        names.add(name)
        key.value = name
      }
    },
  })
  return twice
}

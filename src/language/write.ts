import { Document, Scalar, visit } from 'yaml'
import { kindOf } from '../kinds/index.ts'
import { isFields } from '../model/fields.ts'
import type { LabEntry } from '../model/kind.ts'
import { HERE_NAME } from '../model/place.ts'
import type { Resources } from '../model/resource.ts'
import { visible } from '../model/text.ts'

type Fields = Record<string, unknown>

/** Resources as a lab file in its long form: every interface, address and route said once, nothing implied. */
export const writeLab = (name: string, resources: Resources): string =>
  textOfDocument(new Document(longLab(name, resources)))

/** The long form of a lab file, as data. */
export function longLab(name: string, resources: Resources): Fields {
  const file: Fields = { name, namespaces: {} }
  for (const r of resources.values()) {
    if (r.borrowed === HERE_NAME) say(file, { at: ['namespaces', r.namespace], set: { root: true } })
    for (const entry of kindOf(r.kind).toLab(r, resources)) say(file, entry)
  }
  return file
}

/** The text of a lab file. Characters that nobody sees are escaped. Lines are broken at a width; 0: never. */
export function textOfDocument(document: Document, lineWidth = 120): string {
  visit(document, {
    Scalar(_, scalar) {
      if (typeof scalar.value === 'string' && visible(scalar.value) !== scalar.value) scalar.type = Scalar.QUOTE_DOUBLE
    },
  })
  return visible(document.toString({ lineWidth, flowCollectionPadding: true, nullStr: '' }))
}

/** Adds fields to the file; lists and maps are joined with existing ones. */
function say(file: Fields, { at, set }: LabEntry): void {
  const home = at.reduce((map, name) => (map[name] ??= {}) as Fields, file)
  for (const [field, value] of Object.entries(set)) {
    const known = home[field]
    if (Array.isArray(known) && Array.isArray(value)) known.push(...(value as unknown[]))
    else if (isFields(known) && isFields(value)) Object.assign(known, value)
    else if (value !== undefined) home[field] = Array.isArray(value) ? [...(value as unknown[])] : isFields(value) ? { ...value } : value // prettier-ignore
  }
}

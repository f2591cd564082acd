// schemas/lab.schema.json: the schema of src/language/schema.ts, as editors want it.

const isMap = (part) => part !== null && typeof part === 'object' && !Array.isArray(part)
const each = (object, change) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]))

/** What one of these is called: route of routes, address of addresses. */
const singular = (name) => name.replace(/sses$/, 'ss').replace(/(?<!s)s$/, '')

/**
 * Names every part after its key, because editors show the title of the nearest part that has one: a field by its key, an entry of a list or map by the singular.
 */
function titled(part, name) {
  if (!isMap(part)) return part
  const own = part.title ?? name
  return {
    ...(own !== undefined && Object.keys(part).length > 0 && !part.$ref && { title: own }), // $ref: what it refers to has one
    ...each(part, (value, keyword) => {
      if (keyword === 'properties' || keyword === 'definitions') return each(value, titled)
      if (keyword === 'items' || keyword === 'additionalProperties') return titled(value, own && singular(own))
      if (['anyOf', 'oneOf', 'allOf'].includes(keyword)) return value.map((one) => titled(one, name))
      if (['if', 'then', 'else'].includes(keyword)) return titled(value, keyword === 'if' ? undefined : name)
      return value
    }),
  }
}

/** Editors complete no key of a map whose keys are free; the keys of its examples become keys that it may have. */
function suggesting(part) {
  if (Array.isArray(part)) return part.map(suggesting)
  if (!isMap(part)) return part
  const { examples, additionalProperties: any } = part
  const free = isMap(any) && !part.properties && examples?.every(isMap)
  const { examples: _, ...rest } = part
  const known = free && { properties: each(Object.assign({}, ...examples), () => any) }
  return each(free ? { ...rest, ...known } : part, suggesting)
}

/** Where a range counts, `{i}` and `[1..40]` may stand for numbers and in names. */
function ranged(part) {
  if (Array.isArray(part)) return part.map(ranged)
  if (!isMap(part)) return part
  return Object.fromEntries(
    Object.entries(part).flatMap(([key, value]) => {
      if (key === 'type' && value === 'integer')
        return Object.entries({ type: ['integer', 'string'], pattern: '^\\{.+\\}$' })
      return [[key, key === 'pattern' && typeof value === 'string' ? `${value}|[[{]` : ranged(value)]]
    }),
  )
}

/**
 * In the schema, an interface has the fields of all types, and those that its type does not have are found later. An editor that completes wants
 * to be told what each type has: a map for each, which shares what all have.
 */
function byType(part, definitions) {
  if (Array.isArray(part)) return part.map((one) => byType(one, definitions))
  if (!isMap(part)) return part
  if (!part.allOf?.every((one) => one.if?.properties?.type?.const !== undefined))
    return each(part, (value) => byType(value, definitions))
  const reference = { $ref: '#/definitions/interface' }
  if (definitions.interface) return reference // the same in `interfaces` and `endpoints`
  const { allOf, properties, additionalProperties, ...rest } = part
  const general = Object.fromEntries(Object.entries(properties).filter(([, field]) => Object.keys(field).length > 0))
  const types = allOf.map(({ if: { properties: condition }, then }) => [condition.type.const, then])
  definitions.settings = { properties: general }
  const shared = each(general, (_, name) => ({ $ref: `#/definitions/settings/properties/${name}` }))
  const fields = (own) => ({ additionalProperties: false, properties: { ...shared, ...own } })
  definitions.interface = {
    ...rest,
    properties: { type: shared.type },
    allOf: [
      { if: { not: { required: ['type'] } }, then: fields({}) },
      ...types.map(([type, { properties: own, ...more }]) => ({
        if: { required: ['type'], properties: { type: { const: type } } },
        then: { ...more, ...fields(own) },
      })),
    ],
  }
  return reference
}

/** The schema for editors. */
export function editorSchema(schema) {
  const definitions = {}
  const { $schema, ...rest } = byType(suggesting(ranged(schema)), definitions)
  const { title, ...whole } = titled({ ...rest, definitions: { ...rest.definitions, ...definitions } }, undefined)
  return { $schema, $id: 'urn:netlab:lab:1', title, ...whole }
}

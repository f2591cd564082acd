/** A map of values that are not known yet, as YAML and JSON have it. */
export type Fields = Readonly<Record<string, unknown>>

/** Whether a value is a map: no list, and not nothing. */
export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

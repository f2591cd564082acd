/** A JSON Schema, as plain data. */
export type Schema = Readonly<Record<string, unknown>>

/** Text. */
export const textSchema = (description: string, ...examples: unknown[]): Schema => ({
  type: 'string',
  description,
  ...(examples.length && { examples }),
})
/** True or false. */
export const bool = (description: string): Schema => ({ type: 'boolean', description })
/** A whole number between two others. */
export const int = (description: string, minimum: number, maximum: number): Schema => ({
  type: 'integer',
  minimum,
  maximum,
  description,
})
/** A list. */
export const listOf = (items: Schema, description: string): Schema => ({ type: 'array', items, description })
/** A map with any keys. */
export const map = (values: Schema, description: string): Schema => ({
  type: 'object',
  additionalProperties: values,
  description,
})
/** A map with these keys and no others. */
export const object = (
  properties: Readonly<Record<string, Schema>>,
  description: string,
  required: string[] = [],
): Schema => ({
  type: 'object',
  additionalProperties: false,
  properties,
  ...(required.length && { required }),
  description,
})
/** An address with the length of its prefix. */
export const cidr = textSchema(
  'An address and its prefix length, IPv4 or IPv6; host bits are kept.',
  '192.168.0.2/24',
  'fd00::2/64',
)
/** A number with its unit. */
export const amount = (description: string, example: string): Schema => ({
  type: ['string', 'number'],
  description,
  examples: [example],
})
/** A program: its argv, or text for a shell. */
export const command: Schema = {
  anyOf: [
    { type: 'string', minLength: 1 },
    { type: 'array', items: { type: ['string', 'number'] }, minItems: 1 },
  ],
  description: 'The program and its arguments as a list, or text for a shell.',
}
/** That an interface is the machine’s own. */
export const existingSchema: Schema = {
  const: true,
  description:
    'The interface already exists in the machine’s own namespace (`root`). The lab uses it, and never creates, changes or removes it. Only `addresses` can be set beside `existing`.',
}

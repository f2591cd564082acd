import { amount, bool, int, listOf, map, object, type Schema } from './schema-words.ts'

const oneOrMore = (description: string, example: string): Schema => ({
  anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, minItems: 1 }],
  description,
  examples: [example],
})

const step = object(
  {
    at: amount('When, after the beginning: seconds, or a duration. `1s..5s`: at a random time between the two.', '5s'),
    cut: oneOrMore(
      'Cables to cut: NS:IF, NS:IF-NS:IF for both ends, or NS for all interfaces of a namespace; `*` and `?` in names stand for any text.',
      'a:eth0',
    ),
    impair: oneOrMore('Interfaces to impair, in the same forms. `impairments` says how.', 'a:eth0'),
    partition: {
      type: 'array',
      minItems: 2,
      items: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, minItems: 1 }] },
      description: 'Groups of namespaces that do not hear each other.',
      examples: [[['a', 'b'], 'c']],
    },
    heal: oneOrMore('What is to be as before: interfaces and namespaces, or `all`.', 'all'),
    one_way: bool('For cut: only what the interface sends is lost. Default: false.'),
    impairments: { $ref: '#/definitions/destination' },
    to: { type: 'string', description: 'For impair: only packets to this namespace, address or network.' },
    from: { type: 'string', description: 'For impair: only packets from there.' },
    for: amount('How long it lasts. Default: until `heal`, or the end of the timeline. `1s..3s`: a random time.', '2s'),
    pick: int('So many of the targets, at random. Default: all.', 1, 10000),
  },
  'A step of a timeline: exactly one of cut, impair, partition and heal.',
  ['at'],
)

/** Timelines of faults. */
export const faultsSchema: Schema = map(
  listOf(step, 'The steps.'),
  'Timelines of faults, by name: `netlab fault NAME` runs one, and so does `during: NAME` at a check.',
)

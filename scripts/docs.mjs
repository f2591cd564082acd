// Writes the reference part of docs/language.md from the schema of lab files, docs/errors.md, the features in docs/doctor.md and
// the attributes in docs/kernel.md, docs/lints.md, schemas/output.schema.json from the types of documents, docs/pictures, and the list of
// pictures in labs/README.md: node scripts/docs.mjs
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createGenerator } from 'ts-json-schema-generator'
import { exportsOf } from './exports-of.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const file = resolve(root, 'docs/language.md')
const MARK = '<!-- What follows is written by scripts/docs.mjs from the schema. -->\n'

const { schema: written } = await exportsOf('src/language/schema.ts')
const { impairments, destination } = written.definitions
const named = { '#/definitions/impairments': impairments, '#/definitions/destination': destination }
/** The schema with the definitions in place of what refers to them. */
function inPlace(part) {
  if (Array.isArray(part)) return part.map(inPlace)
  if (part === null || typeof part !== 'object') return part
  const { $ref, ...rest } = part
  const all = $ref in named ? { ...named[$ref], ...rest } : part
  return Object.fromEntries(Object.entries(all).map(([key, value]) => [key, inPlace(value)]))
}
const schema = inPlace(written)

const cell = (text) =>
  String(text ?? '')
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ')
const code = (value) => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``

/** The values of a field, in a few words. */
function form(part) {
  if (part.const !== undefined) return code(part.const)
  if (part.enum) return part.enum.map(code).join(', ')
  const either = part.anyOf ?? part.oneOf
  if (either) return [...new Set(either.map(form))].join(' or ')
  if (part.type === 'array') return `list of ${form(part.items ?? {})}`
  if (part.type === 'object' && part.properties) return 'map (below)'
  if (part.type === 'object') return 'map'
  const range = part.minimum === undefined ? '' : ` ${part.minimum}–${part.maximum ?? ''}`
  const words = { string: 'text', integer: 'number', number: 'number', boolean: 'true, false', null: 'nothing' }
  return [part.type ?? 'any']
    .flat()
    .map((type) => `${words[type] ?? type}${type === 'integer' ? range : ''}`)
    .join(' or ')
}

const objectOf = (part) => (part?.properties ? part : (part?.anyOf ?? part?.oneOf ?? []).map(objectOf).find(Boolean))

function table(title, part) {
  const required = new Set(part.required)
  const rows = Object.entries(part.properties)
    .filter(([, field]) => Object.keys(field).length)
    .map(([name, field]) => {
      const examples = field.examples?.length ? ` For example ${field.examples.map(code).join(', ')}.` : ''
      const needed = required.has(name) ? ' **Required.**' : ''
      return `| \`${name}\` | ${cell(form(field))} | ${cell(`${field.description ?? ''}${needed}${examples}`)} |`
    })
  return `### ${title}\n\n${part.description ?? ''}\n\n| field | value | meaning |\n|---|---|---|\n${rows.join('\n')}\n`
}

const namespace = schema.properties.namespaces.additionalProperties
const at = (name) => namespace.properties[name]
const interfaces = objectOf(at('interfaces').additionalProperties)
const link = schema.properties.links.items
const check = schema.properties.checks.items
const peers = interfaces.allOf.map(({ then }) => then.properties?.peers).find(Boolean)
const macsec = interfaces.allOf.map(({ then }) => then).find(({ properties }) => properties?.rx).properties
const types = interfaces.allOf.map(({ if: condition, then }) =>
  table(`type: ${condition.properties.type.const}`, { properties: {}, ...then }),
)

const reference = [
  table('The file', schema),
  table('namespaces.NAME', namespace),
  table('Interface settings', interfaces),
  table('addresses', objectOf(interfaces.properties.addresses.items)),
  ...types,
  table('peers', objectOf(peers.items)),
  table('tx', objectOf(macsec.tx.items)),
  table('rx', objectOf(macsec.rx.items)),
  table('sas', objectOf(macsec.rx.items.properties.sas.items)),
  table('bridges.NAME', objectOf(at('bridges').additionalProperties)),
  table('routes', at('routes').items),
  table('nexthops of a namespace', at('nexthops').items),
  table('group', objectOf(at('nexthops').items.properties.group.items)),
  table('nexthops', objectOf(at('routes').items.properties.nexthops.items)),
  table('rules', at('rules').items),
  table('neighbors', at('neighbors').items),
  table('fou', at('fou').items),
  table('files.PATH', objectOf(at('files').additionalProperties)),
  table('private', objectOf(at('private').items)),
  table('processes.NAME', at('processes').additionalProperties),
  table('ready', at('processes').additionalProperties.properties.ready),
  table('fdb', objectOf(interfaces.properties.fdb.items)),
  table('mdb', objectOf(interfaces.properties.mdb.items)),
  table('channels', interfaces.properties.channels),
  table('impairments', interfaces.properties.impairments),
  table('ingress', interfaces.properties.ingress),
  table('links', link),
  table('checks', check),
  table('expect', objectOf(check.properties.expect)),
  table('observe', objectOf(check.properties.observe)),
].join('\n')

const [guide] = readFileSync(file, 'utf8').split(MARK)

const { features } = await exportsOf('src/kinds/features.ts')
const doctorFile = resolve(root, 'docs/doctor.md')
const needs = Object.entries(features).map(
  ([name, { purpose, module, config }]) =>
    `| ${purpose.replace(/^type: .*/, code)} | ${name} | ${module} | ${config} |\n`,
)
const doctor = readFileSync(doctorFile, 'utf8').replace(
  /(\| in the lab file .*\n\|.*\n)(?:\|.*\n)+/,
  (_, head) => head + needs.join(''),
)

const { codes } = await exportsOf('src/model/diagnostic-codes.ts')
const byName = ([a], [b]) => (a < b ? -1 : 1)
const rows = Object.entries(codes)
  .sort(byName)
  .map(([name, { cause, remedy }]) => `| \`${name}\` | ${cell(cause)} | ${cell(remedy)} |`)
const errors = `# Errors and warnings

Every error and every warning in a \`--json\` document (docs/automation.md) has a \`code\`, which stays the same when its words change. Warnings of
lints, which a comment in the lab file silences, are explained in docs/lints.md. This page is written by scripts/docs.mjs from
src/model/diagnostic-codes.ts.

| code | what is wrong | what to do |
|---|---|---|
${rows.join('\n')}
`

const { lints } = await exportsOf('src/language/lints/lints.ts')
const lintPage = ({ name, why, wrong, right }) => `## ${name}

${codes[name].cause} ${codes[name].remedy}

${why}

\`\`\`yaml
# warning[${name}]
${wrong}
\`\`\`

\`\`\`yaml
# no warning
${right}
\`\`\`
`
const lintPages = `# Lints

A lint warns of what is valid and most likely not meant. \`validate\`, \`plan\`, \`apply\` and \`test\` print its name, as in
\`warning[duplicate-subnet]\`; in \`--json\` documents it is the \`code\`. A warning never changes the exit code. A lint stays silent where it cannot be sure.

A comment silences a lint, or several:

\`\`\`yaml
# netlab-ignore: mtu-on-segment
# Above the first line that is not a comment it counts for the whole file; otherwise for its own line,
# or for the line below it.
namespaces:
  r:
    interfaces:
      eth1: 10.0.0.1/24 # netlab-ignore: duplicate-subnet, address-twice
\`\`\`

A name that no lint has is a warning itself (\`unknown-lint\`). \`--no-lint\` switches all lints off for one command. This page is written by
scripts/docs.mjs from src/language/lints.

${[...lints]
  .sort((a, b) => (a.name < b.name ? -1 : 1))
  .map(lintPage)
  .join('\n')}`

const { attributeTable } = await exportsOf('test/support/attributes.ts')

/** The attributes of one kind, those of which the same is true in one row. */
function attributesOf({ title, command, attributes }) {
  const groups = new Map()
  for (const [name, { treatment, why = '' }] of attributes) {
    const key = `${treatment} | ${cell(why)}`
    groups.set(key, [...(groups.get(key) ?? []), code(name)])
  }
  const rows = [...groups].map(([key, names]) => `| ${names.join(', ')} | ${key} |`)
  return `### ${title}: \`${command}\`\n\n| attributes | | when, or why |\n|---|---|---|\n${rows.join('\n')}\n`
}

const kernelFile = resolve(root, 'docs/kernel.md')
const kernel = readFileSync(kernelFile, 'utf8').replace(
  /(<!-- attributes -->\n)[^]*(<!-- end of attributes -->)/,
  (_, from, to) => `${from}\n${[...attributeTable.values()].map(attributesOf).join('\n')}\n${to}`,
)

/** The JSON Schema of every document, one definition each. Fields may be added to a document, so others than these are allowed. */
function documents() {
  const generator = createGenerator({
    path: resolve(root, 'src/views/documents.ts'),
    tsconfig: resolve(root, 'tsconfig.json'),
    type: 'Documents',
    skipTypeCheck: true,
    additionalProperties: true,
    functions: 'fail',
  })
  const { definitions } = generator.createSchema('Documents')
  const { Documents: all, ...parts } = definitions
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'urn:netlab:output:1',
    title: 'What netlab prints with --json',
    description: 'One definition for each command, and `error` for a command that failed before it had a result.',
    anyOf: Object.keys(all.properties).map((name) => ({ $ref: `#/definitions/${name}` })),
    definitions: { ...all.properties, ...parts },
  }
  return `${JSON.stringify(schema, null, 2)}\n`
}

const { pictureOf } = await exportsOf('scripts/picture.ts')

/** The picture of each lab, for README.md and labs/README.md. */
const pictures = readdirSync(resolve(root, 'labs'))
  .filter((name) => name.endsWith('.yaml'))
  .sort()
  .map((name) => [
    resolve(root, `docs/pictures/${name.replace('.yaml', '.svg')}`),
    pictureOf(resolve(root, 'labs', name)),
  ])

const tourFile = resolve(root, 'labs/README.md')
const tour = readFileSync(tourFile, 'utf8').replace(
  /(<!-- pictures -->\n)[^]*(<!-- end of pictures -->)/,
  (_, from, to) => {
    const names = pictures.map(([path]) => basename(path, '.svg'))
    const parts = names.map((name) => `### ${name}\n\n![The lab ${name}](../docs/pictures/${name}.svg)\n`)
    return `${from}\n${parts.join('\n')}\n${to}`
  },
)

const pages = [
  [file, `${guide}${MARK}\n## Reference\n\n${reference}`],
  [resolve(root, 'docs/errors.md'), errors],
  [resolve(root, 'docs/lints.md'), lintPages],
  [doctorFile, doctor],
  [kernelFile, kernel],
  [resolve(root, 'schemas/output.schema.json'), documents()],
  ...pictures,
  [tourFile, tour],
]
for (const [path, text] of pages)
  if (!process.argv.includes('--check')) writeFileSync(path, text)
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) process.exitCode = 1

// A test compares the picture, where the commands can run.
if (!process.argv.includes('--check'))
  spawnSync(process.execPath, [resolve(root, 'scripts/terminal.mjs')], { stdio: 'inherit' })

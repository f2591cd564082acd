// Writes what is generated from the schema of lab files, then builds dist/netlab.cjs and the files that it loads.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import Ajv from 'ajv'
import standalone from 'ajv/dist/standalone/index.js'
import esbuild from 'esbuild'
import { editorSchema } from './editor-schema.mjs'
import { exportsOf } from './exports-of.mjs'

process.chdir(resolve(dirname(fileURLToPath(import.meta.url)), '..'))

/** Writes a file at once (by renaming it), because other processes may be reading it or building at the same time. */
function write(path, content, mode = 0o644) {
  mkdirSync(dirname(path), { recursive: true })
  const partial = `${path}.${process.pid}`
  writeFileSync(partial, content, { mode })
  renameSync(partial, path)
}

function writeIfChanged(path, content) {
  if (!existsSync(path) || readFileSync(path, 'utf8') !== content) write(path, content)
}

/**
 * The schema in small pieces, of which each becomes a function of its own: V8 compiles, caches and optimizes only those that a lab file
 * needs; all in one would be half a megabyte. `paths`: where each piece is in the schema. Without what only people read.
 */
function pieces(schema) {
  const definitions = {}
  const paths = {}
  const escaped = (step) => encodeURIComponent(String(step).replaceAll('~', '~0').replaceAll('/', '~1'))
  const inside = (part, path) => {
    const each = (all, keyword) =>
      Array.isArray(all)
        ? all.map((one, i) => piece(one, `${path}/${keyword}/${i}`))
        : Object.fromEntries(
            Object.entries(all).map(([key, one]) => [key, piece(one, `${path}/${keyword}/${escaped(key)}`)]),
          )
    const { description, markdownDescription, examples, defaultSnippets, title, ...rest } = part
    for (const keyword of ['properties', 'anyOf', 'oneOf', 'allOf'])
      if (rest[keyword]) rest[keyword] = each(rest[keyword], keyword)
    for (const keyword of ['items', 'additionalProperties'])
      if (typeof rest[keyword] === 'object') rest[keyword] = piece(rest[keyword], `${path}/${keyword}`)
    return rest
  }
  const add = (name, part, path) => {
    definitions[name] = part
    paths[name] = path
  }
  const piece = (part, path) => {
    const whole = inside(part, path)
    if (JSON.stringify(whole).length < 200) return whole
    const name = `piece${Object.keys(paths).length}`
    add(name, whole, path)
    return { $ref: `#/definitions/${name}` }
  }
  const whole = inside(schema, '#')
  for (const [name, part] of Object.entries(schema.definitions)) {
    const path = `#/definitions/${name}`
    add(name, inside(part, path), path)
  }
  return { whole: { ...whole, definitions }, paths }
}

/** The schema for editors, and its validator: compiled here, because ajv takes longer to load than most labs to plan. */
async function generate() {
  const { schema } = await exportsOf('src/language/schema.ts')
  const compiled = []
  const ajv = new Ajv({
    allErrors: true,
    allowUnionTypes: true,
    strictTypes: false, // the type of a piece may be said by what it is a piece of
    inlineRefs: false, // every piece is compiled, once
    code: { source: true, esm: false, process: (code, part) => (compiled.push(part), code) },
  })
  const { whole, paths } = pieces(schema)
  const validate = ajv.compile(whole)
  // In the errors of a piece, ajv leaves out where in the schema it is; src/language/shape.ts explains them from there.
  for (const [name, path] of Object.entries(paths)) {
    const { source } = compiled.find((part) => part.schema === whole.definitions[name]).validate
    source.validateCode = source.validateCode.replaceAll('schemaPath:"#/', `schemaPath:"${path}/`)
  }
  const { code } = await esbuild.transform(standalone.default(ajv, validate), { minify: true })
  writeIfChanged('schemas/lab.schema.json', `${JSON.stringify(editorSchema(schema), null, 2)}\n`)
  writeIfChanged('src/language/validator.generated.cjs', code)
}

/** commander can start programs, which netlab does not use. Loading the module for that takes Node 5 ms, so it is left out. */
const noPrograms = {
  name: 'no-programs',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer, path }) =>
      /\/commander\//.test(importer) ? { path, namespace: 'nothing' } : undefined,
    )
    onLoad({ filter: /./, namespace: 'nothing' }, () => ({ contents: '' }))
  },
}

/** The packages whose code is part of a bundle. */
const bundled = new Set()

/** Bundles a TypeScript module and everything it imports into one CommonJS file. */
async function bundle(entry, options = {}) {
  const { outputFiles, metafile } = await esbuild.build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true, // names stay, so that a stack in a bug report can be read
    loader: { '.sh': 'text', '.browser.js': 'text' },
    plugins: [noPrograms],
    external: ['koffi'], // native, and optional: looked for when it is used
    legalComments: 'none', // they are in dist/LICENSES.txt
    logLevel: 'error',
    metafile: true,
    ...options,
  })
  for (const file of Object.keys(metafile.inputs)) {
    const [folder] = /^node_modules\/(@[^/]+\/)?[^/]+/.exec(file) ?? []
    if (folder) bundled.add(folder)
  }
  return outputFiles[0].text
}

/** The licences of the bundled packages, as these want to be passed on. */
const licences = () =>
  [...bundled]
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
      return `${name} ${version}, ${license}\n\n${file ? readFileSync(join(folder, file), 'utf8').trim() : ''}\n`
    })
    .join(`\n${'-'.repeat(80)}\n\n`)

/** The shell script at the start of the program, a comment in JavaScript: see src/launch.sh. */
async function launcher() {
  const { KERNEL_COMMANDS: commands } = await exportsOf('src/host/sandbox/choose.ts')
  const sandbox = readFileSync('src/host/sandbox/sandbox.sh', 'utf8')
  const script = readFileSync('src/launch.sh', 'utf8')
    .replace('@SANDBOX@', () => sandbox)
    .replace('@COMMANDS@', commands.join(' | '))
  if (script.includes('*/')) throw new Error('src/launch.sh: */ would end the comment that it is to JavaScript')
  return `#!/bin/sh\n':' /* 2>/dev/null\n${script}*/`
}

async function program() {
  const text = await bundle('src/main.ts')
  const id = createHash('sha256').update(text).digest('hex')
  const thread = await bundle('src/backend/netlink/thread.ts')
  const status = await bundle('src/host/status-thread.ts')
  write('dist/thread.cjs', thread)
  write('dist/status.cjs', status)
  const whole = createHash('sha256').update(id).update(thread).update(status)
  for (const file of ['bash.sh', 'sh.sh', 'zsh/.zshenv', 'zsh/.zshrc']) {
    const prompt = readFileSync(`src/host/prompt/${file}`, 'utf8')
    writeIfChanged(`dist/prompt/${file}`, prompt)
    whole.update(prompt)
  }
  for (const shell of ['bash', 'zsh', 'fish'])
    writeIfChanged(`dist/completion/${shell}`, readFileSync(`src/commands/completion/${shell}`, 'utf8'))
  write('dist/program.cjs', `// ${id}\n(function (require, __filename) {${text}})`)
  write(
    'dist/netlab.cjs',
    await bundle('src/start.ts', { banner: { js: await launcher() }, footer: { js: `// ${whole.digest('hex')}` } }),
    0o755,
  )
  write('dist/api.cjs', await bundle('src/api.ts'))
  writeIfChanged('dist/api.mjs', "import api from './api.cjs'\nexport const { lab, UserError } = api\n")
  for (const file of ['dist/api.d.mts', 'dist/api.d.cts']) writeIfChanged(file, declarations())
  write('dist/LICENSES.txt', licences())
  compile()
}

/** The types of the package: those of src/api-types.ts, and what src/api.ts exports. */
const declarations = () => `${readFileSync('src/api-types.ts', 'utf8')}
/**
 * Builds a lab file in a throw-away sandbox, as root and as an ordinary user; without \`fresh\`, uses the one that is live.
 * \`file\` is a path, or \`REV:FILE\` in git. Rejects with a UserError when the file has errors, cannot be built, or is not live;
 * then nothing is left.
 */
export declare function lab(file: string, options?: LabOptions): Promise<LiveLab>

/** A mistake of yours, or something that the machine lacks, with positions in the lab file where there are any. */
export declare class UserError extends Error {
  constructor(diagnostics: readonly LabDiagnostic[])
  readonly diagnostics: readonly LabDiagnostic[]
}
`

/**
 * Writes V8's code caches: of a run of `plan`, and of what netlab does on other machines. Without root, where `plan` would make a
 * sandbox, only of a smaller command.
 */
function compile() {
  const isRoot = process.geteuid() === 0
  const home = mkdtempSync(join(tmpdir(), 'netlab-'))
  const env = { ...process.env, XDG_STATE_HOME: home, NETLAB_SANDBOX: undefined, NETLAB_RUNNER: undefined }
  const run = (...[program, ...words]) => spawnSync(program, words, { env, stdio: 'ignore', timeout: 30_000 })
  run(process.execPath, 'scripts/compile.mjs', 'program.cache', isRoot ? 'plan' : 'validate', 'labs/router.yaml')
  rmSync('dist/machine.cache', { force: true })
  const apart = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private']
  if (isRoot) run('unshare', ...apart, 'sh', 'scripts/compile-machine.sh', home)
  rmSync(home, { recursive: true })
}

/** The man pages, made of the program's own commands. */
async function manual() {
  const pages = (await exportsOf('src/commands/man-page.ts')).manPages()
  mkdirSync('man', { recursive: true })
  for (const file of readdirSync('man')) if (!pages.has(file)) rmSync(join('man', file))
  for (const [file, text] of pages) writeIfChanged(join('man', file), text)
}

try {
  await generate()
  await program()
  await manual()
} catch (error) {
  if (!error.errors) throw error // esbuild has said what is wrong with the sources
  process.exitCode = 1
}

// Builds dist/netlab.cjs, and before that what is generated from the schema of lab files.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import Ajv from 'ajv'
import standalone from 'ajv/dist/standalone/index.js'
import esbuild from 'esbuild'

process.chdir(resolve(dirname(fileURLToPath(import.meta.url)), '..'))

/** Others may be reading the file, or building at the same time: it is there in full or not at all. */
function write(path, content, mode = 0o644) {
  mkdirSync(dirname(path), { recursive: true })
  const partial = `${path}.${process.pid}`
  writeFileSync(partial, content, { mode })
  renameSync(partial, path)
}

function writeIfChanged(path, content) {
  if (!existsSync(path) || readFileSync(path, 'utf8') !== content) write(path, content)
}

/** What a TypeScript module exports, loaded together with everything that it imports. */
async function load(entry) {
  const { outputFiles } = await esbuild.build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  })
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`)
}

/** The schema for editors, and its validator: compiled here, because ajv takes longer to load than most labs to plan. */
async function generate() {
  const { schema } = await load('src/lab/schema.ts')
  const ajv = new Ajv({
    allErrors: true,
    allowUnionTypes: true,
    code: { source: true, esm: false },
    keywords: ['markdownDescription', 'defaultSnippets'], // for editors
  })
  const validator = standalone.default(ajv, ajv.compile(schema))
  writeIfChanged('schemas/lab.schema.json', `${JSON.stringify(schema, null, 2)}\n`)
  writeIfChanged('src/lab/validator.generated.cjs', `${validator}\n`)
}

/** A shell script that is a comment to JavaScript: see src/launch.sh. */
const launcher = `#!/bin/sh\n':' /* 2>/dev/null\n${readFileSync('src/launch.sh', 'utf8')}*/`

async function bundle() {
  const { outputFiles } = await esbuild.build({
    entryPoints: ['src/main.ts'],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    banner: { js: launcher },
    minifySyntax: true,
    minifyWhitespace: true, // names stay, so that a stack in a bug report can be read
    external: ['koffi'], // native, and optional: looked for when it is used
    legalComments: 'none',
    logLevel: 'error',
  })
  write('dist/netlab.cjs', outputFiles[0].contents, 0o755)
}

try {
  await generate()
  await bundle()
} catch (error) {
  if (!error.errors) throw error // esbuild has said what is wrong with the sources
  process.exitCode = 1
}

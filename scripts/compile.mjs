// Runs dist/program.cjs with the given arguments, and writes V8's code cache, dist/program.cache, for src/start.ts.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'

const dist = resolve(dirname(fileURLToPath(import.meta.url)), '../dist')
const [start, file, cache] = ['netlab.cjs', 'program.cjs', 'program.cache'].map((name) => join(dist, name))
const text = readFileSync(file, 'latin1')
const script = new Script(text, { filename: file })

process.argv[1] = start
process.once('exit', () => {
  const partial = `${cache}.${process.pid}`
  writeFileSync(partial, Buffer.concat([script.createCachedData(), Buffer.from(text.slice(0, text.indexOf('\n')))]))
  renameSync(partial, cache)
})
script.runInThisContext()(createRequire(start), start)

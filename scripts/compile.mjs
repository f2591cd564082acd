// Runs dist/program.cjs with the given arguments, and adds what V8 has compiled of it to dist/CACHE, for src/start.ts: compile.mjs CACHE ARGUMENTS.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import v8 from 'node:v8'
import { Script } from 'node:vm'

const dist = resolve(dirname(fileURLToPath(import.meta.url)), '../dist')
const [, , name, ...words] = process.argv
const [start, file, cache] = ['netlab.cjs', 'program.cjs', name].map((one) => join(dist, one))
const text = readFileSync(file, 'latin1')
const id = text.slice(0, text.indexOf('\n'))
const before = existsSync(cache) ? readFileSync(cache) : Buffer.alloc(0)
const cachedData = before.toString('latin1').endsWith(id) ? before.subarray(0, -id.length) : undefined
const program = new Script(text, { filename: file, cachedData })

v8.setFlagsFromString = () => {} // V8 refuses what was compiled with other flags (src/run/optimize-late.ts)
process.argv = [process.execPath, start, ...words]
process.once('exit', () => {
  const partial = `${cache}.${process.pid}`
  writeFileSync(partial, Buffer.concat([program.createCachedData(), Buffer.from(id)]))
  renameSync(partial, cache)
})
program.runInThisContext()(createRequire(start), start)

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Script } from 'node:vm'

type Program = (require: NodeJS.Require, filename: string) => void

/**
 * Starts the program, dist/program.cjs, with the code cache that V8 wrote when it was built: compiling its 1.2 MB would take a
 * third of the start. V8 refuses a cache of another version of V8. It compares only the length of the source
 * (v8/src/snapshot/code-serializer.cc), so a cache of another build is not passed to it.
 * On another machine, netlab needs a part of the program only, and has a cache of that.
 */
function start(): void {
  const file = join(__dirname, 'program.cjs')
  const text = readFileSync(file, 'latin1')
  const cachedData =
    (process.argv[2] === 'machine' && compiled(text, 'machine.cache')) || compiled(text, 'program.cache')
  const script = new Script(text, { filename: file, ...(cachedData && { cachedData }) })
  const program = script.runInThisContext() as Program
  program(createRequire(__filename), __filename)
}

/** What was compiled of this very text, from this file; undefined when there is nothing. */
function compiled(text: string, file: string): Buffer | undefined {
  try {
    const cache = readFileSync(join(__dirname, file))
    const id = text.slice(0, text.indexOf('\n'))
    const end = cache.length - id.length
    return cache.toString('latin1', end) === id ? cache.subarray(0, end) : undefined
  } catch {
    return undefined
  }
}

start()

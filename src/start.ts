import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'

type Program = (require: NodeJS.Require, filename: string) => void

/**
 * Starts the program, dist/program.cjs, with what V8 made of it when it was built: reading its 1.2 MB costs a third of
 * the start otherwise. V8 refuses what another version of it made, and what belongs to another build is not shown to it:
 * it would compare nothing but the length (v8/src/snapshot/code-serializer.cc).
 */
function start(): void {
  // Runs are over in a second or two: code that is compiled best in the background is ready when nobody needs it any more,
  // and costs a quarter of the time. V8 is to wait longer (in bytes of bytecode run) before it begins.
  setFlagsFromString('--interrupt-budget=500000')
  const file = join(__dirname, 'program.cjs')
  const text = readFileSync(file, 'latin1')
  const cachedData = compiled(text)
  const script = new Script(text, { filename: file, ...(cachedData && { cachedData }) })
  const program = script.runInThisContext() as Program
  program(createRequire(__filename), __filename)
}

/** What was compiled of this very text; undefined when there is nothing. */
function compiled(text: string): Buffer | undefined {
  try {
    const cache = readFileSync(join(__dirname, 'program.cache'))
    const id = text.slice(0, text.indexOf('\n'))
    const end = cache.length - id.length
    return cache.toString('latin1', end) === id ? cache.subarray(0, end) : undefined
  } catch {
    return undefined
  }
}

start()

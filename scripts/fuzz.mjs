// `npm run fuzz -- [--seed N] [--files N]`: damages the labs in many ways, and loads each file as `netlab validate` does. None may
// throw, take more than 2 s of processor time, or need more than 300 MB. The seed of a file that does is printed; `--seed N --files 1` tries it again.
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker, isMainThread, parentPort } from 'node:worker_threads'
import { exportsOf } from './exports-of.mjs'

if (isMainThread) process.chdir(resolve(dirname(fileURLToPath(import.meta.url)), '..'))
/** Of processor time. */
const SECONDS = 2
const MEGABYTES = 300
/** A file is given up after so many seconds, on a machine that has other things to do. */
const PATIENCE = 20

async function work() {
  const { diagnose } = await exportsOf('src/language/load-lab.ts')
  parentPort.on('message', (text) => {
    const began = process.cpuUsage()
    let stack
    try {
      diagnose({ file: 'lab.yaml', text })
    } catch (error) {
      if (!error.diagnostics) stack = error.stack
    }
    const { user, system } = process.cpuUsage(began)
    parentPort.postMessage({ ms: (user + system) / 1000, stack })
  })
  parentPort.postMessage('ready')
}

/** Starts a worker; resolves when it can take files. */
function start() {
  const worker = new Worker(fileURLToPath(import.meta.url), { resourceLimits: { maxOldGenerationSizeMb: MEGABYTES } })
  return new Promise((finish, fail) => {
    worker.once('message', () => finish(worker))
    worker.once('error', fail)
  })
}

/** What is wrong with loading a text, or undefined; and how long it took, in ms. */
function attempt(worker, text) {
  return new Promise((finish) => {
    const patience = setTimeout(() => end({ problem: `takes more than ${PATIENCE} s`, ms: 0 }), 1000 * PATIENCE)
    const failed = (error) =>
      end({
        problem: error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? `needs more than ${MEGABYTES} MB` : error.stack,
        ms: 0,
      })
    const answered = ({ ms, stack }) =>
      end({ ms, problem: stack ?? (ms > SECONDS * 1000 ? `took ${(ms / 1000).toFixed(1)} s` : undefined) })
    const end = (result) => {
      clearTimeout(patience)
      worker.off('message', answered)
      worker.off('error', failed)
      finish(result)
    }
    worker.once('message', answered)
    worker.once('error', failed)
    worker.postMessage(text)
  })
}

const labs = ['labs', 'templates'].flatMap((folder) =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => readFileSync(join(folder, file), 'utf8')),
)

async function main() {
  const { values } = parseArgs({ options: { seed: { type: 'string' }, files: { type: 'string' } } })
  const [first, count] = [Number(values.seed ?? 1), Number(values.files ?? 10_000)]
  const { damagedLab } = await exportsOf('test/support/damage.ts')
  let worker = await start()
  let [failures, slowest, slowestSeed] = [0, 0, first]
  for (let seed = first; seed < first + count; seed++) {
    const { problem, ms } = await attempt(worker, damagedLab(labs, seed))
    if (ms > slowest) [slowest, slowestSeed] = [ms, seed]
    if (problem === undefined) continue
    failures++
    console.log(`seed ${seed}: ${problem}`)
    await worker.terminate()
    worker = await start()
  }
  await worker.terminate()
  console.log(`${count} files, ${failures} failures; the slowest took ${slowest.toFixed(0)} ms (seed ${slowestSeed})`)
  process.exitCode = failures ? 1 : 0
}

await (isMainThread ? main() : work())

import { hostname } from 'node:os'
import { dirname, resolve } from 'node:path'
import { checkName } from '../checks/engine.ts'
import { idle } from '../host/status-line.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { Lab } from '../language/load-lab.ts'
import type { Host } from '../model/host.ts'
import { startRunner } from '../run/choose-runner.ts'
import { checkJson, checksJson, exitCodeOf, junit, renderSummary, type ChecksJson } from '../views/check-results.ts'
import { stampsOf, watchFiles, writeFile, type FileStamps } from './own-files.ts'
import { checksPrinter } from './checks-printer.ts'
import { spreadOf } from './lab-runner.ts'
import { checksNamed, testLive } from './live-checks.ts'
import { seedOf } from './run-fault.ts'
import { locate, type LocateOptions } from './locate.ts'
import { loadFound, type Linting } from './open-located.ts'
import { asSeenFromHere } from './prepare.ts'
import { note, out, outColors, outJson, report, type Global } from './terminal.ts'

interface Options extends Global, Linting, LocateOptions {
  readonly json?: boolean
  /** A file for the results as JUnit XML. */
  readonly junit?: string
  /** Only checks whose name contains this text, or matches it if it is `/…/`. */
  readonly only?: string
  readonly failFast?: boolean
  readonly watch?: boolean
  /** In a copy of what the file says, which is thrown away afterwards. */
  readonly fresh?: boolean
  /** Of timelines of faults. */
  readonly seed?: string
  /** False after `--no-processes`. */
  readonly processes?: boolean
}

/**
 * `netlab test`: runs the checks of the lab file on the live network, or in a fresh copy of it. Returns 0 when all pass, 1 when one fails, 3 when one could
 * not be tried; with `--watch` 130, when it is interrupted.
 */
export async function test(host: Host, argument: string | undefined, options: Options): Promise<number> {
  if (!options.watch) return await testOnce(host, argument, options)
  const interrupted = new Promise<'interrupted'>((resolve) => process.once('SIGINT', () => resolve('interrupted')))
  for (let files: FileStamps | undefined; ;) {
    const run = testOnce(host, argument, options, (read) => (files = stampsOf(read)))
    const ended = await Promise.race([run.catch(reported(options)), interrupted])
    if (ended === 'interrupted') return 130
    if (!files) return ended
    idle()
    note(`\nWaiting for a change of ${[...files.keys()].join(', ')}. Enter runs the checks again, Ctrl-C ends.\n`)
    const { again, stop } = nextRun(files)
    const next = await Promise.race([again, interrupted])
    stop()
    if (next === 'interrupted') return 130
  }
}

/** Reports a mistake of the user's, which may be mended while netlab watches, and returns the exit code. */
const reported =
  (options: Options) =>
  (error: unknown): number => {
    if (!(error instanceof UserError)) throw error
    report(error.diagnostics, options)
    return 1
  }

/** Waits until one of the files changes, or Enter is typed. */
function nextRun(files: FileStamps): { readonly again: Promise<void>; readonly stop: () => void } {
  const watch = watchFiles(files)
  let typed = (): void => {}
  const enter = new Promise<void>((resolve) => (typed = resolve))
  process.stdin.once('data', typed).resume()
  return {
    again: Promise.race([watch.changed, enter]),
    stop() {
      watch.stop()
      process.stdin.off('data', typed).pause()
    },
  }
}

/** What a run of the checks is made of: a lab that is live, or a copy of it that is thrown away afterwards. */
interface Tested {
  readonly json: ChecksJson
  readonly remarks: () => Promise<readonly Diagnostic[]>
  /** How many checks `--fail-fast` left out. */
  readonly untried: number
}

/** Runs the checks once. `onRead` is called with the lab file and the files that it names, when they have been read. */
async function testOnce(
  host: Host,
  argument: string | undefined,
  options: Options,
  onRead: (files: readonly string[]) => void = () => {},
): Promise<number> {
  const started = Date.now()
  const { json, remarks, untried } = options.fresh
    ? await testCopy(host, argument, options, onRead)
    : await testHere(host, argument, options, onRead)
  const seconds = (Date.now() - started) / 1000
  if (options.junit !== undefined)
    writeFile(options.junit, junit(json, { began: new Date(started), machine: hostname(), seconds }))
  if (options.json) outJson(json)
  else if (json.checks.length) out(renderSummary(json, seconds, outColors(options), untried))
  if (json.summary.fail) report(await remarks(), options)
  return exitCodeOf(json)
}

/** Runs the checks in a copy. */
async function testCopy(
  host: Host,
  argument: string | undefined,
  options: Options,
  onRead: (files: readonly string[]) => void,
): Promise<Tested> {
  const { sourceOf } = await import('./lab-source.ts') // loaded on demand, as it starts programs
  const { testFresh } = await import('./fresh-checks.ts')
  return await testFresh(
    host,
    { source: sourceOf(argument, options) },
    { ...options, onRead, ...checksPrinter(options) },
  )
}

/** Runs the checks on what is live. */
async function testHere(
  host: Host,
  argument: string | undefined,
  options: Options,
  onRead: (files: readonly string[]) => void,
): Promise<Tested> {
  const located = locate(argument, options)
  if (!('file' in located))
    throw UserError.of('no-lab-file', `there is no lab file ${argument}`, 'Checks are in lab files: name the file.')
  const named = new Set([located.file])
  const beside = (path: string): string => {
    named.add(resolve(dirname(located.file), path))
    return located.beside(path)
  }
  const fileBeside = (path: string) => {
    named.add(resolve(dirname(located.file), path))
    return located.fileBeside(path)
  }
  let lab: Lab
  try {
    lab = (await loadFound({ ...located, beside, fileBeside }, host, options))!
  } finally {
    onRead([...named])
  }
  report(lab.warnings, options)
  const checks = options.only === undefined ? lab.checks : checksNamed(lab.checks, options.only)
  if (checks.length === 0) note(`${located.file} has no checks.\n`)
  const { begin, each } = checksPrinter(options)
  begin(checks.map(checkName))
  const spread = await spreadOf(host, located)
  const runner = spread?.runner ?? startRunner(host, located.text.length)
  const { results, remarks } = await testLive(asSeenFromHere(lab, runner.host.lent), checks, runner, {
    each: (result) => each(checkJson(result)),
    failFast: options.failFast === true,
    seed: seedOf(options.seed),
    spread,
  })
  return { json: checksJson(lab.name, results), remarks, untried: checks.length - results.length }
}

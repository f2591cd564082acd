import { hostname } from 'node:os'
import { dirname, resolve } from 'node:path'
import { checkName, runChecks, type Result } from '../checks/engine.ts'
import { matches } from '../checks/probe.ts'
import { waitUntilSettled } from '../checks/settle.ts'
import { survey } from '../checks/survey.ts'
import { idle, stage } from '../host/status-line.ts'
import { startRunner } from '../run/choose-runner.ts'
import { lostConnections, neighborOverflows, overflowed, procOf } from '../observe/limits.ts'
import { read } from '../observe/read.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Lab } from '../language/load-lab.ts'
import type { Check } from '../model/check.ts'
import type { Host } from '../model/host.ts'
import type { Dump } from '../model/runner.ts'
import { checkJson, checksJson, junit, nameWidth, renderResult, renderSummary } from '../views/check-results.ts'
import { stampsOf, watchFiles, writeFile, type FileStamps } from './own-files.ts'
import { otherWorldHint, ownNamespaces } from './elsewhere.ts'
import { locate, type LocateOptions } from './locate.ts'
import { loadFound, readRequestOf, type Linting } from './prepare.ts'
import { note, out, outColors, outJson, report, type Global } from './terminal.ts'

interface Options extends Global, Linting, LocateOptions {
  readonly json?: boolean
  /** A file for the results as JUnit XML. */
  readonly junit?: string
  /** Only checks whose name contains this text, or matches it if it is `/…/`. */
  readonly only?: string
  readonly failFast?: boolean
  readonly watch?: boolean
}

/**
 * `netlab test`: runs the checks of the lab file on the live network. Returns 0 when all pass, 1 when one fails, 3 when one could
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

/** Runs the checks once. `onRead` is called with the lab file and the files that it names, when they have been read. */
async function testOnce(
  host: Host,
  argument: string | undefined,
  options: Options,
  onRead: (files: readonly string[]) => void = () => {},
): Promise<number> {
  const started = Date.now()
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
  const checks = options.only === undefined ? lab.checks : chosen(lab.checks, options.only)
  stage('Reading the live network …')
  const runner = startRunner(host)
  const look = () => read(readRequestOf(lab.name, lab), runner)
  const live = await look()
  const ground = survey(lab, live)
  if (![...ground.places.values()].some((netns) => netns !== undefined) && !onlyRoot(lab.namespaces))
    throw UserError.of(
      'lab-not-live',
      `lab ${lab.name} is not live`,
      [
        ...otherWorldHint(host, ownNamespaces(lab.namespaces), `test ${located.file}`),
        `netlab apply ${located.file} makes it.`,
      ].join('\n'),
    )
  if (checks.length === 0) note(`${located.file} has no checks.\n`)
  else
    await waitUntilSettled(live.resources, runner, (bridges) =>
      stage(`Waiting for the spanning tree of ${bridges.join(', ')} …`),
    )
  const proc = procOf(host)
  const overflows = neighborOverflows(proc)
  const results = await runChecks(checks, ground, host, {
    look: async () => survey(lab, await look()),
    each: resultPrinter(checks, options),
    failFast: options.failFast === true,
  })
  const seconds = (Date.now() - started) / 1000
  const json = checksJson(lab.name, results)
  if (options.junit !== undefined)
    writeFile(options.junit, junit(json, { began: new Date(started), machine: hostname(), seconds }))
  if (options.json) outJson(json)
  else if (checks.length) out(renderSummary(json, seconds, outColors(options), checks.length - results.length))
  if (json.summary.fail) {
    report(overflowed(neighborOverflows(proc) - overflows, proc), options)
    const filters = [...ground.places].filter(([name]) => hasFirewall(live.dumps.get(name)))
    report(await lostConnections(new Map(filters), runner), options)
  }
  return json.summary.fail ? 1 : json.summary.error ? 3 : 0
}

/** The checks whose names fit the pattern. Throws a UserError when there is none. */
function chosen(checks: readonly Check[], pattern: string): readonly Check[] {
  const fitting = checks.filter((check) => matches(pattern, checkName(check)))
  if (fitting.length) return fitting
  const names = checks.slice(0, 10).map((check) => `  ${checkName(check)}`)
  throw UserError.of(
    'unknown-reference',
    `the name of no check fits --only ${pattern}`,
    names.length ? `There are:\n${names.join('\n')}${checks.length > 10 ? '\n  …' : ''}` : 'The lab has no checks.',
  )
}

/** Prints each result as it comes, and on a terminal how many there are so far. */
function resultPrinter(checks: readonly Check[], options: Options): (result: Result) => void {
  const width = nameWidth(checks.map(checkName))
  const c = outColors(options)
  let done = 0
  const progress = (): void => stage(`${done} of ${checks.length} checks …`)
  if (checks.length) progress()
  return (result) => {
    done++
    if (!options.json) out(renderResult(checkJson(result), width, c))
    if (done < checks.length) progress()
    else stage('Looking where packets were lost …')
  }
}

const hasFirewall = (dump: Dump | undefined): boolean =>
  dump !== undefined && [dump.iptables, dump.ip6tables, dump.nftables].some((rules) => rules !== '')

const onlyRoot = (namespaces: ReadonlyMap<string, { readonly borrowed?: string }>): boolean =>
  namespaces.size > 0 && [...namespaces.values()].every(({ borrowed }) => borrowed)

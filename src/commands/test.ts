import { hostname } from 'node:os'
import { runChecks } from '../checks/engine.ts'
import { waitUntilSettled } from '../checks/settle.ts'
import { survey } from '../checks/survey.ts'
import { startRunner } from '../run/choose-runner.ts'
import { lostConnections, neighborOverflows, overflowed, procOf } from '../observe/limits.ts'
import { read } from '../observe/read.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Dump } from '../model/runner.ts'
import { checksJson, junit, renderChecks } from '../views/check-results.ts'
import { writeFile } from './own-files.ts'
import { otherWorldHint, ownNamespaces } from './elsewhere.ts'
import { locate, type LocateOptions } from './locate.ts'
import { loadLocated, readRequestOf, type Linting } from './prepare.ts'
import { note, out, outColors, outJson, passing, report, type Global } from './terminal.ts'

interface Options extends Global, Linting, LocateOptions {
  readonly json?: boolean
  /** A file for the results as JUnit XML. */
  readonly junit?: string
}

/** `netlab test`: runs the checks of the lab file on the live network. Returns 0 when all pass, else 1. */
export async function test(host: Host, argument: string | undefined, options: Options): Promise<number> {
  const started = Date.now()
  const located = locate(argument, options)
  const lab = loadLocated(located, host, options)
  if (!lab || !('file' in located))
    throw UserError.of('no-lab-file', `there is no lab file ${argument}`, 'Checks are in lab files: name the file.')
  report(lab.warnings, options)
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
  if (lab.checks.length === 0) note(`${located.file} has no checks.\n`)
  else
    await waitUntilSettled(live.resources, runner, (bridges) =>
      passing(`Waiting for the spanning tree of ${bridges.join(', ')} …`),
    )
  passing('')
  const proc = procOf(host)
  const overflows = neighborOverflows(proc)
  const results = await runChecks(lab.checks, ground, host, async () => survey(lab, await look()))
  const seconds = (Date.now() - started) / 1000
  const json = checksJson(lab.name, results)
  if (options.junit !== undefined)
    writeFile(options.junit, junit(json, { began: new Date(started), machine: hostname(), seconds }))
  if (options.json) outJson(json)
  else if (lab.checks.length) out(renderChecks(json, seconds, outColors(options)))
  if (json.summary.fail) {
    report(overflowed(neighborOverflows(proc) - overflows, proc), options)
    const filters = [...ground.places].filter(([name]) => hasFirewall(live.dumps.get(name)))
    report(await lostConnections(new Map(filters), runner), options)
  }
  return json.summary.fail ? 1 : json.summary.error ? 3 : 0
}

const hasFirewall = (dump: Dump | undefined): boolean =>
  dump !== undefined && [dump.iptables, dump.ip6tables, dump.nftables].some((rules) => rules !== '')

const onlyRoot = (namespaces: ReadonlyMap<string, { readonly root?: true }>): boolean =>
  namespaces.size > 0 && [...namespaces.values()].every(({ root }) => root)

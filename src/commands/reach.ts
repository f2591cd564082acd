import { reachAll } from '../reach/ask-all.ts'
import { waitUntilSettled } from '../checks/settle.ts'
import { survey } from '../checks/survey.ts'
import { stage } from '../host/status-line.ts'
import { neighborOverflows, overflowed, procOf } from '../observe/limits.ts'
import { read } from '../observe/read.ts'
import { startRunner } from '../run/choose-runner.ts'
import type { LabHeader } from '../language/load-lab.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Pair, Reachable } from '../model/reach-pair.ts'
import { topologyOf } from '../model/topology.ts'
import { FORMAT } from '../views/json.ts'
import { reachPage } from '../views/reach-page.ts'
import { renderReach } from '../views/reach-text.ts'
import { otherWorldHint, ownNamespaces } from './elsewhere.ts'
import { locate, type LocateOptions } from './locate.ts'
import { chosenNames } from './name-pattern.ts'
import { loadFound, readRequestOf } from './prepare.ts'
import { note, out, outColors, outJson, outText, report, type Global } from './terminal.ts'

interface Options extends Global, LocateOptions {
  readonly lab?: string
  readonly json?: boolean
  readonly html?: boolean
  readonly full?: boolean
}

/** The kernel's own limit of neighbours (gc_thresh3), where it cannot be read. */
const NEIGHBORS = 1024

/**
 * `netlab reach`: asks every namespace with an address for every other, by ping, and for every service. Returns 0 when that was done,
 * whatever the answers are.
 */
export async function reach(
  host: Host,
  from: string | undefined,
  to: string | undefined,
  options: Options,
): Promise<number> {
  const started = Date.now()
  const { lab, live, runner } = await liveLab(host, options)
  const index = survey(lab, live)
  const hosts = [...lab.namespaces].flatMap(([name, { shares }]): Reachable[] => {
    const address = index.names.get(name)
    return address === undefined || shares !== undefined || !index.places.has(name)
      ? []
      : [{ name, netns: index.places.get(name), address }]
  })
  if (hosts.length === 0)
    throw UserError.of(
      'lab-not-live',
      `lab ${lab.name} is not live, or none of its namespaces has an address`,
      [...otherWorldHint(host, ownNamespaces(lab.namespaces), 'reach'), 'netlab apply makes it live.'].join('\n'),
    )
  const names = hosts.map(({ name }) => name)
  const senders = chosenNames(from, names)
  const targets = chosenNames(to, names)
  const none = [...lab.namespaces.keys()].filter((name) => !names.includes(name) && !lab.namespaces.get(name)?.shares)
  if (none.length && !options.json) note(`Left out, without an address: ${listed(none)}.\n`)
  await waitUntilSettled(live.resources, runner, (bridges) =>
    stage(`Waiting for the spanning tree of ${bridges.join(', ')} …`),
  )
  const proc = procOf(host)
  const overflows = neighborOverflows(proc)
  const pairs: Pair[] = await reachAll({
    index,
    dumps: live.dumps,
    desired: lab.resources,
    checks: lab.checks,
    hosts: hosts.filter(({ name }) => senders.has(name) || targets.has(name)),
    isFrom: (name) => senders.has(name),
    isTo: (name) => targets.has(name),
    neighbors: Number(proc('sys/net/ipv4/neigh/default/gc_thresh3') ?? NEIGHBORS),
    borrowed: (name) => lab.namespaces.get(name)?.borrowed !== undefined,
    progress: (what, done, of) => stage(`Trying ${what}: ${done} of ${of} …`),
  })
  if (options.json) outJson({ format_version: FORMAT, lab: lab.name, pairs })
  else if (options.html) outText(reachPage(lab.name, pairs, options.full === true))
  else out(renderReach(lab.name, pairs, (Date.now() - started) / 1000, options.full === true, outColors(options)))
  report(overflowed(neighborOverflows(proc) - overflows, proc), options)
  return 0
}

const listed = (names: readonly string[]): string =>
  names.length > 8 ? `${names.slice(0, 6).join(', ')} and ${names.length - 6} more` : names.join(', ')

/** The lab, from its file or, without one, as it is live. */
async function liveLab(host: Host, options: Options) {
  const located = locate(options.lab, options)
  const found = await loadFound(located, host)
  stage('Reading the live network …')
  const runner = startRunner(host)
  const name = found?.name ?? ('name' in located ? located.name : '')
  const live = await read(readRequestOf(name, found), runner)
  const resources = new Map<string, never>()
  const spaces = [...live.resources.values()].filter(({ kind }) => kind === 'namespace' || kind === 'share')
  const namespaces: LabHeader['namespaces'] = new Map(
    spaces.map(({ id, kind, spec }) => [id, kind === 'share' ? { shares: String(spec['of']) } : {}]),
  )
  const lab = found ?? { name, folder: '.', checks: [], resources, topology: topologyOf(resources), namespaces }
  return { lab, live, runner }
}

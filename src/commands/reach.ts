import { hasFou } from '../backend/iproute/read-more.ts'
import { stage } from '../host/status-line.ts'
import type { LabHeader } from '../language/load-lab.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Pair } from '../model/reach-pair.ts'
import { topologyOf } from '../model/topology.ts'
import { read } from '../observe/read.ts'
import { startRunner } from '../run/choose-runner.ts'
import { FORMAT } from '../views/json.ts'
import { reachPage } from '../views/reach-page.ts'
import { renderReach } from '../views/reach-text.ts'
import { reachLive, type ReachableLab } from './live-reach.ts'
import { readLive } from './read-live.ts'
import { locate, type LocateOptions } from './locate.ts'
import { chosenNames } from './chosen-names.ts'
import { reachOver, spreadOf } from './lab-runner.ts'
import { loadFound } from './open-located.ts'
import { readRequestOf } from './prepare.ts'
import { note, out, outColors, outJson, outText, report, type Global } from './terminal.ts'

interface Options extends Global, LocateOptions {
  readonly lab?: string
  readonly json?: boolean
  readonly html?: boolean
  readonly full?: boolean
  /** In a new copy of what the file says. */
  readonly fresh?: boolean
}

/**
 * `netlab reach`: asks every namespace with an address for every other, by ping, and for every service; with --fresh, in a copy of the lab file. Returns 0 when that was done,
 * whatever the answers are.
 */
export async function reach(
  host: Host,
  from: string | undefined,
  to: string | undefined,
  { full = false, ...options }: Options,
): Promise<number> {
  const started = Date.now()
  const chosen = (names: readonly string[]) => ({ from: chosenNames(from, names), to: chosenNames(to, names) })
  const { name, pairs, remarks } = options.fresh
    ? await inCopy(host, chosen, options)
    : await asLive(host, chosen, options)
  if (options.json) outJson({ format_version: FORMAT, lab: name, pairs })
  else if (options.html) outText(reachPage(name, pairs, full))
  else out(renderReach(name, pairs, (Date.now() - started) / 1000, full, outColors(options)))
  report(remarks, options)
  return 0
}

/** Who asks and who is asked for, of these names. */
type Choice = (names: readonly string[]) => { readonly from: ReadonlySet<string>; readonly to: ReadonlySet<string> }

interface Answers {
  readonly name: string
  readonly pairs: readonly Pair[]
  readonly remarks: readonly Diagnostic[]
}

async function asLive(host: Host, chosen: Choice, options: Options): Promise<Answers> {
  const { lab, live, dumps, runner, machineOf } = await liveLab(host, options)
  const { pairs, without, remarks } = await reachLive(lab, live, dumps, runner, chosen, machineOf)
  if (without.length) note(`Left out, without an address: ${listed(without)}.\n`)
  return { name: lab.name, pairs, remarks }
}

/** Asks all pairs of a copy. */
async function inCopy(host: Host, chosen: Choice, { lab, set }: Options): Promise<Answers> {
  const { sourceOf } = await import('./lab-source.ts') // loaded on demand, as it starts programs
  const { reachFresh } = await import('./plan-reach.ts')
  const { name, pairs } = await reachFresh(host, sourceOf(lab, { ...(set && { set }) }))
  const { from, to } = chosen([...new Set(pairs.flatMap((pair) => [pair.from, pair.to]))])
  return { name, pairs: pairs.filter((pair) => from.has(pair.from) && to.has(pair.to)), remarks: [] }
}

const listed = (names: readonly string[]): string =>
  names.length > 8 ? `${names.slice(0, 6).join(', ')} and ${names.length - 6} more` : names.join(', ')

/** The lab, from its file or, without one, as it is live. */
async function liveLab(host: Host, options: Options) {
  const located = locate(options.lab, options)
  const spread = await spreadOf(host, located)
  const found = spread?.lab ?? (await loadFound(located, host))
  stage('Reading the live network …')
  const runner = spread?.runner ?? startRunner(host)
  const name = found?.name ?? ('name' in located ? located.name : '')
  const request = readRequestOf(name, found)
  // Ports for tunnels are no services, and not among what little is read first.
  const few = spread || hasFou(host) ? request : { ...request, onlyLinks: true as const }
  const live = await readLive(few, runner)
  const dumps = async () => (few === request ? live : await read(request, runner)).dumps
  const resources = new Map<string, never>()
  const spaces = [...live.resources.values()].filter(({ kind }) => kind === 'namespace' || kind === 'share')
  const namespaces: LabHeader['namespaces'] = new Map(
    spaces.map(({ id, kind, spec }) => [id, kind === 'share' ? { shares: String(spec['of']) } : {}]),
  )
  const lab: ReachableLab = found ?? {
    ...{ name, folder: '.', checks: [], resources, topology: topologyOf(resources), namespaces },
  }
  return { lab, live, dumps, runner, machineOf: await reachOver(spread) }
}

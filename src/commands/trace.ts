import { addressOf, splitPort, Untried, type LabIndex } from '../checks/lab-index.ts'
import { survey } from '../checks/survey.ts'
import { idle, stage } from '../host/status-line.ts'
import type { Lab } from '../language/load-lab.ts'
import { UserError } from '../model/diagnostic.ts'
import { iptablesId } from '../kinds/iptables.ts'
import type { IptablesSpec, LiveChain } from '../model/firewall.ts'
import type { Host } from '../model/host.ts'
import type { Runner } from '../model/runner.ts'
import { topologyOf } from '../model/topology.ts'
import { owners } from '../observe/owners.ts'
import { read } from '../observe/read.ts'
import { startRunner } from '../run/choose-runner.ts'
import { errorJson, FORMAT } from '../views/json.ts'
import { renderWay } from '../views/way-text.ts'
import { walk, type WalkRequest } from '../walk/walk.ts'
import { otherWorldHint } from './elsewhere.ts'
import { locate, type LocateOptions } from './locate.ts'
import { loadFound, readRequestOf } from './prepare.ts'
import { nearest } from './nearest.ts'
import { out, outColors, outJson, report, type Global } from './terminal.ts'

interface Options extends Global, LocateOptions {
  readonly json?: boolean
  readonly lab?: string
  readonly tcp?: boolean
  readonly udp?: boolean
}

/**
 * `netlab trace`: sends one packet, and prints its way and that of its answer. Returns 0 when it was answered, 1 when it was not, 3
 * when it could not be tried.
 */
export async function trace(host: Host, from: string, to: string, options: Options): Promise<number> {
  const runner = startRunner(host)
  stage('Reading the live network …')
  const lab = await labOf(from, runner, options)
  const live = await read(lab.request, runner)
  const labIndex = survey(lab, live)
  try {
    const request = requestOf(from, to, options, labIndex)
    if (!labIndex.places.has(from)) throw unknownNamespace(host, from, labIndex)
    stage('Following the packet …')
    const way = await walk(request, {
      ...{ labIndex, dumps: live.dumps, runner },
      ofNft: lab.request.nftables,
      sourceOf: (namespace, chain, at) => sourceOf(lab, namespace, chain, at),
    })
    idle()
    if (options.json) outJson({ format_version: FORMAT, lab: lab.name, ...way })
    else out(renderWay(way, outColors(options)))
    return way.verdict === 'answered' ? 0 : 1
  } catch (error) {
    if (!(error instanceof Untried)) throw error
    const { diagnostics } = UserError.of('untraceable', `the packet cannot be traced: ${error.message}`)
    if (options.json) outJson(errorJson(diagnostics))
    report(diagnostics, options)
    return 3
  }
}

/** The lab that is traced: the one of the file, or of the namespace. */
async function labOf(from: string, runner: Runner, { lab: named, set = [] }: Options) {
  const file = await labFile(named, set, runner.host)
  if (file && (named !== undefined || file.namespaces.has(from)))
    return { ...file, file: true as const, request: readRequestOf(file.name, file) }
  const { byNamespace } = await owners(runner)
  const name = named ?? byNamespace.get(from)
  if (name === undefined && file) return { ...file, file: true as const, request: readRequestOf(file.name, file) }
  if (name === undefined)
    throw UserError.of(
      'unknown-reference',
      byNamespace.has(from) ? `${from} belongs to no lab` : `there is no namespace ${from}`,
      [
        ...otherWorldHint(runner.host, [from], `trace ${from}`),
        byNamespace.size ? `There are: ${[...byNamespace.keys()].join(' ')}` : 'No lab is live here.',
      ].join('\n'),
    )
  const namespaces = new Map([...byNamespace].flatMap(([key, owner]) => (owner === name ? [[key, {}] as const] : [])))
  const resources: Lab['resources'] = new Map()
  return {
    ...{ name, folder: process.cwd(), namespaces, resources, topology: topologyOf(resources), file: false as const },
    request: readRequestOf(name, undefined),
  }
}

/** The lab that was named, or the one of this directory; undefined: there is no file. */
async function labFile(named: string | undefined, set: readonly string[], host: Host): Promise<Lab | undefined> {
  try {
    return await loadFound(locate(named, { set, say: () => {} }), host)
  } catch (error) {
    if (named === undefined && error instanceof UserError) return undefined
    throw error
  }
}

function requestOf(from: string, to: string, { tcp, udp }: Options, labIndex: LabIndex): WalkRequest {
  if (!tcp && !udp) {
    if (/^[^:]+:\d+$|\]:\d+$/.test(to))
      throw UserError.of('bad-option', `${to} has a port, and icmp has none`, `As in: netlab trace ${from} ${to} --tcp`)
    return { from, to, protocol: 'icmp', address: addressOf(labIndex, to) }
  }
  const option = tcp ? '--tcp' : '--udp'
  if (!/:\d+$/.test(to))
    throw UserError.of('bad-option', `${option} needs a port`, `As in: netlab trace ${from} ${to}:80 ${option}`)
  const { host, port } = splitPort(to)
  return { from, to, protocol: tcp ? 'tcp' : 'udp', address: addressOf(labIndex, host), port }
}

function unknownNamespace(host: Host, from: string, { places }: LabIndex): UserError {
  const names = [...places.keys()]
  const meant = nearest(from, names)
  return UserError.of(
    'unknown-reference',
    `there is no namespace ${from}`,
    [
      ...otherWorldHint(host, [from], `trace ${from}`),
      meant === undefined ? 'No namespace of the lab is live.' : `Did you mean ${meant}? There are: ${names.join(' ')}`,
    ].join('\n'),
  )
}

/** Where the lab file has a rule of iptables, or at least its chain: `FILE:LINE`. */
function sourceOf(
  { resources }: Pick<Lab, 'resources'>,
  namespace: string,
  { program, table, chain, rules }: LiveChain,
  at: number | undefined,
): string | undefined {
  if (program === 'nft') return undefined
  const desired = resources.get(iptablesId(namespace, program))
  const wanted = (desired?.spec as IptablesSpec | undefined)?.tables[table]?.[chain]
  if (!desired || !wanted) return undefined
  const index = at === undefined ? -1 : wanted.rules.findIndex((rule) => isAlike(rule, rules[at]?.rule ?? ''))
  const position = desired.source?.([table, chain, ...(index < 0 ? [] : [index])]) ?? desired.source?.([table, chain])
  return position && `${position.file}:${position.line}`
}

/** Whether a rule as it is written is one as iptables prints it, which adds the names of matches and the lengths of prefixes. */
function isAlike(written: string, printed: string): boolean {
  const plain = (rule: string): string =>
    rule
      .replace(/(^| )-m \S+/g, '')
      .replace(/\/(32|128)\b/g, '')
      .split(' ')
      .filter(Boolean)
      .sort()
      .join(' ')
  return plain(written) === plain(printed)
}

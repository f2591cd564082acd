import { idle, stage } from '../host/status-line.ts'
import type { Lab } from '../language/load-lab.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Way } from '../model/packet-way.ts'
import type { Runner } from '../model/runner.ts'
import { topologyOf } from '../model/topology.ts'
import { owners } from '../observe/owners.ts'
import { startRunner } from '../run/choose-runner.ts'
import { openCopy } from '../session/client.ts'
import type { TraceRequest } from '../session/protocol.ts'
import { renderLeftOut } from '../views/check-results.ts'
import { errorJson, FORMAT, planJson } from '../views/json.ts'
import { renderWay } from '../views/way-text.ts'
import { compareWays, renderCompared, type ComparedWay } from '../views/ways-compared.ts'
import { otherWorldHint } from './elsewhere.ts'
import { sourceOf } from './lab-source.ts'
import { locatedHere, spreadOf, walkOver, type SpreadLab } from './lab-runner.ts'
import { labHere } from './live-namespaces.ts'
import { traceLive, type TraceableLab } from './live-trace.ts'
import { locate, type LocateOptions } from './locate.ts'
import { openLocated } from './open-located.ts'
import { prepare, readRequestOf } from './prepare.ts'
import { note, out, outColors, outJson, report, type Global } from './terminal.ts'

/** Which lab, and which packet. */
interface PacketOptions extends Global, LocateOptions {
  readonly lab?: string
  readonly tcp?: boolean
  readonly udp?: boolean
}

interface Options extends PacketOptions {
  readonly json?: boolean
  /** Of the packet, in bytes. */
  readonly size?: string
  /** In a new copy of what the file says. */
  readonly fresh?: boolean
  /** In both. */
  readonly compare?: boolean
}

interface Traced {
  readonly name: string
  readonly way: Way
  /** When the lab is on several machines. */
  readonly spread?: SpreadLab
}

/**
 * `netlab trace`: sends one packet, and prints its way and that of its answer; with --fresh, in a copy of the lab file. Returns 0 when it
 * was answered, 1 when it was not, 3 when it could not be tried.
 */
export async function trace(host: Host, from: string, to: string, options: Options): Promise<number> {
  const { size } = options
  const request = { from, to, protocol: protocolOf(options), ...(size !== undefined && { size: Number(size) }) }
  try {
    const found: Traced = options.fresh
      ? await traceFresh(host, request, options)
      : await traced(host, request, options)
    const { name, way } = found
    const compared = options.compare ? await comparedWith(found, host, request, options) : undefined
    idle()
    if (options.json) outJson({ format_version: FORMAT, lab: name, ...way, ...(compared && { compared }) })
    else out(compared ? renderCompared(way, compared, outColors(options)) : renderWay(way, outColors(options)))
    return way.verdict === 'answered' ? 0 : 1
  } catch (error) {
    if (!(error instanceof UserError) || error.diagnostics[0]?.code !== 'untraceable') throw error
    if (options.json) outJson(errorJson(error.diagnostics))
    report(error.diagnostics, options)
    return 3
  }
}

const protocolOf = ({ tcp, udp }: PacketOptions): TraceRequest['protocol'] => (tcp ? 'tcp' : udp ? 'udp' : 'icmp')

/** Sends one packet in the live lab, and returns its way. Throws a UserError when it could not be tried. */
export const traceNow = async (host: Host, from: string, to: string, options: PacketOptions): Promise<Way> =>
  (await traced(host, { from, to, protocol: protocolOf(options) }, options)).way

async function traced(host: Host, request: TraceRequest, options: PacketOptions): Promise<Traced> {
  const located = locatedHere(options)
  const spread = located && (await spreadOf(host, located))
  const runner = spread?.runner ?? startRunner(host)
  stage('Reading the live network …')
  const lab = await labOf(request.from, runner, spread?.lab ?? (await labHere(host, options)), options)
  const way = await traceLive(lab, request, runner, await walkOver(spread))
  return { name: lab.name, way, ...(spread && { spread }) }
}

/** Builds the lab file in a copy, traces there, and throws it away. */
async function traceFresh(host: Host, request: TraceRequest, options: Options): Promise<Traced> {
  const { set } = options
  const source = sourceOf(options.lab, { ...(set && { set }) })
  stage('Building a copy …')
  const copy = await openCopy(host)
  try {
    const { name, leftOut } = await copy.ask('apply', { source, processes: true, lint: false })
    note(renderLeftOut(leftOut))
    return { name, way: await copy.ask('trace', request) }
  } finally {
    await copy.close()
  }
}

/** The way in a copy of the lab file beside the live one, and what explains the difference. */
async function comparedWith(
  { way, spread }: Traced,
  host: Host,
  request: TraceRequest,
  options: Options,
): Promise<ComparedWay> {
  const { set = [], lab } = options
  const fresh = await traceFresh(host, request, options)
  const located = locate(lab, { set, say: () => {} })
  const opened = spread?.opened ?? openLocated(located, host, { lint: false })
  const { plan } = await prepare(located, opened, spread?.runner ?? startRunner(host))
  return compareWays(way, fresh.way, planJson(plan).changes)
}

/** The lab that is traced: the one of the file, or of the namespace. */
async function labOf(
  from: string,
  runner: Runner,
  file: Lab | undefined,
  { lab: named }: Options,
): Promise<TraceableLab> {
  if (file && (named !== undefined || file.namespaces.has(from)))
    return { ...file, request: readRequestOf(file.name, file) }
  const { byNamespace } = await owners(runner)
  const name = named ?? byNamespace.get(from)
  if (name === undefined && file) return { ...file, request: readRequestOf(file.name, file) }
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
    ...{ name, folder: process.cwd(), namespaces, resources, topology: topologyOf(resources) },
    request: readRequestOf(name, undefined),
  }
}

import { addressOf, splitPort, Untried, type LabIndex } from '../checks/lab-index.ts'
import { survey } from '../checks/survey.ts'
import { stage } from '../host/status-line.ts'
import { iptablesId } from '../kinds/iptables.ts'
import type { Lab } from '../language/load-lab.ts'
import { UserError } from '../model/diagnostic.ts'
import type { IptablesSpec, LiveChain } from '../model/firewall.ts'
import type { Host } from '../model/host.ts'
import type { Way } from '../model/packet-way.ts'
import type { Runner } from '../model/runner.ts'
import type { ReadRequest } from '../observe/read-request.ts'
import type { TraceRequest } from '../session/protocol.ts'
import { faultWords } from '../views/fault-text.ts'
import { walk, type WalkRequest } from '../walk/walk.ts'
import { otherWorldHint } from './elsewhere.ts'
import { readLive } from './read-live.ts'
import { nearest } from './nearest.ts'

/** What is needed of a lab: its file, or what is live of it. */
export type TraceableLab = Pick<Lab, 'name' | 'folder' | 'namespaces' | 'resources' | 'topology'> & {
  readonly request: ReadRequest
}

/** Sends one packet in the live lab, and returns its way. Throws a UserError when it cannot be sent or watched. */
export async function traceLive(lab: TraceableLab, request: TraceRequest, runner: Runner): Promise<Way> {
  const { from } = request
  const live = await readLive(lab.request, runner)
  const labIndex = survey(lab, live)
  try {
    const asked = requestOf(request, labIndex)
    if (!labIndex.places.has(from)) throw unknownNamespace(runner.host, from, labIndex)
    stage('Following the packet …')
    const way = await walk(asked, {
      ...{ labIndex, dumps: live.dumps, runner },
      ofNft: lab.request.nftables,
      sourceOf: (namespace, chain, at) => sourceOf(lab, namespace, chain, at),
    })
    if (live.faults.length === 0 || !way.reason.includes('is unknown')) return way
    const faults = live.faults.map(faultWords).join(', ')
    return { ...way, reason: `${way.reason}; somebody has set faults: ${faults}` }
  } catch (error) {
    if (!(error instanceof Untried)) throw error
    throw UserError.of('untraceable', `the packet cannot be traced: ${error.message}`)
  }
}

function requestOf({ from, to, protocol }: TraceRequest, labIndex: LabIndex): WalkRequest {
  if (protocol === 'icmp') {
    if (/^[^:]+:\d+$|\]:\d+$/.test(to))
      throw UserError.of('bad-option', `${to} has a port, and icmp has none`, `As in: netlab trace ${from} ${to} --tcp`)
    return { from, to, protocol, address: addressOf(labIndex, to) }
  }
  const option = `--${protocol}`
  if (!/:\d+$/.test(to))
    throw UserError.of('bad-option', `${option} needs a port`, `As in: netlab trace ${from} ${to}:80 ${option}`)
  const { host, port } = splitPort(to)
  return { from, to, protocol, address: addressOf(labIndex, host), port }
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

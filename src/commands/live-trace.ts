import { addressOf, splitPort, Untried, type LabIndex } from '../checks/lab-index.ts'
import { whenSettled } from '../checks/settle.ts'
import { survey } from '../checks/survey.ts'
import { stage } from '../host/status-line.ts'
import { chainLines, type ChainLines } from '../firewall/nft-lines.ts'
import { iptablesId } from '../kinds/iptables.ts'
import { nftablesId } from '../kinds/nftables.ts'
import type { Lab } from '../language/load-lab.ts'
import { UserError, type Position } from '../model/diagnostic.ts'
import type { IptablesSpec, LiveChain, NftSpec } from '../model/firewall.ts'
import type { Host } from '../model/host.ts'
import type { Way } from '../model/packet-way.ts'
import type { Runner } from '../model/runner.ts'
import type { Live } from '../observe/read.ts'
import type { ReadRequest } from '../observe/read-request.ts'
import type { TraceRequest } from '../session/protocol.ts'
import { faultWords } from '../views/fault-text.ts'
import { leastSize } from '../walk/needles.ts'
import { walk, type WalkKit, type WalkRequest } from '../walk/walk.ts'
import { walkHere } from '../walk/watch-here.ts'
import { otherWorldHint } from './elsewhere.ts'
import { readLive } from './read-live.ts'
import { nearest } from './nearest.ts'

/** What is needed of a lab: its file, or what is live of it. */
export type TraceableLab = Pick<Lab, 'name' | 'folder' | 'namespaces' | 'resources' | 'topology'> &
  Partial<Pick<Lab, 'where'>> & {
    readonly request: ReadRequest
  }

/** On which machines the namespaces of a lab are, and by which wires they are connected. */
export type WalkOver = Pick<WalkKit, 'machineOf' | 'wireOf'>

/** All of a lab is on this machine. */
const ALL_HERE: WalkOver = { machineOf: () => walkHere, wireOf: () => undefined }

/** What a walk needs to know of a lab that was read; `over` says on which machines it is. */
export const walkKit = (
  lab: Pick<TraceableLab, 'request' | 'resources' | 'where'>,
  live: Live,
  labIndex: LabIndex,
  runner: Runner,
  over = ALL_HERE,
): WalkKit => ({
  ...{ labIndex, dumps: live.dumps, runner, ...over },
  ofNft: lab.request.nftables,
  sourceOf: (namespace, chain, at) => sourceOf(lab, namespace, chain, at),
})

/**
 * Sends one packet in the live lab, and returns its way; `over` says on which machines that is. Throws a UserError when it cannot be
 * sent or watched.
 */
export async function traceLive(
  lab: TraceableLab,
  request: TraceRequest,
  runner: Runner,
  over?: WalkOver,
): Promise<Way> {
  const { from } = request
  const live = await whenSettled(() => readLive(lab.request, runner), runner)
  const labIndex = survey(lab, live)
  return await orUntraceable(async () => {
    const asked = requestOf(request, labIndex)
    if (!labIndex.places.has(from)) throw unknownNamespace(runner.host, from, labIndex)
    stage('Following the packet …')
    const [way] = (await walk([asked], walkKit(lab, live, labIndex, runner, over))) as [Way]
    return namingFaults(way, live)
  })
}

/** The way, which names the faults that somebody has set if it does not know how the packet ended. */
export function namingFaults(way: Way, { faults }: Pick<Live, 'faults'>): Way {
  if (faults.length === 0 || !way.reason.includes('is unknown')) return way
  return { ...way, reason: `${way.reason}; somebody has set faults: ${faults.map(faultWords).join(', ')}` }
}

/** What this returns. Throws a UserError where it throws Untried. */
export async function orUntraceable<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof Untried)) throw error
    throw UserError.of('untraceable', `the packet cannot be traced: ${error.message}`)
  }
}

function requestOf({ from, to, protocol, size }: TraceRequest, labIndex: LabIndex): WalkRequest {
  const sized = (address: string) => (size === undefined ? {} : { size: checkedSize(size, protocol, address) })
  if (protocol === 'icmp') {
    if (/^[^:]+:\d+$|\]:\d+$/.test(to))
      throw UserError.of('bad-option', `${to} has a port, and icmp has none`, `As in: netlab trace ${from} ${to} --tcp`)
    const address = addressOf(labIndex, to)
    return { from, to, protocol, address, ...sized(address) }
  }
  const option = `--${protocol}`
  if (!/:\d+$/.test(to))
    throw UserError.of('bad-option', `${option} needs a port`, `As in: netlab trace ${from} ${to}:80 ${option}`)
  const { host, port } = splitPort(to)
  const address = addressOf(labIndex, host)
  return { from, to, protocol, address, port, ...sized(address) }
}

/** The opening of a connection carries nothing, and less than the token nobody could recognise. */
function checkedSize(size: number, protocol: TraceRequest['protocol'], address: string): number {
  if (protocol === 'tcp')
    throw UserError.of('bad-option', 'the opening of a connection has no size', 'As in: netlab trace a b --size 1400')
  const [least, most] = [leastSize(address), 65535]
  if (Number.isInteger(size) && size >= least && size <= most) return size
  throw UserError.of(
    'bad-option',
    `a packet to ${address} cannot have this size`,
    `Between ${least} and ${most} bytes.`,
  )
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

/** Where the lab file has a rule, or at least its chain: `FILE:LINE`. */
function sourceOf(
  lab: Pick<TraceableLab, 'resources' | 'where'>,
  namespace: string,
  chain: LiveChain,
  at: number | undefined,
): string | undefined {
  const position =
    chain.program === 'nft' ? nftPosition(lab, namespace, chain, at) : iptablesPosition(lab, namespace, chain, at)
  return position && `${position.file}:${position.line}`
}

function iptablesPosition(
  { resources }: Pick<TraceableLab, 'resources'>,
  namespace: string,
  { program, table, chain, rules }: LiveChain,
  at: number | undefined,
): Position | undefined {
  const desired = program === 'nft' ? undefined : resources.get(iptablesId(namespace, program))
  const wanted = (desired?.spec as IptablesSpec | undefined)?.tables[table]?.[chain]
  if (!desired || !wanted) return undefined
  const index = at === undefined ? -1 : wanted.rules.findIndex((rule) => isAlike(rule, rules[at]?.rule ?? ''))
  return desired.source?.([table, chain, ...(index < 0 ? [] : [index])]) ?? desired.source?.([table, chain])
}

/** The lines of live chains in the lab file, each found once: a packet may meet all rules of a chain. */
const known = new WeakMap<LiveChain, ChainLines | undefined>()

/** Where the text has as many rules as the kernel, they are the same, one by one. */
function nftPosition(
  { resources, where }: Pick<TraceableLab, 'resources' | 'where'>,
  namespace: string,
  live: LiveChain,
  at: number | undefined,
): Position | undefined {
  const id = nftablesId(namespace)
  const { text } = (resources.get(id)?.spec ?? {}) as Partial<NftSpec>
  if (text !== undefined && !known.has(live))
    known.set(live, chainLines(text, `${live.family} ${live.table}`, live.chain))
  const lines = known.get(live)
  if (!lines) return undefined
  const line = at !== undefined && lines.rules.length === live.rules.length ? lines.rules[at] : lines.chain
  return where?.(id, { path: [], ...(line !== undefined && { line }) }).position
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

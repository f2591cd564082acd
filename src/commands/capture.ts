import { constants } from 'node:os'
import { version } from '../../package.json'
import { sectionBlock } from '../backend/capture/pcapng.ts'
import type { CaptureSource } from '../backend/capture/recording.ts'
import { idle, stage } from '../host/status-line.ts'
import { startRunner } from '../run/choose-runner.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import { machineIn, NEAR } from '../model/other-machine.ts'
import { ownerOf } from '../model/owner.ts'
import { placeIn } from '../model/place.ts'
import type { Dump, Runner } from '../model/runner.ts'
import { locatedHere, spreadOf, type SpreadLab } from './lab-runner.ts'
import { liveNamespaces, type LiveNamespaces, type NamespaceOptions } from './live-namespaces.ts'
import { nearest } from './nearest.ts'
import { openOutput } from './own-files.ts'
import { notCaptured, openRecordings, type FileRecording, type RecordedPart } from './record.ts'
import { secondsOf } from './revert.ts'
import { note } from './terminal.ts'

interface Options extends NamespaceOptions {
  /** The file to write; absent or `-`: standard output. */
  readonly write?: string
  readonly for?: string
  readonly count?: string
  readonly snaplen?: string
}

/** The most bytes of a packet that are kept unless `--snaplen` says otherwise: as with tcpdump, all. */
const WHOLE = 262_144
/** What the kernel may keep for all interfaces together until netlab reads it, and for one, in bytes. */
const ROOM = { all: 128 << 20, most: 4 << 20, least: 256 << 10 }

/**
 * `netlab capture`: writes packets until it is interrupted, the time is up, or there are as many as were asked for. Returns 0;
 * 141 when nobody reads its output any more.
 */
export async function capture(host: Host, given: readonly string[], options: Options): Promise<number> {
  const toFile = options.write !== undefined && options.write !== '-'
  if (!toFile && process.stdout.isTTY)
    throw UserError.of(
      'bad-option',
      'a capture is not text for a terminal',
      'Write it to a file, -w FILE, or into a program: netlab capture NS | wireshark -k -i -',
    )
  const seconds = options.for === undefined ? undefined : secondsOf('--for', options.for)
  const count = options.count === undefined ? undefined : numberOf('--count', options.count)
  const snaplen = options.snaplen === undefined ? WHOLE : numberOf('--snaplen', options.snaplen)
  const located = locatedHere(options)
  const spread = located && (await spreadOf(host, located))
  const runner = spread?.runner ?? startRunner(host)
  const live = await liveNamespaces(runner, options)
  const { targets, filter } = split(given, live)
  const sources = await sourcesOf(targets, live, runner)
  stage('Opening the interfaces …')
  const room = Math.max(ROOM.least, Math.min(ROOM.most, Math.floor(ROOM.all / sources.length)))
  const vanished = ({ name }: CaptureSource, words: string): void => note(`${name}: ${words}. Its part ends here.\n`)
  const output = toFile ? openOutput(options.write) : toStandardOutput
  const parts = partsOf(sources, spread)
  let recording: FileRecording
  try {
    recording = await openRecordings(
      parts,
      { filter, snaplen, room, ...(count !== undefined && { count }) },
      vanished,
      output.write,
      toFile ? undefined : 1,
    )
  } catch (error) {
    throw withNearest(error, filter, live)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, recording.stop)
  const timer = seconds === undefined ? undefined : setTimeout(recording.stop, seconds * 1000)
  idle()
  note(`Capturing on ${listed(sources.map(({ name }) => name))}. Ctrl-C ends it.\n`)
  const head = sectionBlock(`netlab ${version}`, ['netlab', 'capture', ...given].join(' '))
  const { packets, dropped, unread } = await recording.run(head)
  clearTimeout(timer)
  output.close()
  if (unread) return 128 + constants.signals.SIGPIPE
  const lost = dropped === 0 ? '' : `; ${dropped} more were dropped because they came too fast`
  note(`${packets} ${packets === 1 ? 'packet' : 'packets'} captured${lost}.\n`)
  return 0
}

/** The interfaces by the machine on which they are. */
function partsOf(sources: readonly CaptureSource[], spread: SpreadLab | undefined): RecordedPart[] {
  const byMachine = new Map<string, CaptureSource[]>()
  for (const source of sources) {
    const name = machineIn(source.netns) ?? spread?.places[source.netns ?? ''] ?? NEAR
    byMachine.set(name, [...(byMachine.get(name) ?? []), source])
  }
  return [...byMachine].map(([name, some]) => {
    const peer = name === NEAR ? undefined : spread?.peers.find((one) => one.name === name)
    return { sources: some, ...(peer && { peer }) }
  })
}

const toStandardOutput = {
  write: (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()))),
  close: (): void => {},
}

function numberOf(option: string, text: string): number {
  const number = Number(text)
  if (/^\d{1,9}$/.test(text) && number > 0 && number <= (option === '--snaplen' ? WHOLE : Infinity)) return number
  throw UserError.of('bad-option', `${option} ${text} is not a number of ${option === '--count' ? 'packets' : 'bytes'}`)
}

const listed = (names: readonly string[]): string =>
  names.length > 8 ? `${names.slice(0, 6).join(', ')} and ${names.length - 6} more interfaces` : names.join(', ')

/** A namespace, or an interface of it. */
interface Target {
  readonly word: string
  readonly namespace: string
  readonly device?: string
}

/** Words that begin a filter (pcap-filter(7)). */
const FILTER_WORDS =
  /^(host|net|port|portrange|src|dst|ether|link|ip6?|arp|rarp|tcp|udp|sctp|icmp6?|igmp|gateway|broadcast|multicast|proto|protochain|vlan|mpls|pppoed|pppoes|geneve|less|greater|not|and|or|len|inbound|outbound|ifname|ifindex|stp|lldp|vrrp|carp|pim|ah|esp)$/

/** Divides what was typed into targets and the filter, which begins with the first word that names no namespace. */
function split(given: readonly string[], live: LiveNamespaces): { targets: Target[]; filter: string } {
  const targetOf = (word: string): Target | undefined => {
    if (live.has(word)) return { word, namespace: word }
    const colon = word.indexOf(':')
    const [namespace, device] = [word.slice(0, colon), word.slice(colon + 1)]
    return colon > 0 && device !== '' && live.has(namespace) ? { word, namespace, device } : undefined
  }
  const targets: Target[] = []
  for (const word of given) {
    const target = targetOf(word)
    if (!target) break
    if (targets.length > 0 && target.device === undefined && FILTER_WORDS.test(word))
      throw UserError.of(
        'bad-filter',
        `${word} is a namespace, and a word of filters`,
        `Put the filter into quotes, or name the namespace first: netlab capture ${word} ${targets.map((t) => t.word).join(' ')}`,
      )
    targets.push(target)
  }
  if (targets.length === 0) {
    const [namespace = ''] = (given[0] ?? '').split(':')
    live.netnsOf(namespace, `capture ${given.join(' ')}`) // throws: there is none
  }
  return { targets, filter: given.slice(targets.length).join(' ') }
}

/** The interfaces to capture, each once. Throws a UserError for one that does not exist or is down. */
async function sourcesOf(
  targets: readonly Target[],
  { names, netnsOf }: LiveNamespaces,
  runner: Runner,
): Promise<CaptureSource[]> {
  const spaces = [...new Set(targets.map(({ namespace }) => namespace))].map(
    (name) => [name, netnsOf(name, 'capture')] as const,
  )
  const places = [...new Set([...names, ...spaces.map(([, netns]) => netns)])]
  const read = await runner.dump(places.map((netns) => ({ ...placeIn(netns), sysctls: [], depth: 'links' as const })))
  const dumps = new Map(places.map((netns, i) => [netns, read[i]]))
  const netnsBy = new Map(spaces)
  const sources = targets.flatMap(({ word, namespace, device }): CaptureSource[] => {
    const netns = netnsBy.get(namespace)
    const dump = dumps.get(netns)
    const links = dump?.links ?? []
    const isUp = ({ flags }: (typeof links)[number]): boolean => flags.includes('UP')
    const source = (name: string): CaptureSource => ({
      name: `${namespace}:${name}`,
      ...placeIn(netns),
      device: name,
      comment: dump ? commentOf(dump, name, dumps) : '',
    })
    if (device === 'any') return [source('any')]
    if (device === undefined) {
      const up = links.filter(isUp)
      if (up.length === 0) throw notCaptured(`no interface of ${word} is up`, `ip -n ${word} link shows them.`)
      return up.map(({ ifname }) => source(ifname))
    }
    const found = links.find(({ ifname }) => ifname === device)
    if (!found) {
      const all = links.map(({ ifname }) => ifname)
      throw notCaptured(
        `${namespace} has no interface ${device}`,
        `Did you mean ${nearest(device, all)}? It has: ${all.join(' ')}`,
      )
    }
    if (!isUp(found)) throw notCaptured(`${word} is down`, 'An interface that is down has no packets.')
    return [source(device)]
  })
  return [...new Map(sources.map((one) => [one.name, one])).values()]
}

/** What a reader of the file wants to know of an interface: `lab shop; 10.0.0.1/24; cable to web:eth0`. */
function commentOf(dump: Dump, device: string, all: ReadonlyMap<string | undefined, Dump | undefined>): string {
  const lab = ownerOf(dump.links.find(({ flags }) => flags.includes('LOOPBACK'))?.ifalias)
  const addresses = dump.addresses
    .filter(({ ifname }) => ifname === device)
    .flatMap(({ addr_info }) =>
      addr_info.flatMap(({ local, prefixlen }) =>
        local && !local.startsWith('fe80:') ? [`${local}/${prefixlen}`] : [],
      ),
    )
  const link = dump.links.find(({ ifname }) => ifname === device)
  const far = link?.link_netnsid === undefined ? undefined : dump.nsids.get(link.link_netnsid)
  const end = far === undefined ? undefined : all.get(far)?.links.find(({ ifindex }) => ifindex === link?.link_index)
  const isCable = end !== undefined && link?.linkinfo?.info_kind === 'veth'
  return [
    ...(lab === undefined ? [] : [`lab ${lab}`]),
    ...(addresses.length ? [addresses.join(', ')] : []),
    ...(isCable ? [`cable to ${far}:${end.ifname}`] : []),
  ].join('; ')
}

/** The error for a wrong filter, with the name of a namespace that its first word may stand for. */
function withNearest(error: unknown, filter: string, { names }: LiveNamespaces): unknown {
  const [first = ''] = filter.split(' ')
  const meant = nearest(first.replace(/:.*/, ''), names)
  if (!(error instanceof UserError) || meant === undefined || FILTER_WORDS.test(first)) return error
  const hint = `There is no namespace ${first}; did you mean ${meant}?`
  return new UserError(
    error.diagnostics.map((one) =>
      one.code === 'bad-filter' ? { ...one, detail: [one.detail, hint].filter(Boolean).join('\n') } : one,
    ),
  )
}

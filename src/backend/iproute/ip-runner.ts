import { UserError } from '../../model/diagnostic.ts'
import type { Command, Outcome } from '../../model/command.ts'
import type { Host } from '../../model/host.ts'
import { ownerOf } from '../../model/owner.ts'
import { batchOf, type Batch } from './batch.ts'
import { commandOf } from './command-of.ts'
import { lasting } from '../../model/ip-address.ts'
import { placeIn, placeName } from '../../model/place.ts'
import type { Operation } from '../../model/operation.ts'
import type { Dump, DumpRequest, Failure, IpLink, IpRoute, NamedNamespace, Runner } from '../../model/runner.ts'
import { inPieces, isTooLong } from '../../model/firewall.ts'
import { ofInterfaces, sysctlFile } from '../../model/sysctls.ts'
import { FIREWALL, firewall, MARK } from './read-firewalls.ts'
import { readLegacy } from '../netlink/dump.ts'
import { parallel, PROGRAMS_AT_ONCE } from '../../host/parallel.ts'
import { askBridges, askFou, askNsids, askRoutes, hasFou, parseQdiscs, wholeNexthops } from './read-more.ts'
import { isHidden } from './route-text.ts'

const NETNS_DIR = '/run/netns'

/** The runner that spawns the tools themselves: `ip -batch` once per namespace and run of `ip` commands. */
export const ipRunner = (host: Host): Runner => ({
  host,
  run: (...args) => run(host, ...args),
  runProgram: (operation, signal) => host.run(commandOf(operation), signal),
  list: async () => list(host),
  dump: (requests) => dump(host, requests),
  inherited: (keys) => inherited(host, keys),
})

interface Job {
  readonly index: number
  readonly command: Command
  /** A file in a home, which netlab writes itself. */
  readonly file?: Parameters<Host['changeFile']>[0]
  /** What does it along with others. */
  readonly batch: Batch | undefined
}

async function run(
  host: Host,
  waves: readonly (readonly Operation[])[],
  done: (index: number) => void,
  signal?: AbortSignal,
): Promise<Failure | undefined> {
  let before = 0
  for (const wave of waves) {
    const start = before
    const failure = await runWave(host, wave, (index) => done(start + index), signal)
    if (failure) return { ...failure, index: start + failure.index }
    before += wave.length
  }
  return undefined
}

async function runWave(
  host: Host,
  operations: readonly Operation[],
  done: (index: number) => void,
  signal: AbortSignal | undefined,
): Promise<Failure | undefined> {
  let failure: Failure | undefined
  const groups = new Map<string, Job[]>()
  for (const [index, operation] of operations.entries()) {
    const command = commandOf(operation)
    const key = placeName(command)
    const group = groups.get(key)
    const file = operation.do === 'file.write' || operation.do === 'file.delete' ? { file: operation } : {}
    const job: Job = { index, command, batch: batchOf(operation), ...file }
    if (group) group.push(job)
    else groups.set(key, [job])
  }
  await parallel(groups.values(), PROGRAMS_AT_ONCE, async (group) => {
    for (const jobs of runs(group)) {
      if (failure || signal?.aborted) return
      const failed = await together(host, jobs, done)
      if (failed) failure ??= failed
    }
  })
  return failure
}

/** Words that `ip -batch` takes as they are; it knows quotes, but no escapes, and `#` starts a comment anywhere. */
const batchable = /^[^\s"'#\\]+$/
const spaced = /^[^"'#\\\n]*$/
const batchWord = (word: string): string => (batchable.test(word) ? word : `"${word}"`)

/** What can share one process: the program and its options before the object; undefined for what cannot. */
function shareKey({ batch, command: { argv } }: Job): string | undefined {
  const words = argv.slice(1)
  if (batch === undefined || batch === 'sysctl') return batch
  return words.every((word) => spaced.test(word)) ? [batch, ...options(words)].join(' ') : undefined
}

const options = (words: readonly string[]): string[] =>
  words.slice(
    0,
    words.findIndex((w) => !w.startsWith('-')),
  )

/** Splits a namespace's commands into runs that share one process. */
function runs(group: readonly Job[]): Job[][] {
  const result: Job[][] = []
  let last: string | undefined
  for (const job of group) {
    const key = shareKey(job)
    if (key !== undefined && key === last) result.at(-1)?.push(job)
    else result.push([job])
    last = key
  }
  return result
}

async function together(host: Host, jobs: readonly Job[], done: (index: number) => void): Promise<Failure | undefined> {
  const [first] = jobs
  if (!first) return undefined
  const { argv, netns } = first.command
  const at = placeIn(netns)
  const succeed = (count: number): void => jobs.slice(0, count).forEach(({ index }) => done(index))
  if (jobs.length === 1) {
    let outcome = first.file ? host.changeFile(first.file) : await host.run(first.command)
    const { input } = first.command
    if (input !== undefined && isTooLong(outcome.stderr))
      outcome = await host.run({ ...first.command, input: inPieces(input) })
    if (outcome.code !== 0) return { index: first.index, outcome }
    succeed(1)
    return undefined
  }
  if (first.batch === 'sysctl') {
    const outcome = await host.run({
      argv: ['sysctl', '-qw', ...jobs.map(({ command }) => command.argv.at(-1) ?? '')],
      ...at,
    })
    if (outcome.code === 0) return (succeed(jobs.length), undefined)
    // It goes on after an error and does not say where: writing a value twice is harmless, so ask one by one.
    for (const job of jobs) {
      const failed = await together(host, [job], done)
      if (failed) return failed
    }
    return undefined
  }
  const opts = options(argv.slice(1))
  const input = jobs
    .map(
      ({ command }) =>
        `${command.argv
          .slice(1 + opts.length)
          .map(batchWord)
          .join(' ')}\n`,
    )
    .join('')
  const outcome = await host.run({ argv: [first.batch ?? '', ...opts, '-batch', '-'], input, ...at })
  if (outcome.code === 0) return (succeed(jobs.length), undefined)
  const line = Number(/Command failed -:(\d+)/.exec(outcome.stderr)?.[1] ?? 1)
  succeed(line - 1)
  return {
    index: (jobs[line - 1] ?? first).index,
    outcome: { ...outcome, stderr: outcome.stderr.replace(/^Command failed -:\d+\n?/m, '') },
  }
}

function list(host: Host): NamedNamespace[] {
  const folder = host.status(NETNS_DIR)
  if (!folder) return []
  return host.list(NETNS_DIR).flatMap((name) => {
    const entry = host.status(`${NETNS_DIR}/${name}`)
    if (!entry) return []
    const stale = entry.device === folder.device
    const owner = stale && entry.isFile ? markIn(host, `${NETNS_DIR}/${name}`, entry.size) : undefined
    const { inode, changed } = entry
    return [{ name, inode, changed, stale, ...(owner !== undefined && { owner }) }]
  })
}

/** The lab that a plain file says it is of: netlab writes that before it mounts the namespace there. */
const markIn = (host: Host, path: string, size: number): string | undefined =>
  size > 0 && size < 256 ? ownerOf(host.readFile(path)) : undefined

const LINKS = ['link show', 'addr show']
const NEIGHBORS = ['neigh show nud all', 'neigh show proxy']
const ALL = [...LINKS, 'route show table all', 'rule show', ...NEIGHBORS, 'netns list-id', 'nexthop show']

/**
 * Reads one namespace with one process. The files of the sysctls come as arguments; `grep` prints name and value of
 * those that exist.
 */
const SCRIPT = `
ip -j -d -N -batch - || exit
echo ${MARK}; ip -6 -j -d -N rule show
echo ${MARK}; tc -j qdisc show
echo ${MARK}; [ $# -eq 0 ] || grep -sH '' "$@"
echo ${MARK}; cd /proc/sys/net && grep -rs '' ipv4/conf
grep -rs ${[...ofInterfaces.keys()].flatMap((setting) => (setting.startsWith('ipv6.') ? [`--include=${setting.slice(5)}`] : [])).join(' ')} '' ipv6/conf
echo ${MARK}; [ ! -e /sys/module/ip_set ] || ! command -v ipset >/dev/null || ipset save
echo ${MARK}; cat /proc/net/ip_tables_names 2>/dev/null
echo ${MARK}; cat /proc/net/ip6_tables_names 2>/dev/null
echo ${MARK}
${FIREWALL}`

async function inherited(host: Host, keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const files = new Map(keys.map((key) => [sysctlFile(key), key]))
  const { stdout } = await host.run({ argv: ['unshare', '--net', 'grep', '-sH', '', ...files.keys()] })
  return valuesIn(stdout, files)
}

/** The values in lines such as `/proc/sys/net/ipv4/ip_forward:1`, by the keys of the files; the last line of each counts. */
const valuesIn = (lines: string, files: ReadonlyMap<string, string>): Map<string, string> =>
  new Map(
    lines.split('\n').flatMap((line): [string, string][] => {
      const colon = line.indexOf(':')
      const key = files.get(line.slice(0, colon))
      return key === undefined ? [] : [[key, line.slice(colon + 1)]]
    }),
  )

async function dump(host: Host, requests: readonly DumpRequest[]): Promise<(Dump | undefined)[]> {
  const result: (Dump | undefined)[] = Array.from({ length: requests.length }, () => undefined)
  await parallel(requests.entries(), PROGRAMS_AT_ONCE, async ([i, request]) => {
    result[i] = await dumpOne(host, request)
  })
  return result
}

async function dumpOne(
  host: Host,
  { netns, paths = [], sysctls, depth, owner }: DumpRequest,
): Promise<Dump | undefined> {
  if (owner !== undefined) {
    const glimpsed = await dumpOne(host, { ...placeIn(netns), sysctls: [], depth: 'links' })
    if (!glimpsed?.links.some(({ ifalias }) => ownerOf(ifalias) === owner)) return glimpsed
  }
  const links = depth === 'mark' || depth === 'links'
  const files = new Map(sysctls.map((key) => [sysctlFile(key), key]))
  const outcome = await host.run({
    argv: links ? ['ip', '-j', '-d', '-N', '-batch', '-'] : ['sh', '-c', SCRIPT, 'sh', ...files.keys()],
    input: [...(depth === 'mark' ? ['link show dev lo'] : links ? LINKS : ALL), ''].join('\n'),
    ...placeIn(netns),
  })
  if (outcome.code !== 0) return gone(outcome, netns)
  const sections = outcome.stdout.split(`${MARK}\n`)
  const lines = (sections[0] ?? '').trimEnd().split('\n')
  const json = <T>(text: string | undefined): T[] => (text ? (JSON.parse(text) as T[]) : [])
  const routes = json<IpRoute>(lines[2])
  const found = json<IpLink>(lines[0])
  const nsids = new Map(
    json<{ nsid: number; name?: string }>(lines[6]).flatMap(({ nsid, name }) =>
      name === undefined ? [] : [[nsid, name]],
    ),
  )
  const isNameless = ({ link_netnsid: id }: IpLink): boolean => id !== undefined && !nsids.has(id)
  const more = !links && paths.length && found.some(isNameless) ? await askNsids(host, paths, netns) : []
  const forwards = !links && found.some(({ linkinfo }) => /^(bridge|vxlan)$/.test(linkinfo?.info_kind ?? ''))
  return {
    links: found,
    ...(forwards && (await askBridges(host, netns))),
    addresses: json(lines[1]),
    routes: routes.some(isHidden) ? await askRoutes(host, netns) : routes,
    ...(!links && { nexthops: await wholeNexthops(host, json(lines[7]), netns) }),
    rules: json(lines[3]),
    neighbors: lasting(json(lines[4])).concat(json(lines[5])),
    nsids: new Map([...more, ...nsids]),
    rules6: json(sections[1]),
    qdiscs: sections[2] ? parseQdiscs(sections[2]) : [],
    sysctls: valuesIn(sections[3] ?? '', files),
    conf: conf(sections[4] ?? ''),
    ...(!links && hasFou(host) && { fou: await askFou(host, netns) }),
    ...(sections[5] && { ipsets: sections[5] }),
    ...readLegacy(sections.slice(6, 8)),
    ...firewall(sections.slice(8)),
  }
}

/** The settings of the interfaces, from lines such as `ipv4/conf/eth0/rp_filter:1`. */
function conf(lines: string): Dump['conf'] {
  const result = new Map<string, Record<string, string>>()
  for (const [, family = '', dev = '', name = '', value = ''] of lines.matchAll(
    /^(ipv[46])\/conf\/([^/]+)\/(\w+):(.*)$/gm,
  )) {
    const setting = `${family}.${name}`
    if (!ofInterfaces.has(setting) || ofInterfaces.get(setting) === value || dev === 'all' || dev === 'default')
      continue
    const settings = result.get(dev) ?? {}
    settings[setting] = value
    result.set(dev, settings)
  }
  return result
}

/** A namespace may be deleted while it is read; all other errors are thrown. */
function gone({ code, stderr }: Outcome, netns: string | undefined): undefined {
  if (netns !== undefined && /No such file|Invalid argument|reassociate/.test(stderr)) return undefined
  throw UserError.of(
    'kernel-unreadable',
    `cannot read ${netns === undefined ? 'the network of this machine' : `namespace ${netns}`}`,
    `ip ended with code ${code}: ${stderr.trim()}`,
  )
}

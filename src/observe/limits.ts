import type { Check } from '../model/check.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import { placeIn } from '../model/place.ts'
import type { Runner } from '../model/runner.ts'
import type { Topology } from '../model/topology.ts'

/** Reads a file under /proc; undefined when it does not exist. */
export type ReadProc = (path: string) => string | undefined

/** Reads those of a host. */
export const procOf =
  (host: Host): ReadProc =>
  (path) =>
    host.readFile(`/proc/${path}`)

/** A limit that all namespaces of the machine share, and what it is enough for. */
export interface SharedLimit {
  readonly name: string
  readonly value: number
  readonly purpose: string
}

const NEIGHBORS = 'net.ipv4.neigh.default.gc_thresh3'

/** The number n of hosts in one segment that can all reach each other: they need n * (n - 1) neighbours. */
const meshOf = (neighbors: number): number => Math.floor((1 + Math.sqrt(1 + 4 * neighbors)) / 2)

const limits: Readonly<Record<string, (value: number) => string>> = {
  [NEIGHBORS]: (n) => `neighbours: ${meshOf(n)} hosts of one segment that all reach each other`,
  'fs.inotify.max_user_instances': (n) =>
    `processes that watch files: about ${n} (nginx, dnsmasq, systemd use one each)`,
  'fs.inotify.max_user_watches': (n) => `files that they watch: ${n}`,
  'fs.mount-max': (n) => `names of namespaces: about ${Math.floor(n / 2)}`,
  'net.netfilter.nf_conntrack_max': (n) => `connections that firewalls remember: ${n}`,
  'kernel.pid_max': (n) => `processes and threads: ${n}`,
  'kernel.threads-max': (n) => `threads: ${n}`,
}

/** The limits that all labs share, with their present values; limits that cannot be read from here are left out. */
export function sharedLimits(read: ReadProc): SharedLimit[] {
  const found = Object.entries(limits).flatMap(([name, purpose]): SharedLimit[] => {
    const value = limit(name, read)
    return value === undefined ? [] : [{ name, value, purpose: purpose(value) }]
  })
  const files = Number(/^Max open files +(\d+)/m.exec(read('self/limits') ?? '')?.[1] ?? NaN)
  const purpose = `open files of netlab itself: ${files} (ulimit -n)`
  return Number.isNaN(files) ? found : [...found, { name: 'open files', value: files, purpose }]
}

function limit(name: string, read: ReadProc): number | undefined {
  const text = read(`sys/${name.replaceAll('.', '/')}`)
  return text === undefined || !/^\d+\s*$/.test(text) ? undefined : Number(text)
}

/** The largest number of neighbours that the checks of the lab make the kernel remember at the same time. */
function neighborsOf({ links, segment, holders }: Topology, checks: readonly Check[]): number {
  const namespaces = new Map<string, Set<string>>()
  const segments = (namespace: string): Set<string> => {
    const known = namespaces.get(namespace) ?? new Set(links(namespace).map(({ id }) => segment(id)))
    namespaces.set(namespace, known)
    return known
  }
  const pairs = new Set<string>()
  for (const { from, ping, tcp, udp, to } of checks) {
    const target = ping ?? (tcp ?? udp ?? to)?.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
    const home = target === undefined ? undefined : (holders(target)[0]?.namespace ?? target)
    if (home === undefined || home === from || ![...segments(from)].some((one) => segments(home).has(one))) continue
    pairs.add(`${from} ${home}`).add(`${home} ${from}`) // the reply needs a neighbour entry as well
  }
  return pairs.size
}

/** The smallest power of two that is at least twice the count. */
const roomFor = (count: number): number => 2 ** Math.ceil(Math.log2(2 * count))

const fixOf = (value: number): string => `On the machine: sysctl -w ${NEIGHBORS}=${value}`

/** Warns of a lab that needs more than a limit that the kernel has for all namespaces together. */
export function crowded(topology: Topology, checks: readonly Check[], read: ReadProc): Diagnostic[] {
  const count = (kind: string): number => topology.ofKind(kind).length
  const warn = (summary: string, detail: string): Diagnostic[] => [
    { code: 'machine-limit', severity: 'warning', summary, detail },
  ]
  const tooMany = (what: string, wanted: number, name: string): Diagnostic[] => {
    const most = wanted > PLENTY ? limit(name, read) : undefined
    return most === undefined || wanted <= most
      ? []
      : warn(
          `this lab needs ${wanted} ${what}, and ${name} is ${most}`,
          `On the machine: sysctl -w ${name}=${roomFor(wanted)}`,
        )
  }
  const most = checks.length < 2 ? undefined : limit(NEIGHBORS, read)
  const wanted = most === undefined ? 0 : neighborsOf(topology, checks)
  return [
    ...(most === undefined || wanted <= most
      ? []
      : warn(
          `the checks of this lab need ${wanted} neighbours, and the kernel keeps ${most} for all namespaces together`,
          `Beyond that packets are lost. ${fixOf(roomFor(wanted))}`,
        )),
    // The name of a namespace is one mount in netlab's mount namespace and one in the copy of /run/netns that receives it.
    ...tooMany('mounts for the names of its namespaces', 2 * (count('namespace') + count('share')), 'fs.mount-max'),
    // Each process has a supervisor.
    ...['kernel.pid_max', 'kernel.threads-max'].flatMap((name) => tooMany('processes', 2 * count('process'), name)),
  ]
}

/** Limits are not read for counts below this: no machine has limits that low. */
const PLENTY = 200

/** How often since the boot the kernel had no room for a neighbour, IPv4 and IPv6 together. */
export function neighborOverflows(read: ReadProc): number {
  return ['arp_cache', 'ndisc_cache'].reduce((sum, table) => sum + counted(read(`net/stat/${table}`), 'table_fulls'), 0)
}

/** The sum of columns in a table of counters under /proc/net/stat, which has a row per processor, in hexadecimal. */
function counted(text = '', ...columns: string[]): number {
  const [head = '', ...rows] = text.trim().split('\n')
  const places = head
    .trim()
    .split(/\s+/)
    .flatMap((name, place) => (columns.includes(name) ? [place] : []))
  return rows
    .flatMap((row) => places.map((place) => parseInt(row.trim().split(/\s+/)[place] ?? '0', 16)))
    .reduce((sum, value) => sum + value, 0)
}

/** The connection tables of at most this many namespaces are read, one program each. */
const ASKED = 64

/**
 * Warns of namespaces that have lost packets because their connection table was full (nf_conntrack_max), as counted in
 * /proc/net/stat/nf_conntrack since the namespace was created. Runs one short program per namespace.
 */
export async function lostConnections(
  namespaces: ReadonlyMap<string, string | undefined>,
  runner: Pick<Runner, 'host'>,
): Promise<Diagnostic[]> {
  const found = await Promise.all(
    [...namespaces].slice(0, ASKED).map(async ([name, netns]): Promise<Diagnostic[]> => {
      const { stdout } = await runner.host.run({
        argv: ['cat', '/proc/net/stat/nf_conntrack'],
        ...placeIn(netns),
      })
      const lost = counted(stdout, 'drop', 'early_drop')
      const summary = `${name} has lost ${lost} packets or connections because its table of connections was full`
      const detail = 'On the machine: sysctl -w net.netfilter.nf_conntrack_max=N, larger than it is.'
      return lost === 0 ? [] : [{ code: 'machine-limit', severity: 'warning', summary, detail }]
    }),
  )
  return found.flat()
}

/** Warns that packets of a test were lost because the kernel's neighbour table was full. */
export function overflowed(times: number, read: ReadProc): Diagnostic[] {
  if (times <= 0) return []
  const most = limit(NEIGHBORS, read)
  return [
    {
      code: 'neighbour-overflow',
      severity: 'warning',
      summary: `the kernel had no room for a neighbour ${times} times during these checks`,
      detail: `Its table counts for all namespaces together, and packets are lost when it is full. ${fixOf(roomFor(2 * (most ?? 1024)))}`,
    },
  ]
}

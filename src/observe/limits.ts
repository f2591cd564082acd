import { thisMachine } from '../host/this-machine.ts'
import type { Check } from '../model/check.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Runner } from '../model/runner.ts'
import type { Topology } from '../model/topology.ts'

/** Reads a file under /proc; undefined when it is not there. */
export type ReadProc = (path: string) => string | undefined

const readProc: ReadProc = (path) => thisMachine.readFile(`/proc/${path}`)

/** A limit that the kernel has once for all namespaces of the machine, and what it is enough for. */
export interface SharedLimit {
  readonly name: string
  readonly value: number
  readonly purpose: string
}

const NEIGHBORS = 'net.ipv4.neigh.default.gc_thresh3'

/** Hosts of one segment that can all reach each other with so many neighbours: n * (n - 1). */
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

/** The limits that all labs share, as they are here; those that are not visible from here are left out. */
export function sharedLimits(read: ReadProc = readProc): SharedLimit[] {
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

/** What the lab asks for at most of a limit that all labs share: how many neighbours its checks make the kernel remember. */
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
    pairs.add(`${from} ${home}`).add(`${home} ${from}`) // the answer needs the other's address as well
  }
  return pairs.size
}

/** The next power of two that leaves as much again free. */
const roomFor = (count: number): number => 2 ** Math.ceil(Math.log2(2 * count))

const fixOf = (value: number): string => `On the machine: sysctl -w ${NEIGHBORS}=${value}`

/** Warns of a lab that needs more than the kernel has for all namespaces together. */
export function crowded(topology: Topology, checks: readonly Check[], read: ReadProc = readProc): Diagnostic[] {
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
    // A name is a mount where netlab runs, and in the copy of /run/netns that hears of it.
    ...tooMany('mounts for the names of its namespaces', 2 * (count('namespace') + count('share')), 'fs.mount-max'),
    // Each process has a supervisor.
    ...['kernel.pid_max', 'kernel.threads-max'].flatMap((name) => tooMany('processes', 2 * count('process'), name)),
  ]
}

/** No machine has limits so low that fewer would not fit: they need not be read. */
const PLENTY = 200

/** How often the kernel had no room for a neighbour since it started, be it of IPv4 or IPv6. */
export function neighborOverflows(read: ReadProc = readProc): number {
  return ['arp_cache', 'ndisc_cache'].reduce((sum, table) => sum + counted(read(`net/stat/${table}`), 'table_fulls'), 0)
}

/** The sum of columns of a table of counters under /proc/net/stat: a row for each processor, in hexadecimal. */
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

/** More namespaces than this are not asked one by one. */
const ASKED = 64

/**
 * Says which of these namespaces have lost packets because their table of connections was full (nf_conntrack_max), as
 * /proc/net/stat/nf_conntrack counts them since the namespace was made. One short program for each namespace.
 */
export async function lostConnections(
  namespaces: ReadonlyMap<string, string | undefined>,
  runner: Pick<Runner, 'capture'>,
): Promise<Diagnostic[]> {
  const found = await Promise.all(
    [...namespaces].slice(0, ASKED).map(async ([name, netns]): Promise<Diagnostic[]> => {
      const { stdout } = await runner.capture({
        argv: ['cat', '/proc/net/stat/nf_conntrack'],
        ...(netns !== undefined && { netns }),
      })
      const lost = counted(stdout, 'drop', 'early_drop')
      const summary = `${name} has lost ${lost} packets or connections because its table of connections was full`
      const detail = 'On the machine: sysctl -w net.netfilter.nf_conntrack_max=N, larger than it is.'
      return lost === 0 ? [] : [{ code: 'machine-limit', severity: 'warning', summary, detail }]
    }),
  )
  return found.flat()
}

/** Says that packets of a test were lost because the kernel's table of neighbours was full. */
export function overflowed(times: number, read: ReadProc = readProc): Diagnostic[] {
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

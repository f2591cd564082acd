import type { BridgeFdb, BridgeMdb } from '../../model/bridge-dump.ts'
import type { Host } from '../../model/host.ts'
import { MOUNTS } from '../../model/names.ts'
import type { IpNexthop } from '../../model/ip-nexthop.ts'
import type { Dump, IpLink, IpRoute, TcQdisc } from '../../model/runner.ts'
import type { IpFou } from '../../model/tunnel-dump.ts'
import { parallel, PROGRAMS_AT_ONCE } from '../../host/parallel.ts'
import { fileOf, placeIn } from '../../model/place.ts'
import { MARK } from './read-firewalls.ts'
import { readNexthopText, readRouteText } from './route-text.ts'

/**
 * The qdiscs in what `tc -j qdisc show` prints, of which only netem, tbf and htb keep their options: iproute2 6.1 prints those of hfsc
 * as text, which is not JSON (hfsc_print_opt in tc/q_hfsc.c).
 */
export const parseQdiscs = (text: string): TcQdisc[] =>
  JSON.parse(text.replace(/("kind":"(?!(?:netem|tbf|htb)")[^"]*",[^{}]*"options":\{)[^{}]*/g, '$1')) as TcQdisc[]

/** The qdiscs of one namespace, as a dump has them. */
export async function askQdiscs(host: Host, netns: string | undefined): Promise<TcQdisc[]> {
  const outcome = await host.run({ argv: ['tc', '-j', 'qdisc', 'show'], ...placeIn(netns) })
  return outcome.code === 0 ? parseQdiscs(outcome.stdout) : []
}

/**
 * What the bridges and VXLANs of one namespace have: the forwarding entries that stay, or that a daemon keeps, and that are of a
 * bridge or have a destination; the multicast entries.
 */
export async function askBridges(host: Host, netns: string | undefined): Promise<Required<Pick<Dump, 'fdb' | 'mdb'>>> {
  const { stdout } = await host.run({
    argv: ['bridge', '-d', '-j', '-batch', '-'],
    input: 'fdb show\nmdb show\n',
    ...placeIn(netns),
  })
  // A kernel without snooping of multicast answers only the first; one without the namespace neither.
  const [fdb, mdb] = stdout.split('\n').map((line) => (line.endsWith(']') ? (JSON.parse(line) as unknown) : []))
  return {
    fdb: ((fdb ?? []) as BridgeFdb[]).filter(
      ({ state, master, dst, nhid, flags = [] }) =>
        (state || flags.includes('extern_learn')) && (master ?? dst ?? nhid) !== undefined,
    ),
    mdb: ((mdb ?? []) as { mdb?: BridgeMdb[] }[]).flatMap((all) => all.mdb ?? []),
  }
}

/** The routes of one namespace with what their JSON hides; none when it has vanished meanwhile. */
export async function askRoutes(host: Host, netns: string | undefined): Promise<IpRoute[]> {
  const outcome = await host.run({
    argv: ['ip', '-o', '-N', 'route', 'show', 'table', 'all'],
    ...placeIn(netns),
  })
  return outcome.code === 0 ? readRouteText(outcome.stdout) : []
}

/**
 * Nexthop objects with what their JSON hides: encapsulations, one of which repeats the word `id`, and the family of blackholes. Asked
 * by family, `ip` leaves groups out.
 */
export async function wholeNexthops(
  host: Host,
  all: readonly IpNexthop[],
  netns: string | undefined,
): Promise<IpNexthop[]> {
  const groups = all.filter(({ group }) => group)
  if (all.every(({ encap, blackhole }) => encap === undefined && blackhole === undefined)) return [...all]
  const [four, six] = await Promise.all(
    ([4, 6] as const).map(async (family) => {
      const { stdout } = await host.run({
        argv: ['ip', `-${family}`, '-o', '-d', '-N', 'nexthop', 'show'],
        ...placeIn(netns),
      })
      return readNexthopText(stdout, family)
    }),
  )
  return [...(four ?? []), ...(six ?? []), ...groups].sort((a, b) => a.id - b.id)
}

/** Gives these files names that only this process sees, because `ip` knows no ids but those of names. */
const NSIDS = `
mount -t tmpfs tmpfs /run/netns && cd /run/netns || exit
for file; do place=$((place + 1)); : >$place; mount --bind "$file" $place || rm $place; done
exec ip -j netns list-id`

/** The ids that a namespace has for those of these files, as a dump has them. */
export async function askNsids(
  host: Host,
  files: readonly string[],
  netns: string | undefined,
): Promise<Dump['nsids']> {
  const { stdout } = await host.run({ argv: [...MOUNTS, 'sh', '-c', NSIDS, 'sh', ...files], ...placeIn(netns) })
  const all = stdout.startsWith('[') ? (JSON.parse(stdout) as { nsid: number; name?: string }[]) : []
  return new Map(
    all.flatMap(({ nsid, name }): [number, string][] => {
      const file = files[Number(name) - 1]
      return file === undefined ? [] : [[nsid, file]]
    }),
  )
}

/** A link; absent `netns`: where netlab itself runs. */
export interface LinkName {
  readonly netns?: string
  readonly dev: string
}

export type Settings = NonNullable<NonNullable<IpLink['linkinfo']>['info_data']>

/** Shows links that are named, each after the file of its namespace, a line each. */
const SHOW = `while [ $# -gt 0 ]; do
if [ -n "$1" ]; then nsenter --net="$1" -- ip -j -d -N link show dev "$2"; else ip -j -d -N link show dev "$2"; fi
echo ${MARK}; shift 2; done`

/** The settings of the types of links (`info_data`), in the order asked, by a few shells for all; undefined: the link is gone. */
export async function askSettings(host: Host, links: readonly LinkName[]): Promise<(Settings | undefined)[]> {
  const result: (Settings | undefined)[] = links.map(() => undefined)
  await parallel(Array(PROGRAMS_AT_ONCE).keys(), PROGRAMS_AT_ONCE, async (shell) => {
    const mine = [...links.entries()].filter(([place]) => place % PROGRAMS_AT_ONCE === shell)
    if (mine.length === 0) return
    const names = mine.flatMap(([, { netns, dev }]) => [netns === undefined ? '' : fileOf(netns), dev])
    const { stdout } = await host.run({ argv: ['sh', '-c', SHOW, 'sh', ...names] })
    const answers = stdout.split(`${MARK}\n`)
    mine.forEach(([place], i) => {
      const [link] = answers[i] ? (JSON.parse(answers[i]) as IpLink[]) : []
      result[place] = link?.linkinfo?.info_data
    })
  })
  return result
}

/** Whether the kernel has loaded what makes ports for tunnels; otherwise no namespace has any. Asking loads it. */
export const hasFou = (host: Host): boolean => host.exists('/sys/module/fou')

/** The ports for tunnels of a namespace; none where it is gone. */
export async function askFou(host: Host, netns: string | undefined): Promise<IpFou[]> {
  const { code, stdout } = await host.run({ argv: ['ip', '-j', 'fou', 'show'], ...placeIn(netns) })
  return code === 0 && stdout.trim() ? (JSON.parse(stdout) as IpFou[]) : []
}

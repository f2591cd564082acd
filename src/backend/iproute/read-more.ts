import type { Host } from '../../model/host.ts'
import type { BridgeFdb, IpLink, IpRoute, TcQdisc } from '../../model/runner.ts'
import { parallel, PROGRAMS_AT_ONCE } from '../../host/parallel.ts'
import { MARK } from './read-firewalls.ts'
import { readRouteText } from './route-text.ts'

/** The qdiscs of one namespace, as a dump has them. */
export async function askQdiscs(host: Host, netns: string | undefined): Promise<TcQdisc[]> {
  const outcome = await host.run({ argv: ['tc', '-j', 'qdisc', 'show'], ...(netns !== undefined && { netns }) })
  return outcome.code === 0 ? (JSON.parse(outcome.stdout) as TcQdisc[]) : []
}

/** The forwarding entries of one namespace that stay and that are of a bridge, or have a destination. */
export async function askFdb(host: Host, netns: string | undefined): Promise<BridgeFdb[]> {
  const outcome = await host.run({
    argv: ['bridge', '-j', 'fdb', 'show'],
    ...(netns !== undefined && { netns }),
  })
  const all = outcome.code === 0 ? (JSON.parse(outcome.stdout) as BridgeFdb[]) : []
  return all.filter(({ state, master, dst }) => state && (master ?? dst) !== undefined)
}

/** The routes of one namespace with what their JSON hides; none when it has vanished meanwhile. */
export async function askRoutes(host: Host, netns: string | undefined): Promise<IpRoute[]> {
  const outcome = await host.run({
    argv: ['ip', '-o', '-N', 'route', 'show', 'table', 'all'],
    ...(netns !== undefined && { netns }),
  })
  return outcome.code === 0 ? readRouteText(outcome.stdout) : []
}

/** A link; absent `netns`: where netlab itself runs. */
export interface LinkName {
  readonly netns?: string
  readonly dev: string
}

export type Settings = NonNullable<NonNullable<IpLink['linkinfo']>['info_data']>

/** Shows links that are named, each after its namespace, a line each. */
const SHOW = `while [ $# -gt 0 ]; do
if [ -n "$1" ]; then nsenter --net="/run/netns/$1" -- ip -j -d -N link show dev "$2"; else ip -j -d -N link show dev "$2"; fi
echo ${MARK}; shift 2; done`

/** The settings of the types of links (`info_data`), in the order asked, by a few shells for all; undefined: the link is gone. */
export async function askSettings(host: Host, links: readonly LinkName[]): Promise<(Settings | undefined)[]> {
  const result: (Settings | undefined)[] = links.map(() => undefined)
  await parallel(Array(PROGRAMS_AT_ONCE).keys(), PROGRAMS_AT_ONCE, async (shell) => {
    const mine = [...links.entries()].filter(([place]) => place % PROGRAMS_AT_ONCE === shell)
    if (mine.length === 0) return
    const names = mine.flatMap(([, { netns = '', dev }]) => [netns, dev])
    const { stdout } = await host.run({ argv: ['sh', '-c', SHOW, 'sh', ...names] })
    const answers = stdout.split(`${MARK}\n`)
    mine.forEach(([place], i) => {
      const [link] = answers[i] ? (JSON.parse(answers[i]) as IpLink[]) : []
      result[place] = link?.linkinfo?.info_data
    })
  })
  return result
}

import type { BridgeFdb, IpRoute, TcQdisc } from '../../model/runner.ts'
import { thisMachine } from '../../host/this-machine.ts'
import { readRouteText } from './route-text.ts'

/** The qdiscs of one namespace, as a dump has them. */
export async function askQdiscs(netns: string | undefined): Promise<TcQdisc[]> {
  const outcome = await thisMachine.run({ argv: ['tc', '-j', 'qdisc', 'show'], ...(netns !== undefined && { netns }) })
  return outcome.code === 0 ? (JSON.parse(outcome.stdout) as TcQdisc[]) : []
}

/** The forwarding entries of one namespace that stay and that are of a bridge, or have a destination. */
export async function askFdb(netns: string | undefined): Promise<BridgeFdb[]> {
  const outcome = await thisMachine.run({
    argv: ['bridge', '-j', 'fdb', 'show'],
    ...(netns !== undefined && { netns }),
  })
  const all = outcome.code === 0 ? (JSON.parse(outcome.stdout) as BridgeFdb[]) : []
  return all.filter(({ state, master, dst }) => state && (master ?? dst) !== undefined)
}

/** The routes of one namespace with what their JSON hides; none when it has vanished meanwhile. */
export async function askRoutes(netns: string | undefined): Promise<IpRoute[]> {
  const outcome = await thisMachine.run({
    argv: ['ip', '-o', '-N', 'route', 'show', 'table', 'all'],
    ...(netns !== undefined && { netns }),
  })
  return outcome.code === 0 ? readRouteText(outcome.stdout) : []
}

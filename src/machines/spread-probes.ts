import { NEAR } from '../model/other-machine.ts'
import { placeIn } from '../model/place.ts'
import type { WalkKit } from '../walk/walk.ts'
import type { WalkMachine } from '../walk/walk-machine.ts'
import { walkHere } from '../walk/watch-here.ts'
import type { Peer } from './connect.ts'
import { pack, unpack } from './packed.ts'
import type { Spread, Wire } from './wires.ts'

/** Where the packets of a lab go that is on several machines. */
export function spreadWalk(
  peers: readonly Peer[],
  places: Spread['places'],
  wires: readonly Wire[],
): Pick<WalkKit, 'machineOf' | 'wireOf'> {
  const machines = new Map(peers.map((peer) => [peer.name, peer.name === NEAR ? walkHere : walkOn(peer)]))
  const ways = wires.flatMap(({ vni, ends: [a, b], machines: [from, to] }) => [
    [a, { vni, from, to }] as const,
    [b, { vni, from: to, to: from }] as const,
  ])
  const wayOf = new Map(ways)
  return {
    machineOf: (namespace) => machines.get(places[namespace] ?? NEAR) ?? walkHere,
    wireOf: (end) => wayOf.get(end),
  }
}

/** Another machine. */
function walkOn({ ask }: Peer): WalkMachine {
  return {
    watch: (request, seen) =>
      new Promise((begun, failed) => {
        const watch = {
          send: (netns?: string) => ask('sendWatched', placeIn(netns)),
          end: async () => unpack(await ask('endWatch', null)),
        }
        ask('watch', pack(request), (event) => (event === true ? begun(watch) : seen(event))).catch(failed)
      }),
    askRoutes: async (requests) => unpack(await ask('askRoutes', pack(requests))),
  }
}

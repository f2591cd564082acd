import { NEAR } from '../model/other-machine.ts'
import { placeIn } from '../model/place.ts'
import { openReachHere } from '../reach/reach-here.ts'
import type { ReachMachine } from '../reach/reach-machine.ts'
import type { WalkKit } from '../walk/walk.ts'
import type { WalkMachine } from '../walk/walk-machine.ts'
import { walkHere } from '../walk/watch-here.ts'
import type { Peer } from './connect.ts'
import { asThere, pack, unpack } from './packed.ts'
import type { Spread, Wire } from './wires.ts'

/** Where the packets of a lab go that is on several machines. */
export function spreadWalk(
  peers: readonly Peer[],
  places: Spread['places'],
  wires: readonly Wire[],
): Pick<WalkKit, 'machineOf' | 'wireOf'> {
  const ways = wires.flatMap(({ vni, ends: [a, b], machines: [from, to] }) => [
    [a, { vni, from, to }] as const,
    [b, { vni, from: to, to: from }] as const,
  ])
  const wayOf = new Map(ways)
  return {
    machineOf: byPlace(peers, places, walkHere, walkOn),
    wireOf: (end) => wayOf.get(end),
  }
}

/** The machines of the namespaces for `netlab reach`. */
export const spreadReach = (peers: readonly Peer[], places: Spread['places']): ((namespace: string) => ReachMachine) =>
  byPlace(peers, places, openReachHere(), reachOn)

/** What stands for the machine of a namespace: `here`, or what is made of another. */
function byPlace<T>(
  peers: readonly Peer[],
  places: Spread['places'],
  here: T,
  made: (peer: Peer) => T,
): (namespace: string) => T {
  const machines = new Map(peers.map((peer) => [peer.name, peer.name === NEAR ? here : made(peer)]))
  return (namespace) => machines.get(places[namespace] ?? NEAR) ?? here
}

function walkOn({ ask }: Peer): WalkMachine {
  return {
    watch: (request, seen) =>
      new Promise((begun, failed) => {
        const watch = {
          send: (flow: number, netns?: string) => ask('sendWatched', { flow, ...asThere(placeIn(netns)) }),
          end: async () => unpack(await ask('endWatch', null)),
        }
        ask('watch', pack(asThere(request)), (event) => (event === true ? begun(watch) : seen(event))).catch(failed)
      }),
    askRoutes: async (requests) => unpack(await ask('askRoutes', pack(asThere(requests)))),
  }
}

const reachOn = ({ ask }: Peer): ReachMachine => ({
  listening: (hosts) => ask('listening', pack(asThere(hosts))),
  neighbors: () => ask('neighbors', null),
  ping: async (request, progress) => unpack(await ask('ping', pack(asThere(request)), progress)),
  listen: async (services) => ({
    opened: await ask('listen', pack(asThere(services))),
    close: async () => void (await ask('stopListening', null)),
  }),
  tryServices: async (hosts, questions, progress) =>
    unpack(await ask('tryServices', pack(asThere({ hosts, questions })), progress)),
})

import { createRequire } from 'node:module'
import { openSystem } from '../backend/netlink/libc.ts'
import { neighborRoom } from '../backend/netlink/neighbor-room.ts'
import { listeningHere } from '../backend/listening.ts'
import { listenOwn } from './own-services.ts'
import { pingPairs } from './ping-pairs.ts'
import { openSockets } from './probe-sockets.ts'
import type { ReachMachine } from './reach-machine.ts'
import { tryServices } from './try-services.ts'

/** The machine that netlab runs on. Throws an Error where koffi or the privileges are missing. */
export function openReachHere(): ReachMachine {
  const koffi = createRequire(__filename).resolve('koffi')
  const system = openSystem(koffi)
  const sockets = openSockets(koffi, system)
  /** Does something in namespaces, and leaves them. */
  const inside = async <T>(act: () => T | Promise<T>): Promise<T> => {
    try {
      return await act()
    } finally {
      system.back()
    }
  }
  return {
    listening: (hosts) => inside(() => hosts.map(({ netns }) => (system.enter(netns) ? listeningHere(system) : []))),
    neighbors: () => inside(() => neighborRoom(system)),
    ping: ({ hosts, questions, forgetful }, progress) =>
      inside(async () => {
        const targets = hosts.map((): number[] => [])
        for (const [from, to] of questions) targets[from]!.push(to)
        const forgetting = forgetful && new Set(forgetful)
        const run = {
          ...{ hosts, progress, targets: (from: number) => targets[from]! },
          ...(forgetting && { forgetful: (host: number) => forgetting.has(host) }),
        }
        const pinged = await pingPairs(run, system, sockets)
        return questions.map(([from, to]) => (pinged.reached(from, to) ? undefined : pinged.reason(from, to)))
      }),
    listen: (services) => inside(() => listenOwn(services, system, sockets)),
    tryServices: (hosts, questions, progress) => inside(() => tryServices(hosts, questions, system, sockets, progress)),
  }
}

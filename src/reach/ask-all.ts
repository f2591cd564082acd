import { createRequire } from 'node:module'
import { openSystem } from '../backend/netlink/libc.ts'
import type { LabIndex } from '../checks/lab-index.ts'
import type { Check } from '../model/check.ts'
import type { Pair, Reachable } from '../model/reach-pair.ts'
import type { Resources } from '../model/resource.ts'
import { pingPairs } from './ping-pairs.ts'
import { servicesOf } from './services.ts'
import { openSockets } from './probe-sockets.ts'
import { tryServices, type ServiceQuestion } from './try-services.ts'

/** What is asked. */
export interface ReachRequest {
  readonly index: LabIndex
  /** The lab file's. */
  readonly desired: Resources
  readonly checks: readonly Check[]
  /** The namespaces with an address that take part. */
  readonly hosts: readonly Reachable[]
  readonly isFrom: (name: string) => boolean
  readonly isTo: (name: string) => boolean
  /** How many neighbours the kernel keeps for all namespaces together. */
  readonly neighbors: number
  /** The names of namespaces that are not the lab's own: nothing is forgotten there. */
  readonly borrowed: (name: string) => boolean
  /** Says how far it has come. */
  readonly progress: (what: string, done: number, of: number) => void
}

/** Part of the kernel's table of neighbours that is left to others. */
const SHARE = 4

/** Asks every host of every other, and for every service. Throws an Error where koffi or the privileges are missing. */
export async function reachAll(request: ReachRequest): Promise<Pair[]> {
  const { hosts, index, isFrom, isTo, progress } = request
  const koffi = createRequire(__filename).resolve('koffi')
  const system = openSystem(koffi)
  const sockets = openSockets(koffi, system)
  try {
    const asked = hosts.map(({ name }, i) => (isTo(name) ? i : -1)).filter((i) => i >= 0)
    const asking = hosts.map(({ name }, i) => (isFrom(name) ? i : -1)).filter((i) => i >= 0)
    const others = hosts.map(({ name }, from) => (isFrom(name) ? asked.filter((to) => to !== from) : []))
    const count = others.reduce((sum, list) => sum + list.length, 0)
    const services = servicesOf(
      asked.map((to) => hosts[to]!),
      request.desired,
      request.checks,
      index,
      system,
    )
    const number = new Map(hosts.map(({ name }, i) => [name, i]))
    const questions = services.flatMap((service): ServiceQuestion[] => {
      const to = number.get(service.namespace)!
      return asking.filter((from) => from !== to).map((from) => ({ from, to, service }))
    })
    const isCrowded = neighborsOf(request) > request.neighbors / SHARE
    const pinged = await pingPairs(
      {
        hosts,
        targets: (from) => others[from]!,
        ...(isCrowded && { forgetful: (host) => !request.borrowed(hosts[host]!.name) }),
        progress: (done) => progress('ping', done, count),
      },
      system,
      sockets,
    )
    const answers = await tryServices(hosts, questions, system, sockets, (done) =>
      progress('services', done, questions.length),
    )
    return [
      ...asking.flatMap((from) =>
        others[from]!.map((to): Pair => {
          const reached = pinged.reached(from, to)
          const names = { from: hosts[from]!.name, to: hosts[to]!.name }
          return { ...names, protocol: 'icmp', reached, ...(!reached && { reason: pinged.reason(from, to) }) }
        }),
      ),
      ...questions.map(({ from, to, service }, i): Pair => {
        const { protocol, port } = service
        const reason = answers[i]
        return {
          ...{ from: hosts[from]!.name, to: hosts[to]!.name, protocol, port },
          reached: reason === undefined,
          ...(reason !== undefined && { reason }),
        }
      }),
    ]
  } finally {
    system.back()
  }
}

/** How many neighbours the hosts make the kernel remember: all pairs of each segment. */
function neighborsOf({ hosts, index }: ReachRequest): number {
  const sizes = new Map<string, number>()
  for (const { name } of hosts) {
    const segments = new Set(index.live.links(name).map(({ id }) => index.live.segment(id)))
    for (const segment of segments) sizes.set(segment, (sizes.get(segment) ?? 0) + 1)
  }
  return [...sizes.values()].reduce((sum, size) => sum + size * (size - 1), 0)
}

import { createRequire } from 'node:module'
import { openSystem } from '../backend/netlink/libc.ts'
import type { LabIndex } from '../checks/lab-index.ts'
import type { Check } from '../model/check.ts'
import type { Pair, Reachable, Service } from '../model/reach-pair.ts'
import type { Resources } from '../model/resource.ts'
import type { Dump } from '../model/runner.ts'
import { alikeHosts } from './alike.ts'
import { askByClasses, type Answered } from './ask-classes.ts'
import { pingPairs } from './ping-pairs.ts'
import { openSockets } from './probe-sockets.ts'
import { servicesOf } from './services.ts'
import { tryServices, type ServiceAnswer } from './try-services.ts'

/** What is asked. */
export interface ReachRequest {
  readonly index: LabIndex
  /** What was read of the live namespaces, by the lab's names. */
  readonly dumps: ReadonlyMap<string, Dump>
  /** The lab file's. */
  readonly desired: Resources
  readonly checks: readonly Check[]
  /** The namespaces with an address that take part. */
  readonly hosts: readonly Reachable[]
  readonly isFrom: (name: string) => boolean
  readonly isTo: (name: string) => boolean
  /** How many neighbours the kernel keeps for all namespaces together. */
  readonly neighbors: number
  /** Whether the namespace is not the lab's own: nothing is forgotten there. */
  readonly borrowed: (name: string) => boolean
  /** Says how far it has come. */
  readonly progress: (what: string, done: number, of: number) => void
}

/** Part of the kernel's table of neighbours that is left to others. */
const SHARE = 4
/** Up to so many pairs, all are tried; of more, those of hosts that are provably alike are tried by samples. */
const MANY = 20_000

/** Asks every host of every other, and for every service. Throws an Error where koffi or the privileges are missing. */
export async function reachAll(request: ReachRequest): Promise<Pair[]> {
  const { hosts, index, isFrom, isTo, progress } = request
  const koffi = createRequire(__filename).resolve('koffi')
  const system = openSystem(koffi)
  const sockets = openSockets(koffi, system)
  try {
    const numbers = hosts.map((_, i) => i)
    const asked = numbers.filter((i) => isTo(hosts[i]!.name))
    const asking = numbers.filter((i) => isFrom(hosts[i]!.name))
    const toServices = servicesOf(
      asked.map((to) => hosts[to]!),
      request.desired,
      request.checks,
      index,
      system,
    )
    const count = asking.length * (asked.length + toServices.length)
    const classes = count > MANY ? alikeHosts(hosts, request.dumps) : numbers.map((i) => [i])
    const isCrowded = neighborsOf(request) > request.neighbors / SHARE
    const pings = await askByClasses(classes, asking, asked, async (questions) => {
      const targets = hosts.map((): number[] => [])
      for (const [from, to] of questions) targets[from]!.push(to)
      const pinged = await pingPairs(
        {
          hosts,
          targets: (from) => targets[from]!,
          ...(isCrowded && { forgetful: (host) => !request.borrowed(hosts[host]!.name) }),
          progress: (done) => progress('ping', done, questions.length),
        },
        system,
        sockets,
      )
      return questions.map(([from, to]) => (pinged.reached(from, to) ? undefined : pinged.reason(from, to)))
    })
    const number = new Map(hosts.map(({ name }, i) => [name, i]))
    const pairs = pings.map(pairOf(hosts, 'icmp'))
    for (const services of alikeServices(toServices)) {
      const { protocol, port } = services[0]!
      const at = new Map(services.map((service) => [number.get(service.namespace)!, service]))
      const answers = await askByClasses(classes, asking, [...at.keys()], (questions) =>
        tryServices(
          hosts,
          questions.map(([from, to]) => ({ from, to, service: at.get(to)! })),
          system,
          sockets,
          (done) => progress(`${protocol} ${port}`, done, questions.length),
        ),
      )
      pairs.push(...answers.map(pairOf(hosts, protocol, port)))
    }
    return pairs
  } finally {
    system.back()
  }
}

const pairOf =
  (hosts: readonly Reachable[], protocol: Pair['protocol'], port?: number) =>
  ({ from, to, answer, like }: Answered<ServiceAnswer>): Pair => ({
    ...{ from: hosts[from]!.name, to: hosts[to]!.name, protocol, ...(port !== undefined && { port }) },
    reached: answer === undefined,
    ...(answer !== undefined && { reason: answer.replaceAll('FROM', hosts[from]!.name) }),
    ...(like && { like: { from: hosts[like[0]]!.name, to: hosts[like[1]]!.name } }),
  })

/** The services of the same protocol and port, and of netlab's own or not. */
function alikeServices(services: readonly Service[]): Service[][] {
  const found = new Map<string, Service[]>()
  for (const service of services) {
    const key = `${service.protocol} ${service.port} ${service.own ?? ''}`
    const list = found.get(key)
    if (list) list.push(service)
    else found.set(key, [service])
  }
  return [...found.values()]
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

import type { LabIndex } from '../checks/lab-index.ts'
import type { Check } from '../model/check.ts'
import { familyOf } from '../model/cidr.ts'
import { groupedBy } from '../model/grouped.ts'
import type { Pair, Reachable, Service } from '../model/reach-pair.ts'
import type { Resources } from '../model/resource.ts'
import type { Dump } from '../model/runner.ts'
import { alikeHosts } from './alike.ts'
import { askByClasses, type Answered } from './ask-classes.ts'
import type { Progress, ReachMachine } from './reach-machine.ts'
import { servicesOf } from './services.ts'
import type { ServiceAnswer } from './try-services.ts'

/** What is asked. */
export interface ReachRequest {
  readonly index: LabIndex
  /** Reads the live namespaces, by the lab's names. */
  readonly dumps: () => Promise<ReadonlyMap<string, Dump>>
  /** The lab file's. */
  readonly desired: Resources
  readonly checks: readonly Check[]
  /** The namespaces with an address that take part. */
  readonly hosts: readonly Reachable[]
  readonly isFrom: (name: string) => boolean
  readonly isTo: (name: string) => boolean
  /** The machine on which a namespace is. */
  readonly machineOf: (name: string) => ReachMachine
  /** Whether the namespace is not the lab's own: nothing is forgotten there. */
  readonly borrowed: (name: string) => boolean
  /** Says how far it has come. */
  readonly progress: (what: string, done: number, of: number) => void
}

/** A lab may fill the fourth part of a kernel's table of neighbours; the rest is for others. */
const SHARE = 4
/** Up to so many pairs, all are tried; of more, those of hosts that are provably alike are tried by samples. */
const MANY = 20_000

/** Asks every host of every other, and for every service. Throws an Error where koffi or the privileges are missing. */
export async function reachAll(request: ReachRequest): Promise<Pair[]> {
  const { hosts, isFrom, isTo, progress } = request
  const machineOf = (host: number): ReachMachine => request.machineOf(hosts[host]!.name)
  const numbers = hosts.map((_, i) => i)
  const asked = numbers.filter((i) => isTo(hosts[i]!.name))
  const asking = numbers.filter((i) => isFrom(hosts[i]!.name))
  const services = await servicesIn(
    asked.map((to) => hosts[to]!),
    request,
  )
  const count = asking.length * (asked.length + services.length)
  const classes = count > MANY ? alikeHosts(hosts, await request.dumps()) : numbers.map((i) => [i])
  const crowded = await crowdedMachines(request)
  const pings = await askByClasses(classes, asking, asked, (questions) =>
    askEach(
      questions,
      ([from]) => machineOf(from),
      (machine, some, done) => {
        const forgetful = numbers.filter((i) => machineOf(i) === machine && !request.borrowed(hosts[i]!.name))
        return machine.ping({ hosts, questions: some, ...(crowded.has(machine) && { forgetful }) }, done)
      },
      (done) => progress('ping', done, questions.length),
    ),
  )
  const number = new Map(hosts.map(({ name }, i) => [name, i]))
  const pairs = pings.map(pairOf(hosts, 'icmp'))
  for (const alike of alikeServices(services)) {
    const { protocol, port } = alike[0]!
    const { at, close } = await opened(new Map(alike.map((service) => [number.get(service.namespace)!, service])))
    try {
      const answers = await askByClasses(classes, asking, [...at.keys()], (questions) =>
        askEach(
          questions.map(([from, to]) => ({ from, to, service: at.get(to)! })),
          ({ from }) => machineOf(from),
          (machine, some, done) => machine.tryServices(hosts, some, done),
          (done) => progress(`${protocol} ${port}`, done, questions.length),
        ),
      )
      pairs.push(...answers.map(pairOf(hosts, protocol, port)))
    } finally {
      await close()
    }
  }
  return pairs

  /** Has netlab listen at its own services of these, by host. What another program has taken meanwhile is that program's. */
  async function opened(services: ReadonlyMap<number, Service>) {
    const at = new Map(services)
    const own = [...services].filter(([, service]) => service.own)
    const parts = await Promise.all(
      [...groupedBy(own, ([host]) => machineOf(host))].map(async ([machine, some]) => {
        const listening = await machine.listen(some.map(([i, service]) => ({ host: hosts[i]!, service })))
        for (const [k, [i, { own: _, ...service }]] of some.entries()) if (!listening.opened[k]) at.set(i, service)
        return listening
      }),
    )
    return { at, close: () => Promise.all(parts.map(({ close }) => close())) }
  }
}

/** Asks each machine the questions that begin there, and returns the answers in the order of the questions. */
async function askEach<Q, A>(
  questions: readonly Q[],
  machineOf: (question: Q) => ReachMachine,
  ask: (machine: ReachMachine, some: readonly Q[], progress: Progress) => Promise<readonly A[]>,
  progress: Progress,
): Promise<A[]> {
  const answers = new Array<A>(questions.length)
  const done = new Map<ReachMachine, number>()
  const parts = groupedBy(questions.entries(), ([, question]) => machineOf(question))
  await Promise.all(
    [...parts].map(async ([machine, part]) => {
      const each = (count: number): void => {
        done.set(machine, count)
        progress([...done.values()].reduce((sum, one) => sum + one, 0))
      }
      const some = await ask(
        machine,
        part.map(([, question]) => question),
        each,
      )
      for (const [k, [i]] of part.entries()) answers[i] = some[k]!
    }),
  )
  return answers
}

/** The services of these hosts. */
async function servicesIn(
  hosts: readonly Reachable[],
  { machineOf, desired, checks, index }: ReachRequest,
): Promise<Service[]> {
  const found = await Promise.all(
    [...groupedBy(hosts, ({ name }) => machineOf(name))].map(async ([machine, some]) => {
      const listening = await machine.listening(some)
      return some.map(({ name }, i) => [name, listening[i] ?? []] as const)
    }),
  )
  return servicesOf(hosts, desired, checks, index, new Map(found.flat()))
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
const alikeServices = (services: readonly Service[]): Service[][] => [
  ...groupedBy(services, ({ protocol, port, own }) => `${protocol} ${port} ${own ?? ''}`).values(),
]

/** The machines on which the hosts make the kernel remember more neighbours than there is room for. */
async function crowdedMachines(request: ReachRequest): Promise<Set<ReachMachine>> {
  const { hosts, machineOf } = request
  const families = [...new Set(hosts.map(({ address }) => familyOf(address)))]
  const crowded = new Set<ReachMachine>()
  for (const [machine, some] of groupedBy(hosts, ({ name }) => machineOf(name))) {
    const room = await machine.neighbors()
    const most = Math.min(...families.map((family) => room[family])) / SHARE
    // Most labs are so small that it does not matter who shares a segment with whom.
    if (some.length * (hosts.length - 1) > most && neighborsOf(some, request) > most) crowded.add(machine)
  }
  return crowded
}

/** How many neighbours these hosts have when all pairs of each segment reach each other. */
function neighborsOf(some: readonly Reachable[], { hosts, index }: ReachRequest): number {
  const segments = ({ name }: Reachable): Set<string> =>
    new Set(index.live.links(name).map(({ id }) => index.live.segment(id)))
  const sizes = new Map<string, number>()
  for (const host of hosts) for (const segment of segments(host)) sizes.set(segment, (sizes.get(segment) ?? 0) + 1)
  return some.flatMap((host) => [...segments(host)]).reduce((sum, segment) => sum + sizes.get(segment)! - 1, 0)
}

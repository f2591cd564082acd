import { setTimeout as sleep } from 'node:timers/promises'
import type { System } from '../backend/netlink/libc.ts'
import { familyOf } from '../model/cidr.ts'
import type { Reachable, Service } from '../model/reach-pair.ts'
import { sendError } from './ping-pairs.ts'
import { SOCK_OF, socketAddress, type Sockets } from './probe-sockets.ts'

/** A question: whether a host can use a service of another. Hosts are indices. */
export interface ServiceQuestion {
  readonly from: number
  readonly to: number
  readonly service: Service
}

/** Undefined: it was reached; otherwise why not. `FROM` stands for the namespace that asked. */
export type ServiceAnswer = string | undefined

const EINPROGRESS = 115
const ECONNREFUSED = 111
/** How many questions are asked at the same time. Each takes a descriptor. */
const AT_ONCE = 1000
/** How long an answer may take, in milliseconds: the kernel sends the first packet of a connection again after a second. */
const PATIENCE = 2000
/** When a datagram without an answer is sent again. */
const RESEND = [400, 1200]
const PAUSE = 5
const HELLO = Buffer.from('netlab reach\n')

const NO_ANSWER = { tcp: 'no answer', udp: 'no answer; what listens there may have received it' } as const

/** Asks all questions. Every connection is closed as soon as it is established. */
export async function tryServices(
  hosts: readonly Reachable[],
  questions: readonly ServiceQuestion[],
  system: System,
  sockets: Sockets,
  progress: (done: number) => void,
): Promise<ServiceAnswer[]> {
  const answers: ServiceAnswer[] = []
  for (let i = 0; i < questions.length; i += AT_ONCE) {
    answers.push(...(await ask(questions.slice(i, i + AT_ONCE))))
    progress(answers.length)
  }
  return answers

  async function ask(some: readonly ServiceQuestion[]): Promise<ServiceAnswer[]> {
    // Where netlab itself listens, nobody else has received it.
    const found: ServiceAnswer[] = some.map(({ service }) => NO_ANSWER[service.own ? 'tcp' : service.protocol])
    const open = new Map<number, number>()
    const finish = (fd: number, answer: ServiceAnswer): void => {
      found[open.get(fd)!] = answer
      open.delete(fd)
      sockets.close(fd)
    }
    some.forEach(({ from, to, service }, i) => {
      const host = hosts[from]!
      const address = hosts[to]!.address
      if (!system.enter(host.netns)) throw new Error(`${host.name} cannot be entered: ${system.error()}`)
      const fd = sockets.open(familyOf(address), SOCK_OF[service.protocol], 0)
      open.set(fd, i)
      const code = sockets.connect(fd, socketAddress(address, service.port))
      if (code < 0 && -code !== EINPROGRESS) return finish(fd, words(-code))
      if (service.protocol === 'udp') sockets.send(fd, HELLO, HELLO.length)
    })
    const began = performance.now()
    const resend = [...RESEND]
    while (open.size > 0 && performance.now() - began < PATIENCE) {
      const of = (protocol: string): number[] =>
        [...open].flatMap(([fd, i]) => (some[i]!.service.protocol === protocol ? [fd] : []))
      for (const fd of sockets.ready(of('tcp'), true)) {
        const error = sockets.errorOf(fd)
        finish(fd, error ? words(error) : undefined)
      }
      for (const fd of sockets.ready(of('udp'), false)) {
        const length = sockets.receive(fd)
        finish(fd, length < 0 ? words(-length) : undefined)
      }
      if (performance.now() - began > (resend[0] ?? Infinity)) {
        resend.shift()
        for (const fd of of('udp')) sockets.send(fd, HELLO, HELLO.length)
      }
      if (open.size) await sleep(PAUSE)
    }
    for (const fd of open.keys()) sockets.close(fd)
    return found
  }
}

const words = (errno: number): string =>
  errno === ECONNREFUSED ? 'refused: nothing listens there, or a firewall rejects it' : sendError(errno)

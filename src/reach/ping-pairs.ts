import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { System } from '../backend/netlink/libc.ts'
import { parallel } from '../host/parallel.ts'
import { familyOf } from '../model/cidr.ts'
import { groupedBy } from '../model/grouped.ts'
import type { Reachable } from '../model/reach-pair.ts'
import { openEchoes } from './echo.ts'
import { outgoing } from './many-messages.ts'
import { openNeighbors } from './neighbors.ts'
import { socketAddress, type Sockets } from './probe-sockets.ts'

/** Which pairs are tried, and how. */
export interface PingRun {
  readonly hosts: readonly Reachable[]
  /** The hosts to which a host sends, as indices. */
  readonly targets: (from: number) => readonly number[]
  /** The namespaces in which neighbours are forgotten as the run goes on; absent: their table has room for all. */
  readonly forgetful?: (host: number) => boolean
  /** Called now and then with the number of pairs that are done. */
  readonly progress: (done: number) => void
}

/** Whether echo requests were answered. */
export interface Pinged {
  readonly reached: (from: number, to: number) => boolean
  /** Why not, in words; `FROM` stands for the namespace that asked. */
  readonly reason: (from: number, to: number) => string
}

/** Hosts of one group ask those of another in turn: where neighbours must be forgotten, so few that theirs fit into the smallest table (1024). */
const GROUP = { forgetful: 16, free: 128 }
/** Requests that are sent before answers are taken: no queue of the kernel is full by then. */
const BURST = 64
/** How many hosts send at the same time: the kernel handles a packet on the processor that sends it. */
const SENDERS = Math.min(4, availableParallelism())
/** How long the second and the third request of a pair wait for answers, in milliseconds; the first has the time of its block. */
const WAITS = [400, 1600]
/** How many pairs wait at the same time; without neighbours that must be forgotten, many more. */
const WAITING = { forgetful: 400, free: 20_000 }
/** How often waiting sockets are looked at, in milliseconds. */
const PAUSE = 5

const ERRNO: Readonly<Record<number, string>> = {
  ...{ 1: 'a firewall in FROM drops it', 13: 'a route of FROM prohibits it', 22: 'a route of FROM drops it' },
  ...{ 99: 'FROM has no address', 101: 'FROM has no route', 113: 'a route of FROM says it is unreachable' },
}

/** What an error number of a send or a connection means; `FROM` stands for the namespace. */
export const sendError = (errno: number): string => ERRNO[errno] ?? `error ${errno}`

/** Sends echo requests, up to three for each pair, and waits for their answers. Nothing else is touched. */
export async function pingPairs(run: PingRun, system: System, sockets: Sockets): Promise<Pinged> {
  const { hosts, targets, forgetful, progress } = run
  const count = hosts.length
  const echoes = openEchoes(system, sockets)
  const neighbors = openNeighbors(system)
  const families = hosts.map(({ address }) => familyOf(address))
  const requests = hosts.map(({ address }, i) => ({
    to: socketAddress(address, 0),
    bytes: echoes.request(families[i]!, i),
  }))
  const messages = outgoing(requests, sockets)
  const answered = new Uint8Array(count * count)
  const reasons = new Map<number, string>()
  const fds = new Map<string, number>()
  const noted = new Set<number>()

  function socketOf(from: number, family: 4 | 6): number {
    const key = `${from} ${family}`
    let fd = fds.get(key)
    if (fd === undefined) {
      if (!system.enter(hosts[from]!.netns))
        throw new Error(`${hosts[from]!.name} cannot be entered: ${system.error()}`)
      fds.set(key, (fd = echoes.open(family)))
    }
    return fd
  }

  /** Sends from one host to others: each burst with one call. */
  async function ask(from: number, all: readonly number[]): Promise<void> {
    for (const [family, some] of groupedBy(all, (to) => families[to]!)) {
      const fd = socketOf(from, family)
      for (let i = 0; i < some.length; i += BURST) {
        const burst = some.slice(i, i + BURST)
        const sent = await messages.send(fd, burst)
        // That call ends at the first error, and does not tell which: the rest is sent one by one.
        for (const to of burst.slice(sent)) {
          const code = sockets.send(fd, requests[to]!.bytes, requests[to]!.bytes.length, requests[to]!.to)
          if (code < 0) reasons.set(from * count + to, sendError(-code))
        }
        take(from)
      }
    }
  }

  function take(from: number): void {
    for (const family of [4, 6] as const) {
      const fd = fds.get(`${from} ${family}`)
      if (fd === undefined) continue
      echoes.answers(fd, family, ({ sequence, error }) => {
        if (sequence >= count) return
        if (error === undefined) answered[from * count + sequence] = 1
        else reasons.set(from * count + sequence, error)
      })
    }
  }

  const note = (some: Iterable<number>): void => {
    for (const host of some)
      if (forgetful?.(host) && !noted.has(host)) {
        noted.add(host)
        neighbors.note(hosts[host]!.netns)
      }
  }

  const forgetIn = (some: Iterable<number>): void => {
    for (const host of some) if (noted.has(host)) neighbors.forget(hosts[host]!.netns)
  }

  const isOpen = (pair: number): boolean => !answered[pair]

  /** What FROM itself refuses to send has no answer to wait for. */
  const isFinal = (pair: number): boolean => reasons.has(pair)

  /** Asks these pairs, by host that asks, and waits at most so many milliseconds. */
  async function askSome(lists: ReadonlyMap<number, readonly number[]>, wait: number): Promise<void> {
    const involved = new Set([...lists].flatMap(([from, all]) => [from, ...all]))
    note(involved)
    await parallel(lists, SENDERS, ([from, all]) => ask(from, all))
    const isWaiting = (): boolean =>
      [...lists].some(([from, all]) => all.some((to) => isOpen(from * count + to) && !isFinal(from * count + to)))
    const until = performance.now() + wait
    for (;;) {
      for (const from of lists.keys()) take(from)
      if (performance.now() >= until || !isWaiting()) break
      await sleep(PAUSE)
    }
    forgetIn(involved)
  }

  /** Everything once: by blocks of two groups, so that a block needs few neighbours. */
  async function first(): Promise<void> {
    const size = forgetful ? GROUP.forgetful : GROUP.free
    const groups = Math.ceil(count / size)
    const byGroup = hosts.map((_, from) => groupedBy(targets(from), (to) => Math.floor(to / size)))
    let done = 0
    for (let a = 0; a < groups; a++)
      for (let b = a; b < groups; b++) {
        const lists = new Map<number, readonly number[]>()
        const add = (group: number, other: number): void => {
          for (let from = group * size; from < Math.min(count, (group + 1) * size); from++) {
            const all = byGroup[from]!.get(other)
            if (all) lists.set(from, all)
          }
        }
        add(a, b)
        if (a !== b) add(b, a)
        if (lists.size === 0) continue
        await askSome(lists, 0)
        for (const all of lists.values()) done += all.length
        progress(done)
      }
  }

  /** Those without an answer again, with time to wait. */
  async function again(pairs: readonly number[], wait: number): Promise<void> {
    const most = forgetful ? WAITING.forgetful : WAITING.free
    for (let i = 0; i < pairs.length; i += most) {
      const lists = groupedBy(pairs.slice(i, i + most), (pair) => Math.floor(pair / count))
      await askSome(new Map([...lists].map(([from, some]) => [from, some.map((pair) => pair % count)])), wait)
    }
  }

  try {
    await first()
    for (const wait of WAITS) {
      const left: number[] = []
      for (let from = 0; from < count; from++)
        for (const to of targets(from)) if (isOpen(from * count + to)) left.push(from * count + to)
      if (left.length === 0) break
      for (const pair of left) reasons.delete(pair)
      await again(left, wait)
    }
  } finally {
    for (const fd of fds.values()) sockets.close(fd)
  }
  return {
    reached: (from, to) => answered[from * count + to] === 1,
    reason: (from, to) => reasons.get(from * count + to) ?? 'no answer',
  }
}

import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import type { System } from '../backend/netlink/libc.ts'
import { familyOf } from '../model/cidr.ts'
import type { Reachable } from '../model/reach-pair.ts'
import { openEchoes } from './echo.ts'
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

/** Hosts of one group ask those of another in turn; so few that their neighbours fit into the smallest table (1024). */
const GROUP = 16
/** Requests that are sent before answers are taken: no queue of the kernel is full by then. */
const BURST = 32
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
  const addresses = hosts.map(({ address }) => socketAddress(address, 0))
  const families = hosts.map(({ address }) => familyOf(address))
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

  function ask(from: number, to: number): void {
    const family = families[to]!
    const sent = echoes.ask(socketOf(from, family), family, addresses[to]!, to)
    if (sent < 0) reasons.set(from * count + to, sendError(-sent))
  }

  function take(from: number): void {
    for (const family of [4, 6] as const) {
      const fd = fds.get(`${from} ${family}`)
      if (fd === undefined) continue
      for (let echo = echoes.next(fd, family); echo; echo = echoes.next(fd, family)) {
        if (echo.sequence >= count) continue
        if (echo.error === undefined) answered[from * count + echo.sequence] = 1
        else reasons.set(from * count + echo.sequence, echo.error)
      }
    }
  }

  function askAll(from: number, all: readonly number[]): void {
    for (let i = 0; i < all.length; i += BURST) {
      for (const to of all.slice(i, i + BURST)) ask(from, to)
      take(from)
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

  /** Everything once: by blocks of two groups, so that a block needs few neighbours. */
  async function first(): Promise<void> {
    const groups = Math.ceil(count / GROUP)
    const members = (group: number): number[] =>
      Array.from({ length: Math.min(GROUP, count - group * GROUP) }, (_, i) => group * GROUP + i)
    const byGroup = hosts.map((_, from) => {
      const lists: number[][] = Array.from({ length: groups }, () => [])
      for (const to of targets(from)) lists[Math.floor(to / GROUP)]!.push(to)
      return lists
    })
    let done = 0
    for (let a = 0; a < groups; a++)
      for (let b = a; b < groups; b++) {
        const both = a === b ? members(a) : [...members(a), ...members(b)]
        note(both)
        for (const host of both)
          for (const other of a === b ? [a] : Math.floor(host / GROUP) === a ? [b] : [a]) {
            const all = byGroup[host]![other]!
            if (all.length) askAll(host, all)
            done += all.length
          }
        for (const host of both) take(host)
        forgetIn(both)
        progress(done)
        await turn()
      }
  }

  /** Those without an answer again, with time to wait. */
  async function again(pairs: readonly number[], wait: number): Promise<void> {
    const most = forgetful ? WAITING.forgetful : WAITING.free
    for (let i = 0; i < pairs.length; i += most) {
      const some = pairs.slice(i, i + most)
      const byFrom = new Map<number, number[]>()
      for (const pair of some) {
        const from = Math.floor(pair / count)
        const list = byFrom.get(from)
        if (list) list.push(pair % count)
        else byFrom.set(from, [pair % count])
      }
      const involved = new Set([...byFrom.keys(), ...some.map((pair) => pair % count)])
      note(involved)
      for (const [from, all] of byFrom) askAll(from, all)
      const until = performance.now() + wait
      for (;;) {
        for (const from of byFrom.keys()) take(from)
        if (performance.now() > until || !some.some((pair) => isOpen(pair) && !isFinal(pair))) break
        await sleep(PAUSE)
      }
      forgetIn(involved)
    }
  }

  /** What FROM itself refuses to send has no answer to wait for. */
  const isFinal = (pair: number): boolean => reasons.has(pair)

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

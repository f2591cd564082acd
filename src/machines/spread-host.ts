import { EventEmitter } from 'node:events'
import type { Command } from '../model/command.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Child, Host } from '../model/host.ts'
import { groupedBy } from '../model/grouped.ts'
import { machineIn, NEAR, ownOf, pathThere, theirsOf } from '../model/other-machine.ts'
import { isPath } from '../model/place.ts'
import type { Dump, Failure, Runner } from '../model/runner.ts'
import { farStreams, type ProgramEvent } from '../session/far-programs.ts'
import { lockAll } from './all-peers.ts'
import { cablesFor } from './as-cables.ts'
import type { Peer } from './connect.ts'
import { ITSELF, withItself } from './on-machine-services.ts'
import { asThere, pack, unpack } from './packed.ts'
import type { Wire } from './wires.ts'

/** Where the namespaces of a lab are, and the machines. */
interface Spreading {
  /** Its name. */
  readonly lab: string
  readonly near: Runner
  readonly peers: readonly Peer[]
  /** By namespace, its machine. */
  readonly places: Readonly<Record<string, string>>
  readonly wires: readonly Wire[]
  /** The other machines whose own namespaces the lab has. */
  readonly roots: ReadonlySet<string>
  readonly lent: NonNullable<Host['lent']>
}

/** Process ids that stand for programs on other machines are above all that Linux gives (pid_max in proc_sys_kernel(5)). */
const FAR_PID = 1 << 23

/**
 * The network of a lab that is on several machines, as that of one: what is for a namespace goes to the machine on which that is, and
 * everything else to the one that netlab runs on.
 */
export async function spreadRunner({ lab, near, peers, places, wires, roots, lent }: Spreading): Promise<Runner> {
  const far = new Map(peers.flatMap((peer) => (peer.name === NEAR ? [] : [[peer.name, peer] as const])))
  const peerOf = (netns: string | undefined): Peer | undefined =>
    far.get(machineIn(netns) ?? places[netns ?? ''] ?? NEAR)
  const asCables = cablesFor(wires, lent)
  const homes = new Set((await Promise.all([...far.values()].map((peer) => peer.ask('homes', null)))).flat())
  const host = { ...spreadHost(near.host, lab, peers, peerOf, homes), lent }
  return {
    host,
    runProgram: (operation, signal) =>
      peerOf(operation.place.netns)?.ask('runProgram', { operation: pack(asThere(operation)) }) ??
      near.runProgram(operation, signal),

    async run(waves, done, signal) {
      let count = 0
      for (const wave of waves) {
        const parts = groupedBy([...wave.keys()], (i) => peerOf(wave[i]?.place.netns))
        const failures = await Promise.all(
          [...parts].map(async ([peer, indexes]): Promise<Failure | undefined> => {
            const operations = indexes.flatMap((i) => wave[i] ?? [])
            const failure = peer
              ? await peer.ask('operate', { operations: pack(asThere(operations)) })
              : await near.run([operations], () => {}, signal)
            return failure ? { ...failure, index: count + (indexes[failure.index] ?? 0) } : undefined
          }),
        )
        const failed = failures.find(Boolean)
        if (failed) return failed
        for (const i of wave.keys()) done(count + i)
        count += wave.length
      }
      return undefined
    },

    async list() {
      const all = await Promise.all([
        near.list().then((list) => list.filter(({ name }) => !peerOf(name))),
        ...[...far.values()].map(async (peer) =>
          (await peer.ask('list', null)).filter(({ name }) => places[name] === peer.name),
        ),
      ])
      return all.flat().sort((a, b) => (a.name < b.name ? -1 : 1))
    },

    async dump(given, onDump) {
      const requests = given.map(({ paths, ...request }) => {
        const machine = peerOf(request.netns)?.name
        const there = paths?.filter((path) => machineIn(path) === machine)
        const known = machine === undefined ? there : there?.flatMap((path) => pathThere(path) ?? [])
        return { ...request, ...(known && { paths: known }) }
      })
      const parts = groupedBy([...requests.keys()], (i) => peerOf(requests[i]?.netns))
      const dumps: (Dump | undefined)[] = requests.map(() => undefined)
      await Promise.all(
        [...parts].map(async ([peer, indexes]) => {
          const some = indexes.flatMap((i) => requests[i] ?? [])
          const found = peer ? unpack(await peer.ask('dump', asThere({ requests: some }))) : await near.dump(some)
          for (const [k, i] of indexes.entries())
            dumps[i] = peer && found[k] ? dumpFrom(peer.name, found[k], roots) : found[k]
        }),
      )
      const shown = asCables(requests, dumps)
      for (const [i, dump] of shown.entries()) if (dump) onDump?.(i, dump)
      return shown
    },

    inherited: (keys) => near.inherited(keys),
    nftForms: async (texts) => (await near.nftForms?.(texts)) ?? [],
  }
}

/** A dump of another machine, with the paths of its namespaces as they are known here. A namespace without a name, in which one of its links ends, is not taken for one of this machine. */
function dumpFrom(machine: string, dump: Dump, roots: ReadonlySet<string>): Dump {
  const own = roots.has(machine) ? ownOf(machine) : `(machine ${machine})`
  const nsids = new Map([...dump.nsids].map(([id, one]) => [id, isPath(one) ? theirsOf(machine, one) : one]))
  for (const { link_netnsid: id } of dump.links) if (id !== undefined && !nsids.has(id)) nsids.set(id, own)
  return { ...dump, nsids }
}

/** The machines of a lab as one. */
function spreadHost(
  near: Host,
  lab: string,
  all: readonly Peer[],
  peerOf: (netns: string | undefined) => Peer | undefined,
  homes: ReadonlySet<string>,
): Host {
  const peers = all.filter(({ name }) => name !== NEAR)
  const far: string[] = []
  const children = new Map<number, (name: NodeJS.Signals) => void>()
  const here = (command: Command): Command => withItself(command, near.self)
  /** Asks each machine about those of these namespaces that are there; `undefined` is the near one. */
  const inEach = async <T>(
    namespaces: readonly string[],
    ask: (peer: Peer | undefined, some: readonly string[]) => Promise<readonly T[]>,
  ): Promise<T[]> =>
    (await Promise.all([...groupedBy(namespaces, peerOf)].map(([peer, some]) => ask(peer, some)))).flat()
  const start: Host['start'] = (command, env = {}) => {
    const peer = peerOf(command.netns)
    if (!peer) return near.start(here(command), env)
    const handle = FAR_PID + children.size
    const child = farChild(peer, handle, command, env)
    children.set(handle, (signal) => void peer.ask('kill', { handle, signal }).catch(() => {}))
    return child
  }
  return {
    ...near,
    isLocal: false,
    self: [ITSELF],
    run: (command, signal) => peerOf(command.netns)?.ask('run', asThere(command)) ?? near.run(here(command), signal),
    start,
    startLasting: (command, env) => near.startLasting(here(command), env),
    attach: (command, env) =>
      peerOf(command.netns)?.attach(asThere(command), env ?? {}) ?? near.attach(here(command), env),
    status(path) {
      if (machineIn(path) === undefined) return near.status(path)
      if (!far.includes(path)) far.push(path)
      const status = near.status('/proc/self/ns/net')
      return status && { ...status, inode: -1 - far.indexOf(path) } // no namespace here has such an inode
    },
    signal(pid, name) {
      const tell = children.get(Math.abs(pid))
      tell?.(name)
      return tell !== undefined || near.signal(pid, name)
    },
    async lock(name, timeout, waiting) {
      if (name !== lab) return await near.lock(name, timeout, waiting)
      const release = (): void => {
        for (const peer of all) peer.ask('unlock', null).catch(() => {})
      }
      try {
        await lockAll(
          all,
          () => Promise.resolve(),
          timeout,
          (_, holder) => waiting(holder),
        )
      } catch (error) {
        release()
        throw error
      }
      return release
    },
    async processes(of) {
      const found = await Promise.all([
        near.processes(of),
        ...peers.map(async (peer) => unpack(await peer.ask('processes', { lab: of }))),
      ])
      return { processes: found.flatMap(({ processes }) => processes), homes: found.flatMap((one) => one.homes) }
    },
    homeOf: (netns) => (peerOf(netns) ? (homes.has(netns) ? FAR_PID : undefined) : near.homeOf(netns)),
    strangers: (of, namespaces) =>
      inEach(namespaces, (peer, some) =>
        peer ? peer.ask('strangers', { lab: of, namespaces: some }) : near.strangers(of, some),
      ),
    residents: (namespaces) =>
      inEach(namespaces, (peer, some) => (peer ? peer.ask('residents', { namespaces: some }) : near.residents(some))),
    async end(processes) {
      await Promise.all(
        [...groupedBy(processes, ({ namespace }) => peerOf(namespace))].map(([peer, some]) =>
          peer ? peer.ask('endProcesses', { processes: some }) : near.end(some),
        ),
      )
    },
    changeFile() {
      throw new Error('files are changed by the netlab on their machine')
    },
  }
}

/** A program on another machine, with its input and outputs, as one of this machine. */
function farChild(peer: Peer, handle: number, command: Command, env: Readonly<Record<string, string>>): Child {
  const events = new EventEmitter()
  const { stdin, stdout, stderr, take, end } = farStreams(handle, (input) => peer.ask('feed', input))
  const child = Object.assign(events, {
    ...{ stdin, stdout, stderr, stdio: [stdin, stdout, stderr], pid: handle },
    ...{ exitCode: null as number | null, signalCode: null as NodeJS.Signals | null, unref: () => {} },
    kill: (signal: NodeJS.Signals = 'SIGTERM') => void peer.ask('kill', { handle, signal }).catch(() => {}),
  })
  const hear = (event: ProgramEvent): void => {
    if (event.started) events.emit('spawn')
    take(event)
  }
  peer.ask('start', { handle, command: asThere(command), env }, hear).then(
    ({ code, signal }) => {
      end()
      Object.assign(child, { exitCode: code, signalCode: signal })
      events.emit('exit', code, signal)
      events.emit('close', code, signal)
    },
    (error: unknown) => {
      end()
      if (error instanceof UserError) events.emit('error', error)
      events.emit('close', null, null)
    },
  )
  return child as unknown as Child
}

import { EventEmitter } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import type { Command } from '../model/command.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Child, Host, Resident } from '../model/host.ts'
import { NEAR } from '../model/other-machine.ts'
import type { Dump, Failure, Runner, Stranger } from '../model/runner.ts'
import { cablesFor } from './as-cables.ts'
import type { Peer } from './connect.ts'
import { ITSELF, withItself } from './on-machine-services.ts'
import { pack, unpack } from './packed.ts'
import type { Wire } from './wires.ts'

/** Where the namespaces of a lab are, and the machines. */
interface Spreading {
  readonly near: Runner
  readonly peers: readonly Peer[]
  /** By namespace, its machine. */
  readonly places: Readonly<Record<string, string>>
  readonly wires: readonly Wire[]
}

/** Process ids that stand for programs on other machines are above all that Linux gives (pid_max in proc_sys_kernel(5)). */
const FAR_PID = 1 << 23

/**
 * The network of a lab that is on several machines, as that of one: what is for a namespace goes to the machine on which that is, and
 * everything else to the one that netlab runs on.
 */
export async function spreadRunner({ near, peers, places, wires }: Spreading): Promise<Runner> {
  const far = new Map(peers.flatMap((peer) => (peer.name === NEAR ? [] : [[peer.name, peer] as const])))
  const peerOf = (netns: string | undefined): Peer | undefined => far.get(places[netns ?? ''] ?? NEAR)
  const asCables = cablesFor(wires)
  const homes = new Set((await Promise.all([...far.values()].map((peer) => peer.ask('homes', null)))).flat())
  const host = spreadHost(near.host, far, peerOf, homes)
  return {
    host,
    runProgram: (operation, signal) =>
      peerOf(operation.place.netns)?.ask('runProgram', { operation: pack(operation) }) ??
      near.runProgram(operation, signal),

    async run(waves, done, signal) {
      let count = 0
      for (const wave of waves) {
        const parts = new Map<Peer | undefined, number[]>()
        for (const [i, { place }] of wave.entries()) {
          const peer = peerOf(place.netns)
          parts.set(peer, [...(parts.get(peer) ?? []), i])
        }
        const failures = await Promise.all(
          [...parts].map(async ([peer, indexes]): Promise<Failure | undefined> => {
            const operations = indexes.flatMap((i) => wave[i] ?? [])
            const failure = peer
              ? await peer.ask('operate', { operations: pack(operations) })
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

    async dump(requests, onDump) {
      const parts = new Map<Peer | undefined, number[]>()
      for (const [i, { netns }] of requests.entries()) {
        const peer = peerOf(netns)
        parts.set(peer, [...(parts.get(peer) ?? []), i])
      }
      const dumps: (Dump | undefined)[] = requests.map(() => undefined)
      await Promise.all(
        [...parts].map(async ([peer, indexes]) => {
          const some = indexes.flatMap((i) => requests[i] ?? [])
          const found = peer ? unpack(await peer.ask('dump', { requests: some })) : await near.dump(some)
          for (const [k, i] of indexes.entries()) dumps[i] = found[k]
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

/** The machines of a lab as one. */
function spreadHost(
  near: Host,
  far: ReadonlyMap<string, Peer>,
  peerOf: (netns: string | undefined) => Peer | undefined,
  homes: ReadonlySet<string>,
): Host {
  const peers = [...far.values()]
  const children = new Map<number, (name: NodeJS.Signals) => void>()
  const here = (command: Command): Command => withItself(command, near.self)
  const byPeer = <T extends { readonly namespace: string }>(things: readonly T[]): Map<Peer | undefined, T[]> => {
    const parts = new Map<Peer | undefined, T[]>()
    for (const thing of things) {
      const peer = peerOf(thing.namespace)
      parts.set(peer, [...(parts.get(peer) ?? []), thing])
    }
    return parts
  }
  const start: Host['start'] = (command, env = {}) => {
    const peer = peerOf(command.netns)
    if (!peer) return near.start(here(command), env)
    const handle = FAR_PID + children.size
    const child = farChild(peer, handle, command, env)
    children.set(handle, (name) => void peer.ask('signal', { handle, name }).catch(() => {}))
    return child
  }
  return {
    ...near,
    isLocal: false,
    self: [ITSELF],
    run: (command, signal) => peerOf(command.netns)?.ask('run', command) ?? near.run(here(command), signal),
    start,
    startLasting: (command, env) => near.startLasting(here(command), env),
    attach: (command, env) => peerOf(command.netns)?.attach(command, env ?? {}) ?? near.attach(here(command), env),
    signal(pid, name) {
      const tell = children.get(Math.abs(pid))
      tell?.(name)
      return tell !== undefined || near.signal(pid, name)
    },
    async lock(lab, timeout, waiting) {
      const release = await near.lock(lab, timeout, waiting)
      try {
        for (const peer of peers) await peer.ask('lock', { timeout }, ({ holder }) => waiting(holder))
      } catch (error) {
        release()
        throw error
      }
      return () => {
        release()
        for (const peer of peers) peer.ask('unlock', null).catch(() => {})
      }
    },
    async processes(lab) {
      const all = [near.processes(lab), ...peers.map(async (peer) => unpack(await peer.ask('processes', { lab })))]
      const found = await Promise.all(all)
      return { processes: found.flatMap(({ processes }) => processes), homes: found.flatMap((one) => one.homes) }
    },
    homeOf: (netns) => (peerOf(netns) ? (homes.has(netns) ? FAR_PID : undefined) : near.homeOf(netns)),
    async strangers(lab, namespaces) {
      const parts = byPeer(namespaces.map((namespace) => ({ namespace })))
      const found = [...parts].map(async ([peer, some]): Promise<readonly Stranger[]> => {
        const names = some.map(({ namespace }) => namespace)
        return peer ? await peer.ask('strangers', { lab, namespaces: names }) : await near.strangers(lab, names)
      })
      return (await Promise.all(found)).flat()
    },
    async residents(namespaces) {
      const parts = byPeer(namespaces.map((namespace) => ({ namespace })))
      const found = [...parts].map(async ([peer, some]): Promise<readonly Resident[]> => {
        const names = some.map(({ namespace }) => namespace)
        return peer ? await peer.ask('residents', { namespaces: names }) : await near.residents(names)
      })
      return (await Promise.all(found)).flat()
    },
    async end(processes) {
      await Promise.all(
        [...byPeer(processes)].map(([peer, some]) =>
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
  const tell = (data?: string): Promise<null> => peer.ask('feed', { handle, ...(data !== undefined && { data }) })
  const stdin = new Writable({
    write: (chunk: Buffer, _, done) => void tell(chunk.toString('base64')).then(() => done(), done),
    final: (done) => void tell().then(() => done(), done),
  })
  stdin.on('error', () => {}) // the program may end before it has read its input
  const outputs = { stdout: new PassThrough(), stderr: new PassThrough() }
  const child = Object.assign(events, {
    ...outputs,
    ...{ stdin, stdio: [stdin, outputs.stdout, outputs.stderr], pid: handle },
    ...{ exitCode: null as number | null, signalCode: null as NodeJS.Signals | null, unref: () => {} },
    kill: (name: NodeJS.Signals = 'SIGTERM') => void peer.ask('signal', { handle, name }).catch(() => {}),
  })
  const over = (): void => {
    for (const output of Object.values(outputs)) output.end()
  }
  peer
    .ask('start', { handle, command, env }, (event) => {
      for (const name of ['stdout', 'stderr'] as const)
        if (event[name] !== undefined) outputs[name].write(Buffer.from(event[name], 'base64'))
    })
    .then(
      ({ code, signal }) => {
        over()
        Object.assign(child, { exitCode: code, signalCode: signal })
        events.emit('exit', code, signal)
        events.emit('close', code, signal)
      },
      (error: unknown) => {
        over()
        if (error instanceof UserError) events.emit('error', error)
        events.emit('close', null, null)
      },
    )
  return child as unknown as Child
}

import { failWith, onAll } from '../machines/all-peers.ts'
import { comingPeer, dropAhead } from '../machines/ahead.ts'
import type { Asked, Peer } from '../machines/connect.ts'
import { mustDiffer, mustFit, mustLead, roadsBetween, roadsFor, type Met } from '../machines/join.ts'
import { nearPeer } from '../machines/near.ts'
import { bareLab, barePartOf, headerData, partDataOf } from '../machines/part.ts'
import { placesOf } from '../machines/placement.ts'
import { withSmallMtus } from '../machines/small-mtus.ts'
import { wiresOf, type Spread } from '../machines/wires.ts'
import { stage } from '../host/status-line.ts'
import type { Lab, OpenLab } from '../language/load-lab.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import { NEAR, type Machine } from '../model/other-machine.ts'
import type { Runner } from '../model/runner.ts'
import { startRunner } from '../run/choose-runner.ts'
import { sourceElsewhere } from './lab-source.ts'
import type { RecordedFile } from './locate.ts'
import { note } from './terminal.ts'

/** The machines of a lab, connected, each with its part of the lab open. */
export interface Machines {
  readonly lab: Lab
  readonly spread: Spread
  /** In the order of the file; first the one that netlab runs on. */
  readonly peers: readonly Peer[]
  /** Those that were left out. */
  readonly skipped: readonly string[]
  /** Does the same on all of them, at the same time. Waits for all; throws a UserError with what went wrong on any. */
  readonly each: <T>(act: (peer: Peer) => Promise<T>) => Promise<Map<string, T>>
  /** Throws a UserError when two of them are the same: a run would wait for itself. */
  readonly mayWait: () => Promise<void>
  readonly close: () => Promise<void>
}

/** What of the machines of a lab is connected, and for what. */
interface Connecting {
  /** Machines that are left out. */
  readonly skip?: readonly string[] | undefined
  /** When it is given, machines that do not answer are left out, too, after a call of it. */
  readonly lost?: (name: string, error: UserError) => void
  /** Nothing is planned but to destroy the lab: where what of it is, the machines find out. */
  readonly isBare?: boolean
  /** The runner of the machine that netlab runs on, when one was started. */
  readonly near?: Runner
  /** It is planned next: the machines read what they have of it while the lab file is expanded. */
  readonly isPlanned?: boolean
}

/**
 * Connects to the machines of a lab, places its namespaces on them, and opens it there. Throws a UserError when a machine does not
 * answer, or two of them cannot be joined as the lab wants it.
 */
export async function openMachines(
  host: Host,
  located: RecordedFile,
  opened: OpenLab,
  { skip = [], lost, isBare = false, isPlanned = false, near = startRunner(host) }: Connecting = {},
): Promise<Machines> {
  const machines: ReadonlyMap<string, Machine> = opened.machines ?? new Map()
  const unknown = skip.find((name) => !machines.has(name))
  if (unknown !== undefined)
    throw UserError.of(
      'unknown-reference',
      `there is no machine ${unknown}`,
      `There are: ${[...machines.keys()].join(', ')}`,
    )
  if (host.isSandbox)
    throw UserError.of(
      'several-machines',
      'your sandbox has no way to other machines',
      'As root, netlab reaches them: sudo netlab … Or test all of the lab here: netlab test --fresh',
    )
  stage('Connecting …')
  const far = [...machines].filter(([name]) => !skip.includes(name))
  const coming = new Map<string, Asked>([
    [NEAR, nearPeer(near, NEAR, opened)],
    ...far.map(([name, machine]) => [name, comingPeer(host, name, machine)] as const),
  ])
  dropAhead()
  // What is asked for now waits at each machine for netlab to start there.
  const ask = <T>(act: (name: string, peer: Asked) => Promise<T>): ReadonlyMap<string, Promise<T>> => {
    const asked = [...coming].map(([name, peer]) => [name, act(name, peer)] as const)
    for (const [, answer] of asked) answer.catch(() => {}) // awaited below; first come errors of connecting, and of the file
    return new Map(asked)
  }
  const size = located.text.length / coming.size
  const ahead = isPlanned && !isBare ? { ahead: headerData(opened) } : {}
  const greetings = ask((name, peer) =>
    peer.ask('hello', isBare ? { size: 0 } : { size, ...roadsBetween(name, opened), ...ahead }),
  )
  const connected = Promise.allSettled([...coming.values()].map(({ peer }) => peer))
  const answering = async (): Promise<Peer[]> =>
    (await connected).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const close = async (): Promise<void> => void (await Promise.all((await answering()).map((peer) => peer.close())))
  const source = sourceElsewhere(located)
  if (isBare) {
    const lab = bareLab(opened, located.file)
    // What it borrows is all that is looked up in its file.
    const borrows = [...opened.namespaces.values()].some(({ lender }) => lender)
    ask((name, peer) => peer.ask('open', { part: barePartOf(lab, name), ...(borrows && { source }) }))
    const peers = [...coming].map(([name, one]) => beforeConnected(name, one))
    const each: Machines['each'] = (act) => onAll(peers, act)
    const mayWait = async (): Promise<void> => mustDiffer(await each(({ name }) => greetings.get(name)!), opened)
    return {
      lab,
      spread: { places: {}, addresses: {}, roads: {} },
      peers,
      skipped: skip,
      each,
      mayWait,
      close,
    }
  }
  const lab = expandOr(close, opened) // while the machines start
  const settled = await connected
  const peers = await answering()
  const each = <T>(act: (peer: Peer) => Promise<T>): Promise<Map<string, T>> => onAll(peers, act)
  try {
    const skipped = [...skip]
    const failed = settled.flatMap((one, i) => {
      if (one.status === 'fulfilled') return []
      const [name = ''] = far[i - 1] ?? []
      if (!lost || !(one.reason instanceof UserError)) return [one.reason as unknown]
      lost(name, one.reason)
      skipped.push(name)
      return []
    })
    failWith(failed)
    const met = await each(({ name }) => greetings.get(name)!)
    mustDiffer(met, opened)
    const openAt = async (live: Live): Promise<Spread> => {
      const places = placesOf(lab, live)
      const wires = wiresOf(lab, places).filter(({ machines }) => !machines.some((name) => skipped.includes(name)))
      mustLead(wires, met, lab, opened)
      const roads = await roadsFor(wires, met, peers, opened, lab)
      const spread = { places, ...roads }
      const fitting = withSmallMtus(lab, spread)
      mustFit(wires, spread, fitting, opened)
      const partOn = partDataOf(fitting, spread)
      await each((peer) => peer.ask('open', { part: partOn(peer.name), source }))
      return spread
    }
    const spread = lab.spreads ? await openWhereLive(lab, peers, met, openAt) : await openAt(new Map())
    return { lab, spread, peers, skipped, each, mayWait: () => Promise.resolve(), close }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * Opens a lab where its namespaces are live already. Whose those of its names are takes longer to find out than that they are there;
 * so it is opened as if all were the lab's, and once more when some are not.
 */
async function openWhereLive(
  { name: lab, namespaces }: Lab,
  peers: readonly Peer[],
  met: Met,
  openAt: (live: Live) => Promise<Spread>,
): Promise<Spread> {
  const named = new Map(peers.map(({ name }) => [name, met.get(name)!.namespaces.filter((one) => namespaces.has(one))]))
  const asked = onAll(
    peers.filter(({ name }) => named.get(name)?.length),
    async (peer) => (await peer.ask('owned', { lab })).filter((one) => namespaces.has(one)),
  )
  const first = openAt(liveOn(named))
  first.catch(() => {}) // awaited below; first come errors of reading
  const owned = await asked
  if ([...owned].every(([name, { length }]) => length === named.get(name)?.length)) return await first
  await first.catch(() => {})
  return await openAt(liveOn(owned))
}

/** By namespace, the machine on which it is live. */
type Live = ReadonlyMap<string, string>

const liveOn = (machines: ReadonlyMap<string, readonly string[]>): Live =>
  new Map([...machines].flatMap(([name, namespaces]) => namespaces.map((one) => [one, name] as const)))

function expandOr(close: () => Promise<void>, opened: OpenLab): Lab {
  try {
    return opened.lab()
  } catch (error) {
    void close()
    throw error
  }
}

/** A machine that is asked before it is connected: what cannot be asked is rejected with the reason. */
const beforeConnected = (name: string, { ask, peer }: Asked): Peer => ({
  name,
  ask,
  attach: async (...of) => (await peer).attach(...of),
  close: async () => (await peer).close(),
})

/** Says which machines are left out. */
export const noteSkipped = ({ skipped }: Machines): void =>
  note(skipped.map((name) => `Machine ${name} is left out (--skip-machine): what is there stays as it is.\n`).join(''))

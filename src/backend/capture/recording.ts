import { createRequire } from 'node:module'
import { closeAll } from '../close-aside.ts'
import { openSystem } from '../netlink/libc.ts'
import { openPoller, type Poller } from '../poller.ts'
import { loadPcap, type Tap, type TapOptions } from './libpcap.ts'
import type { CapturedPacket } from './pcapng.ts'

/** An interface to be captured. */
export interface CaptureSource {
  /** `NAMESPACE:INTERFACE`. */
  readonly name: string
  /** The namespace: its name under /run/netns, or a path; absent: where netlab runs. */
  readonly netns?: string
  /** `any`: all interfaces of the namespace together. */
  readonly device: string
  readonly comment: string
}

/** How a recording is made. */
export interface RecordingOptions extends TapOptions {
  /** It ends after this many packets; absent: never by itself. */
  readonly count?: number
}

/** What a recording calls. */
export interface RecordingCalls {
  /** Takes the next packets, ordered by time. The recording goes on when it has returned. */
  readonly take: (packets: readonly CapturedPacket[]) => Promise<void>
  /** An interface has vanished, in libpcap's words. The others go on. */
  readonly vanished: (source: CaptureSource, words: string) => void
}

/** What there was at an interface. */
export interface Counted {
  /** The index of the interface in the recording. */
  readonly at: number
  /** When its part ended, in nanoseconds since 1970. */
  readonly time: bigint
  readonly received: number
  /** How many of them were dropped because they came too fast. */
  readonly dropped: number
}

/** A recording of several interfaces. */
export interface Recording {
  /** For each interface, the type of its frames' headers (pcap-linktype(7)). */
  readonly links: readonly number[]
  /** Runs until `stop` is called, as many packets as were asked for have come, or all interfaces have vanished. */
  readonly run: () => Promise<readonly Counted[]>
  readonly stop: () => void
}

/** Could not open one of the interfaces; `reason` is an Error of libpcap's. */
export class SourceError extends Error {
  constructor(
    readonly source: CaptureSource,
    readonly reason: Error,
  ) {
    super(`${source.name}: ${reason.message}`)
  }
}

/** A packet is written when it is so old, in ns: by then, all packets before it have arrived from all interfaces. */
const SETTLED = 5_000_000n
/** How long netlab waits for more packets to put into order, in milliseconds. */
const ORDERING = 6
/** How many packets are taken from an interface before the next one has its turn. */
const TURN = 512

/**
 * Opens all sources with libpcap: from now on the kernel keeps their packets. Throws an Error when koffi or libpcap cannot be
 * loaded, and a SourceError when an interface cannot be opened.
 */
export function openRecording(
  sources: readonly CaptureSource[],
  options: RecordingOptions,
  calls: RecordingCalls,
): Recording {
  const koffi = createRequire(__filename).resolve('koffi')
  const openTap = loadPcap(koffi)
  const system = openSystem(koffi)
  const taps = new Map<number, { readonly source: CaptureSource; readonly at: number; readonly tap: Tap }>()
  const poller = openPoller(koffi)
  try {
    for (const [at, source] of sources.entries()) {
      try {
        if (!system.enter(source.netns)) throw new Error(system.error())
        const tap = openTap(source.device, options)
        taps.set(tap.fd, { source, at, tap })
        poller.add(tap.fd)
      } catch (error) {
        throw new SourceError(source, error as Error)
      }
    }
  } finally {
    system.back()
  }
  return record(taps, poller, options, calls)
}

type Taps = Map<number, { readonly source: CaptureSource; readonly at: number; readonly tap: Tap }>

function record(
  taps: Taps,
  poller: Poller,
  { count = Infinity }: RecordingOptions,
  { take: give, vanished }: RecordingCalls,
): Recording {
  let stopped = false
  let packets = 0
  const counted: Counted[] = []
  const held: CapturedPacket[] = []
  const ended: Tap[] = []
  const links = [...taps.values()].map(({ tap }) => tap.link)

  function close(fd: number): void {
    const one = taps.get(fd)
    if (!one) return
    taps.delete(fd)
    counted.push({ at: one.at, time: now(), ...one.tap.counts() })
    poller.remove(fd)
    ended.push(one.tap)
  }

  function take(fd: number, most: number, until?: bigint): void {
    const one = taps.get(fd)
    if (!one) return
    try {
      for (let i = 0; i < most; i++) {
        const packet = one.tap.next()
        if (!packet || (until !== undefined && packet.time > until)) return
        held.push({ at: one.at, ...packet })
      }
    } catch (error) {
      close(fd)
      vanished(one.source, (error as Error).message)
    }
  }

  /** Gives the packets up to this time, in order. */
  async function release(until: bigint): Promise<void> {
    held.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
    const later = held.findIndex(({ time }) => time > until)
    const due = held.splice(0, later < 0 ? held.length : later).slice(0, count - packets)
    packets += due.length
    if (due.length) await give(due)
  }

  async function run(): Promise<Counted[]> {
    while (!stopped && packets < count && taps.size > 0) {
      const asked = now()
      for (const fd of await poller.wait(held.length ? ORDERING : -1)) take(fd, TURN)
      await release(asked - SETTLED)
    }
    const end = now()
    if (packets < count) for (const fd of [...taps.keys()]) take(fd, Infinity, end)
    await release(end)
    for (const fd of [...taps.keys()]) close(fd)
    await closeAll(ended.map(({ close }) => close))
    poller.close()
    return counted
  }

  return {
    links,
    run,
    stop() {
      stopped = true
      poller.wake()
    },
  }
}

/** Calls `gone` when nobody reads from this descriptor any more. Returns the function that ends the watch. */
export function watchReader(fd: number, gone: () => void): () => void {
  const poller = openPoller(createRequire(__filename).resolve('koffi'))
  let over = false
  poller.add(fd, true)
  void poller.wait(-1).then((ready) => {
    over = true
    poller.close()
    if (ready.includes(fd)) gone()
  })
  return () => {
    if (!over) poller.wake()
  }
}

/** Nanoseconds since 1970, as the kernel stamps packets. */
const now = (): bigint => BigInt(Date.now()) * 1_000_000n

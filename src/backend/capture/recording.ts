import { createRequire } from 'node:module'
import { openSystem } from '../netlink/libc.ts'
import { openPoller, type Poller } from '../poller.ts'
import { loadPcap, type Tap, type TapOptions } from './libpcap.ts'
import { interfaceBlock, packetBlock, statisticsBlock, type CapturedPacket } from './pcapng.ts'

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

/** How a recording is made, and what it calls. */
export interface RecordingOptions extends TapOptions {
  /** It ends after this many packets; absent: never by itself. */
  readonly count?: number
  /** It ends when nobody reads from this descriptor any more. */
  readonly reader?: number
  /** Takes the next bytes of the file: packets ordered by time. */
  readonly write: (bytes: Buffer) => Promise<void>
  /** An interface has vanished, in libpcap's words. The others go on. */
  readonly vanished: (source: CaptureSource, words: string) => void
}

/** A recording of several interfaces. */
export interface Recording {
  /** Runs until `stop` is called, as many packets as were asked for have come, all interfaces have vanished, or the reader has. */
  readonly run: () => Promise<{ readonly packets: number; readonly dropped: number; readonly readerGone: boolean }>
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
export function openRecording(sources: readonly CaptureSource[], options: RecordingOptions): Recording {
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
  return record(sources, taps, poller, options)
}

type Taps = Map<number, { readonly source: CaptureSource; readonly at: number; readonly tap: Tap }>

function record(
  sources: readonly CaptureSource[],
  taps: Taps,
  poller: Poller,
  { count = Infinity, reader, filter, snaplen, write, vanished }: RecordingOptions,
): Recording {
  let stopped = false
  let packets = 0
  const totals = { received: 0, dropped: 0 }
  const statistics: Buffer[] = []
  const held: CapturedPacket[] = []
  const links = new Map([...taps.values()].map(({ at, tap }) => [at, tap.link]))

  function close(fd: number): void {
    const one = taps.get(fd)
    if (!one) return
    taps.delete(fd)
    const { received, dropped } = one.tap.counts()
    totals.received += received
    totals.dropped += dropped
    statistics.push(statisticsBlock(one.at, now(), received, dropped))
    poller.remove(fd)
    one.tap.close()
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

  /** Writes the packets up to this time, in order. */
  async function release(until: bigint): Promise<void> {
    held.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
    const later = held.findIndex(({ time }) => time > until)
    const due = held.splice(0, later < 0 ? held.length : later).slice(0, count - packets)
    packets += due.length
    if (due.length) await write(Buffer.concat(due.map(packetBlock)))
  }

  async function run(): Promise<{ packets: number; dropped: number; readerGone: boolean }> {
    const heads = sources.map(({ name, comment }, at) =>
      interfaceBlock({ name, comment, filter, snaplen, link: links.get(at) ?? 0 }),
    )
    await write(Buffer.concat(heads))
    let readerGone = false
    if (reader !== undefined) poller.add(reader, true)
    while (!stopped && packets < count && taps.size > 0 && !readerGone) {
      const asked = now()
      const ready = await poller.wait(held.length ? ORDERING : -1)
      readerGone = reader !== undefined && ready.includes(reader)
      for (const fd of ready) take(fd, TURN)
      await release(asked - SETTLED)
    }
    if (!readerGone) {
      const end = now()
      if (packets < count) for (const fd of [...taps.keys()]) take(fd, Infinity, end)
      await release(end)
      for (const fd of [...taps.keys()]) close(fd)
      if (statistics.length) await write(Buffer.concat(statistics))
    }
    poller.close()
    return { packets, dropped: totals.dropped, readerGone }
  }

  return {
    run,
    stop() {
      stopped = true
      poller.wake()
    },
  }
}

/** Nanoseconds since 1970, as the kernel stamps packets. */
const now = (): bigint => BigInt(Date.now()) * 1_000_000n

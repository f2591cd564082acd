import { FilterError } from '../backend/capture/libpcap.ts'
import {
  interfaceBlock,
  packetBlock,
  statisticsBlock,
  type CapturedInterface,
  type CapturedPacket,
} from '../backend/capture/pcapng.ts'
import {
  openRecording,
  SourceError,
  watchReader,
  type CaptureSource,
  type Recording,
  type RecordingCalls,
  type RecordingOptions,
} from '../backend/capture/recording.ts'
import { timeOrder } from '../backend/capture/time-order.ts'
import type { Peer } from '../machines/connect.ts'
import { UserError } from '../model/diagnostic.ts'

/** Opens a recording on this machine. Throws a UserError when an interface cannot be opened, or the filter is wrong. */
export function recordHere(
  sources: readonly CaptureSource[],
  options: RecordingOptions,
  calls: RecordingCalls,
): Recording {
  try {
    return openRecording(sources, options, calls)
  } catch (error) {
    throw explained(error as Error, options.filter)
  }
}

/** The error for what cannot be captured. */
export const notCaptured = (summary: string, detail: string): UserError =>
  UserError.of('capture-impossible', summary, detail)

/** What libpcap says, as a mistake of the user's where it is one. */
function explained(error: Error, filter: string): UserError {
  const reason = error instanceof SourceError ? error.reason : error
  if (reason instanceof FilterError)
    return UserError.of(
      'bad-filter',
      `libpcap does not understand the filter ${filter}: ${reason.message}`,
      'A filter is written as for tcpdump (man pcap-filter).',
    )
  if (error !== reason) return notCaptured(error.message, 'Nothing was captured.')
  return notCaptured(
    `packets cannot be captured: ${error.message}`,
    'It takes libpcap (apt-get install libpcap0.8; libpcap elsewhere) and the npm package koffi.',
  )
}

/** What is captured on one machine. */
export interface RecordedPart {
  /** Another machine; absent: this one. */
  readonly peer?: Peer
  readonly sources: readonly CaptureSource[]
}

/** A recording of one or several machines in a file. */
export interface FileRecording {
  /** Writes `head`, the interfaces and the packets until it is stopped, or ends as `Recording` does. Throws a UserError when a machine is lost. */
  readonly run: (head: Uint8Array) => Promise<{
    readonly packets: number
    readonly dropped: number
    /** Nobody reads the file any more. */
    readonly unread: boolean
  }>
  readonly stop: () => void
}

/** How long packets of several machines are held to be put into one order, in milliseconds: as long as one may be on its way here. */
const HOLD = 300

/** Opens the recordings of all machines as one. `reader` is a descriptor that somebody is to read from. Throws as `recordHere` does. */
export async function openRecordings(
  parts: readonly RecordedPart[],
  options: RecordingOptions,
  vanished: RecordingCalls['vanished'],
  write: (bytes: Uint8Array) => Promise<void>,
  reader?: number,
): Promise<FileRecording> {
  const { count = Infinity } = options
  const recordings: Recording[] = []
  const stop = (): void => recordings.forEach((one) => one.stop())
  let [packets, unread] = [0, false]
  let begin = (): void => {}
  const begun = new Promise<void>((done) => (begin = done))
  const give = async (some: readonly CapturedPacket[]): Promise<void> => {
    await begun
    const due = some.slice(0, count - packets)
    packets += due.length
    if (due.length && !unread) await write(Buffer.concat(due.map(packetBlock)))
    if (packets >= count) stop()
  }
  const ordered = parts.some(({ peer }) => peer) ? timeOrder(parts.length > 1 ? HOLD : 0, give, stop) : undefined
  const take = ordered?.take ?? give
  let base = 0
  const bases: number[] = []
  const opening = parts.map(async ({ peer, sources }): Promise<Recording> => {
    const first = base
    bases.push(first)
    base += sources.length
    const calls = {
      vanished,
      take: (some: readonly CapturedPacket[]) => take(some.map((one) => ({ ...one, at: one.at + first }))),
    }
    if (!peer) return recordHere(sources, options, calls)
    const { farRecording } = await import('../machines/far-recording.ts')
    return await farRecording(peer, sources, options, calls)
  })
  recordings.push(...(await Promise.all(opening)))

  async function run(head: Uint8Array): Promise<{ packets: number; dropped: number; unread: boolean }> {
    const unwatch =
      reader === undefined
        ? undefined
        : watchReader(reader, () => {
            unread = true
            stop()
          })
    const links = recordings.flatMap((one) => one.links)
    const heads = parts
      .flatMap(({ sources }) => sources)
      .map(({ name, comment }, at): CapturedInterface => ({ ...options, name, comment, link: links[at] ?? 0 }))
    await write(Buffer.concat([head, ...heads.map(interfaceBlock)]))
    begin()
    const ended = await Promise.allSettled(
      recordings.map((one) =>
        one.run().catch((error: unknown) => {
          stop()
          throw error
        }),
      ),
    )
    await ordered?.end()
    unwatch?.()
    const counted = ended.flatMap((one, i) =>
      one.status === 'fulfilled' ? one.value.map((of) => ({ ...of, at: of.at + (bases[i] ?? 0) })) : [],
    )
    if (counted.length && !unread) await write(Buffer.concat(counted.map(statisticsBlock)))
    for (const one of ended) if (one.status === 'rejected') throw one.reason as Error
    return { packets, unread, dropped: counted.reduce((sum, { dropped }) => sum + dropped, 0) }
  }
  return { run, stop }
}

import type {
  CaptureSource,
  Counted,
  Recording,
  RecordingCalls,
  RecordingOptions,
} from '../backend/capture/recording.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Peer } from './connect.ts'
import { asThere, unpack, type Packed } from './packed.ts'

/** Opens a recording of interfaces on another machine. Throws a UserError, which names it, when one cannot be opened or the machine is lost. */
export async function farRecording(
  peer: Peer,
  sources: readonly CaptureSource[],
  options: RecordingOptions,
  { take, vanished }: RecordingCalls,
): Promise<Recording> {
  let ended: Promise<Packed<readonly Counted[]>> | undefined
  const links = await new Promise<readonly number[]>((opened, failed) => {
    ended = peer.ask('record', { sources: asThere(sources), options }, (event) => {
      if (event.links) opened(event.links)
      if (event.vanished) vanished(event.vanished.source, event.vanished.words)
      if (event.packets === undefined) return
      const packets = unpack(event.packets)
      void take(packets).then(() => peer.ask('taken', { count: packets.length }).catch(() => {}))
    })
    ended.catch((error: Error) => failed(named(peer, error)))
  })
  return {
    links,
    run: async () => unpack((await ended) ?? ''),
    stop: () => void peer.ask('endRecording', null).catch(() => {}),
  }
}

/** The error with the name of the machine, where it is about that. */
const named = ({ name }: Peer, error: Error): Error =>
  error instanceof UserError
    ? new UserError(
        error.diagnostics.map((one) =>
          one.code === 'capture-impossible' ? { ...one, summary: `on ${name}, ${one.summary}` } : one,
        ),
      )
    : error

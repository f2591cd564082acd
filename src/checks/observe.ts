import { contains, parseCidr } from '../model/cidr.ts'
import type { Check, Observation } from '../model/check.ts'
import { isAbsent, openCaptures, type Capture } from './packet-capture.ts'
import { addressOf, netnsOf, Untried, type LabIndex } from './lab-index.ts'
import { opening, packetText, type Packet } from './packet.ts'
import type { Kit, Trail } from './probe.ts'

/** How long after a check its packets may still appear in a capture, in milliseconds. */
const GRACE = 400

/** An observation of a check, and what was captured at its interface. */
export interface Observed {
  readonly ok: boolean
  readonly expected: string
  readonly seen: string
}

/** Captures that run while a check is tried. */
export interface Watch {
  /** Observations of packets that cannot appear because their interface is down. */
  readonly hopeless: readonly Observed[]
  /** Waits for packets that are still on their way, and returns what was captured. */
  finish(trail: Trail): Promise<Observed[]>
  end(): void
}

/** A capture; `down` when the interface is down, so that nothing can be captured. */
type Sight = Capture | 'down'

/** Starts a capture at every interface that the check observes. Throws Untried when that is not possible. */
export async function watch(check: Check, { labIndex, host }: Kit): Promise<Watch> {
  const observations = check.observe ?? []
  const captures = openCaptures(host)
  const open = async (namespace: string, device: string): Promise<Sight> => {
    const netns = netnsOf(labIndex, namespace)
    return captures.start(netns, device).catch((error: Error) => {
      if (isAbsent(error.message)) return 'down'
      throw new Untried(`cannot capture at ${namespace}:${device}: ${error.message}`)
    })
  }
  const expected = (observation: Observation): string =>
    `${(observation.present ?? true) ? '' : 'no '}packet with ${describe(observation, labIndex)} at ${observation.at}`
  try {
    // The capture where a connection starts gives its sequence number, which identifies it behind address translation.
    const origin = check.tcp !== undefined && observations.length ? await open(check.from, 'any') : undefined
    const watched = await Promise.all(
      observations.map(async (observation) => {
        const [namespace = '', device = 'any'] = observation.at.split(':')
        const fits = matcher(observation, labIndex)
        return { observation, fits, sight: await open(namespace, device) }
      }),
    )
    return {
      hopeless: watched.flatMap(({ observation, sight }) =>
        sight === 'down' && (observation.present ?? true)
          ? [{ ok: false, expected: expected(observation), seen: `${observation.at} is down` }]
          : [],
      ),
      async finish(trail) {
        // The packets of a command have no token or port: only the fields of the observation identify them.
        const mine = (packet: Packet): boolean =>
          check.run === undefined ? isOf(packet, trail, first) : packet.protocol !== 'arp'
        const first = origin === undefined || origin === 'down' ? [] : origin.packets
        return Promise.all(
          watched.map(async ({ observation, fits, sight }): Promise<Observed> => {
            const wanted = observation.present ?? true
            if (sight === 'down')
              return { ok: !wanted, expected: expected(observation), seen: `${observation.at} is down` }
            const found = (): Packet[] => sight.packets.filter(mine)
            const hit = await sight.until(() => found().some(fits), GRACE)
            const words = sight.ended()
            if (!hit && words !== undefined && !isAbsent(words))
              throw new Untried(`the capture at ${observation.at} has ended: ${words}`)
            const seen = seenAt(observation, found(), fits, check.run !== undefined)
            return {
              ok: hit === wanted,
              expected: expected(observation),
              seen: words === undefined ? seen : `${seen} before the interface disappeared`,
            }
          }),
        )
      },
      end: () => captures.end(),
    }
  } catch (error) {
    captures.end()
    throw error
  }
}

/** At most four different packets. For commands, those that match the observation; if none does, all but background traffic. */
function seenAt(
  { at }: Observation,
  found: readonly Packet[],
  fits: (packet: Packet) => boolean,
  all: boolean,
): string {
  const fitting = found.filter(fits)
  const quiet = found.filter(({ destination }) => !/^ff0|^224\.0\.0\./.test(destination))
  const texts = new Set((all ? (fitting.length ? fitting : quiet) : found).map(packetText))
  return texts.size ? `${at}: ${[...texts].slice(0, 4).join(', ')}` : `nothing of it at ${at}`
}

/** Whether a packet was sent by a check or answers it. `origin`: the packets captured where the check starts. */
function isOf(packet: Packet, { tokens, localPorts }: Trail, origin: readonly Packet[]): boolean {
  const ports = (one: Packet): boolean => localPorts.has(one.sport ?? 0) || localPorts.has(one.dport ?? 0)
  if (packet.protocol === 'arp') return false
  if (ports(packet) || tokens.some((token) => packet.bytes.includes(token))) return true
  return origin.some((first) => {
    const number = ports(first) ? opening(first) : undefined
    return number !== undefined && (packet.bytes.includes(number) || packet.bytes.includes(successor(number)))
  })
}

/** The acknowledgement number for a SYN with this sequence number. */
export function successor(sequence: Buffer): Buffer {
  const next = Buffer.alloc(4)
  next.writeUInt32BE((sequence.readUInt32BE(0) + 1) >>> 0)
  return next
}

function matcher(observation: Observation, labIndex: LabIndex): (packet: Packet) => boolean {
  const address = (text: string | undefined): ((is: string) => boolean) => {
    if (text === undefined) return () => true
    const subnet = text.includes('/') ? parseCidr(text) : undefined
    if (subnet) return (is) => contains(subnet, is)
    const wanted = addressOf(labIndex, text)
    return (is) => is === wanted
  }
  const { sport, dport, protocol } = observation
  const [source, destination] = [address(observation.source), address(observation.destination)]
  return (packet) =>
    source(packet.source) &&
    destination(packet.destination) &&
    (sport === undefined || packet.sport === sport) &&
    (dport === undefined || packet.dport === dport) &&
    (protocol === undefined || packet.protocol === protocol)
}

function describe(observation: Observation, { names }: LabIndex): string {
  const fields = (['protocol', 'source', 'sport', 'destination', 'dport'] as const).flatMap((field) => {
    const wanted = observation[field]
    if (wanted === undefined) return []
    const address = names.get(String(wanted))
    return [`${field} ${wanted}${address === undefined ? '' : ` (${address})`}`]
  })
  return fields.join(', ') || 'anything'
}

import { contains, parseCidr } from '../model/cidr.ts'
import type { Check, Observation } from '../model/check.ts'
import { isAbsent, openCaptures, type Capture } from './capture.ts'
import { addressOf, netnsOf, Untried, type LabIndex } from './lab-index.ts'
import { opening, packetText, type Packet } from './packet.ts'
import type { Kit, Trail } from './probe.ts'

/** How long packets may take to be seen after a check is done, in milliseconds. */
const GRACE = 400

/** What was looked for at a place, and what was seen there. */
export interface Observed {
  readonly ok: boolean
  readonly expected: string
  readonly seen: string
}

/** Captures that run while a check is tried. */
export interface Watch {
  /** Places where a packet is wanted and none can be, because the interface is down. */
  readonly hopeless: readonly Observed[]
  /** Waits for what is still on its way, and says what was seen. */
  finish(trail: Trail): Promise<Observed[]>
  end(): void
}

/** A capture, or why nothing can be seen at that interface. */
type Sight = Capture | 'down'

/** Starts a capture at every place that the check looks at. Throws Untried when that cannot be. */
export async function watch(check: Check, { labIndex, self }: Kit): Promise<Watch> {
  const observations = check.observe ?? []
  const captures = openCaptures()
  const open = async (namespace: string, device: string): Promise<Sight> => {
    const netns = netnsOf(labIndex, namespace)
    return captures.start(netns, device, self).catch((error: Error) => {
      if (isAbsent(error.message)) return 'down'
      throw new Untried(`cannot capture at ${namespace}:${device}: ${error.message}`)
    })
  }
  const expected = (observation: Observation): string =>
    `${(observation.present ?? true) ? '' : 'no '}packet with ${describe(observation, labIndex)} at ${observation.at}`
  try {
    // Where a connection starts tells its sequence number, by which it is known behind an address translation.
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
        // Nothing tells a command's packets from others: there, only what the lab file says of them counts.
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

/** At most four different packets. Of all that a namespace sends while a command runs: those that fit, or else no chatter. */
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

/** Whether a packet belongs to what a check has sent, or answers it. `origin`: what was seen where the check starts. */
export function isOf(packet: Packet, { tokens, localPorts }: Trail, origin: readonly Packet[]): boolean {
  const ports = (one: Packet): boolean => localPorts.has(one.sport ?? 0) || localPorts.has(one.dport ?? 0)
  if (packet.protocol === 'arp') return false
  if (ports(packet) || tokens.some((token) => packet.bytes.includes(token))) return true
  return origin.some((first) => {
    const number = ports(first) ? opening(first) : undefined
    return number !== undefined && (packet.bytes.includes(number) || packet.bytes.includes(successor(number)))
  })
}

/** What the other side acknowledges. */
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

import type { CapturedPacket } from './pcapng.ts'

/** Puts packets of several recordings into one order. */
export interface TimeOrder {
  /** Takes packets; returns when there is room for more. */
  readonly take: (packets: readonly CapturedPacket[]) => Promise<void>
  /** Gives what is held. Throws what giving has thrown since the beginning. */
  readonly end: () => Promise<void>
}

/** How often packets are given, in milliseconds. */
const TURN = 50
/** How many packets are held at most. */
const MOST = 100_000

/**
 * Holds each packet for `hold` ms from when it comes, and gives them in the order of their times: what has come by then from any
 * recording is in order. `failed` is called once, when `give` throws.
 */
export function timeOrder(
  hold: number,
  give: (packets: readonly CapturedPacket[]) => Promise<void>,
  failed: () => void,
): TimeOrder {
  let held: { readonly packet: CapturedPacket; readonly due: number }[] = []
  let giving = Promise.resolve()
  let error: unknown

  /** Gives the packets that are due, and all that are older. */
  function release(isDue: (due: number) => boolean): Promise<void> {
    held.sort((a, b) => (a.packet.time < b.packet.time ? -1 : a.packet.time > b.packet.time ? 1 : 0))
    const last = held.findLastIndex(({ due }) => isDue(due))
    const packets = held.slice(0, last + 1).map(({ packet }) => packet)
    held = held.slice(last + 1)
    if (packets.length)
      giving = giving
        .then(() => (error === undefined ? give(packets) : undefined))
        .catch((thrown: unknown) => {
          error = thrown
          failed()
        })
    return giving
  }

  const timer = setInterval(() => void release((due) => due <= Date.now()), TURN)
  return {
    async take(packets) {
      const due = Date.now() + hold
      for (const packet of packets) held.push({ packet, due })
      if (held.length > MOST) await release(() => true)
    },
    async end() {
      clearInterval(timer)
      await release(() => true)
      if (error !== undefined) throw error as Error
    },
  }
}

import type { Packet } from '../checks/packet.ts'
import type { Dump } from '../model/runner.ts'

/** The length of a packet, by its network header, in bytes. */
const sizeOf = ({ bytes }: Pick<Packet, 'bytes'>): number =>
  (bytes[0] ?? 0) >> 4 === 6 ? 40 + bytes.readUInt16BE(4) : bytes.readUInt16BE(2)

/** The largest packet of an interface, in bytes; undefined where there is no such interface. */
export const mtuOf = (
  namespace: string,
  device: string | undefined,
  dumps: ReadonlyMap<string, Dump>,
): number | undefined => dumps.get(namespace)?.links.find(({ ifname }) => ifname === device)?.mtu

/** What to say of a packet that is too big for an interface, and how big one may be, in bytes; undefined: it is not. */
export function tooBigFor(
  packet: Pick<Packet, 'bytes'>,
  namespace: string,
  device: string,
  dumps: ReadonlyMap<string, Dump>,
): { readonly reason: string; readonly mtu: number } | undefined {
  const mtu = mtuOf(namespace, device, dumps)
  const size = sizeOf(packet)
  if (mtu === undefined || size <= mtu) return undefined
  return { reason: `it is too big for ${namespace}:${device}: ${size} bytes, and ${mtu} is the most`, mtu }
}

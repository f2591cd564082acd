import { decodePacket, headerOf, RAW_IP, type Packet } from './packet.ts'

/** The types and codes of ICMP errors, as ping(8) calls them. */
const ERRORS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  icmp: {
    '3/0': 'network unreachable',
    '3/1': 'host unreachable',
    '3/2': 'protocol unreachable',
    '3/3': 'port unreachable',
    '3/4': 'fragmentation needed',
    '3/9': 'network prohibited',
    '3/10': 'host prohibited',
    '3/13': 'communication prohibited',
    '11/0': 'time to live exceeded',
  },
  icmp6: {
    '1/0': 'no route',
    '1/1': 'administratively prohibited',
    '1/3': 'address unreachable',
    '1/4': 'port unreachable',
    '2/0': 'packet too big',
    '3/0': 'hop limit exceeded',
  },
}

/** An ICMP error in words, with the destination of the packet that it quotes, if it quotes one: `host unreachable for 10.0.0.9`. */
export function icmpErrorText({ protocol, bytes }: Omit<Packet, 'time'>): string {
  const at = headerOf(bytes)
  const [type = 0, code = 0] = bytes.subarray(at)
  const destination = decodePacket(bytes.subarray(at + 8), RAW_IP)?.destination
  const meaning = ERRORS[protocol]?.[`${type}/${code}`] ?? `${protocol} type ${type} code ${code}`
  return destination === undefined ? meaning : `${meaning} for ${destination}`
}

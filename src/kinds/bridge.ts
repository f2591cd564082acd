import type { Field, LinkType } from '../model/link.ts'

/** USER_HZ: bridge timers are in hundredths of a second in the kernel's interface and in iproute2's. */
const HUNDREDTHS = 100
const units: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, min: 60 }

/** A duration such as `4s` or `1500ms`, or a number in hundredths of a second, as hundredths of a second. */
export function hundredths(value: unknown): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|min)$/.exec(String(value))
  return match ? Math.round(Number(match[1]) * (units[match[2] ?? 's'] ?? 1) * HUNDREDTHS) : Number(value)
}

const timer = (description: string, fallback: number, minimum: number, maximum: number): Field => ({
  schema: {
    description: `${description} A duration (\`4s\`), or a number in hundredths of a second as in iproute2. Default: ${fallback / HUNDREDTHS}s.`,
    anyOf: [
      { type: 'integer', minimum, maximum },
      { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|min)$' },
    ],
    examples: ['4s', fallback],
  },
  normal: hundredths,
  wrong: (value) => {
    const [time, least, most] = [hundredths(value), minimum, maximum].map((n) => n / HUNDREDTHS) as [
      number,
      number,
      number,
    ]
    return time < least || time > most ? `${time} s is not within ${least} s and ${most} s` : undefined
  },
  fallback,
})
const toggle = (description: string, read?: Field['read']): Field => ({
  schema: { type: 'boolean', description: `${description} Default: false.` },
  words: (v) => [v === true ? '1' : '0'],
  fallback: false,
  ...(read && { read }),
})
const option = (word: string, field: Field): Field => ({
  ...field,
  words: (v) => [word, ...(field.words?.(v) ?? [String(v)])],
  read: (data) => (typeof field.fallback === 'boolean' ? data[word] === 1 || data[word] === true : data[word]),
})

/** A learning switch in software (ip-link(8), "bridge type support"; the kernel's Documentation/networking/bridge.rst). */
export const bridge: LinkType = {
  name: 'bridge',
  description:
    'A switch in software: it learns MAC addresses, floods what it does not know, and can have addresses itself.',
  example: 'bridges:\n  br0:\n    addresses: [172.17.0.1/16]\n    stp: true\n    forward_delay: 4s',
  fields: {
    stp: option('stp_state', toggle('Spanning tree protocol.')),
    forward_delay: option(
      'forward_delay',
      timer('How long a port listens and learns before it forwards, with STP.', 1500, 0, 3000),
    ),
    hello_time: option('hello_time', timer('Time between the hellos of the root bridge.', 200, 100, 1000)),
    max_age: option('max_age', timer('How long the last hello is believed.', 2000, 600, 4000)),
    ageing_time: {
      ...option('ageing_time', timer('How long an unheard-of MAC address is remembered.', 30000, 0, 100000000)),
      // While the tree changes the kernel has another for the moment; it stays for good when the protocol is turned off
      // meanwhile (__br_set_topology_change in net/bridge/br_stp.c).
      read: ({ ageing_time, stp_state, topology_change, forward_delay }) =>
        stp_state === 1 && topology_change === 1 && ageing_time === 2 * Number(forward_delay) ? undefined : ageing_time,
    },
    priority: option('priority', {
      schema: {
        type: 'integer',
        minimum: 0,
        maximum: 65535,
        description: 'Priority in the election of the root bridge; the lowest wins. Default: 32768.',
      },
      fallback: 32768,
    }),
    vlan_filtering: option('vlan_filtering', toggle('Whether ports belong to VLANs.')),
    nf_call_iptables: option(
      'nf_call_iptables',
      toggle('Whether frames that are only bridged go through iptables’ FORWARD chain as well.'),
    ),
  },
  // Without STP the kernel takes any (br_set_forward_delay in net/bridge/br_stp.c).
  wrong: ({ stp, forward_delay = 1500 }) =>
    stp === true && Number(forward_delay) < 200
      ? ['forward_delay', 'with stp, ports listen for 2 s at least']
      : undefined,
  mtu: () => undefined,
  requires: ({ vlan_filtering }) => ['bridge', ...(vlan_filtering === true ? ['vlan_filtering'] : [])],
  hasPorts: true,
  followsPorts: true,
  byType: false,
}

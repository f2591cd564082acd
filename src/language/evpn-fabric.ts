import { interfaceNameFrom } from './cables.ts'
import type { LinkFile, NamespaceFile } from './lab-file.ts'
import { pieceOf, type SpreadSwitch } from './spread-switches.ts'

/** How many pieces with EVPN, and bridges of such switches, a lab has so far: they are numbered. */
export interface EvpnCount {
  pieces: number
  bridges: number
}

/** The pieces of a switch that EVPN joins. */
export interface EvpnFabric {
  /** What the n-th piece has beside its bridges. */
  readonly fields: (n: number) => NamespaceFile
  /** The link between two pieces, of which these are the names. */
  readonly link: (n: number, m: number, names: readonly [string, string]) => LinkFile
}

/** What VXLAN adds to a packet over IPv4, in bytes. */
const OVERHEAD = 50
/** The MTU of hosts where the file says none, in bytes. */
const USUAL = 1500
/** The number of the autonomous system of all pieces: a private one (RFC 6996). */
const AS = 65000

/** How long pieces wait for each other, in seconds: those on machines that are left out do not come. */
const JOIN_TIME = 10
/** Waits until zebra has told VXLANs of all other pieces: each sends there what is for everybody. $1: how many; then the VXLANs. */
const JOIN = `others=$1 end=$(($(date +%s) + ${JOIN_TIME}))
shift
for vxlan; do
  until [ "$(bridge fdb show dev "$vxlan" | grep -c '^00:00:00:00:00:00 dst')" -ge "$others" ] || [ "$(date +%s)" -ge $end ]; do
    sleep 0.1
  done
done
`

/** A link-local address of IPv4 (RFC 3927), of which the first and the last 256 are reserved. */
const addressOf = (number: number): string => `169.254.${1 + (number >> 8)}.${number & 255}`

/**
 * Joins the pieces of a switch by EVPN over VXLAN (RFC 8365), with FRR in each of them: sessions of internal BGP between all, on
 * point-to-point links. For each bridge there is a VXLAN, from which frames go straight to the piece where their receiver is.
 * `mtus` has by bridge the MTU of its hosts, where the file says it.
 */
export function evpnFabric(
  { name, machines, bridges }: SpreadSwitch,
  mtus: ReadonlyMap<string, number | undefined>,
  count: EvpnCount,
): EvpnFabric {
  const first = count.pieces + 1
  count.pieces += machines.length
  const vnis = [...bridges.keys()].map((bridge) => [bridge, ++count.bridges] as const)
  const address = (n: number): string => addressOf(first + n)
  const to = (n: number): string => interfaceNameFrom(`to-${machines[n]}`)
  const most = Math.max(...[...mtus.values()].map((mtu) => mtu ?? USUAL)) + OVERHEAD
  const pieces = machines.map((_, n) => pieceOf({ name, machines }, n))
  const end = (n: number, m: number) => ({ addresses: [{ address: address(n), peer: address(m) }] })
  return {
    fields: (n) => ({
      interfaces: Object.fromEntries(
        vnis.map(([bridge, id]) => [
          `vxlan${id}`,
          {
            ...{ type: 'vxlan', id, local: address(n), dstport: 4789, learning: false, bridge, others: 'keep' },
            ...(mtus.get(bridge) !== undefined && { mtu: mtus.get(bridge) }),
          },
        ]),
      ),
      files: {
        '/etc/frr/frr.conf': { content: configuration(address(n), [...machines.keys()].map(address)) },
        '/etc/frr/join.sh': { content: JOIN },
        '/etc/frr/vtysh.conf': { content: 'service integrated-vtysh-config\n' },
      },
      private: [{ path: '/run/frr', owner: 'frr' }],
      processes: {
        zebra: { command: ['/usr/lib/frr/zebra'], ready: { file: '/run/frr/zserv.api' } },
        bgpd: { command: ['/usr/lib/frr/bgpd'], after: 'zebra', ready: { file: '/run/frr/bgpd.vty' } },
        configure: { command: ['vtysh', '-b'], once: true, after: ['zebra', 'bgpd'] },
        // A lab is up when its switch is one.
        join: {
          command: ['sh', '/etc/frr/join.sh', `${pieces.length - 1}`, ...vnis.map(([, id]) => `vxlan${id}`)],
          once: true,
          after: pieces.map((piece) => `${piece}/configure`),
          ready: { timeout: 2 * JOIN_TIME },
        },
      },
    }),
    link: (n, m, names) => ({
      endpoints: { [`${names[0]}:${to(m)}`]: end(n, m), [`${names[1]}:${to(n)}`]: end(m, n) },
      mtu: most,
    }),
  }
}

/** What FRR reads: all other pieces are neighbours, and are told of all hosts. */
function configuration(own: string, all: readonly string[]): string {
  const ofOthers = (line: (other: string) => string): string =>
    all
      .filter((address) => address !== own)
      .map(line)
      .join('')
  return `router bgp ${AS}
 bgp router-id ${own}
 no bgp default ipv4-unicast
${ofOthers((other) => ` neighbor ${other} remote-as internal\n neighbor ${other} timers connect 1\n`)} address-family l2vpn evpn
${ofOthers((other) => `  neighbor ${other} activate\n`)}  advertise-all-vni
 exit-address-family
`
}

/** mulberry32: small, and the same everywhere. */
function numbers(start: number): (below: number) => number {
  let state = start
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

interface Host {
  bridge: number
  address: number
  second: boolean
  ipv6: boolean
  mtu?: number
  up: boolean
  route?: 'gateway' | 'metric' | 'blackhole' | 'multipath'
  rule: boolean
  neighbor: boolean
  sysctl: boolean
  forwarding: boolean
  macvlan: boolean
  share: boolean
  rules: number
}

/** Hosts on two bridges of one switch, and a chain of cables between neighbours. */
export interface Network {
  hosts: Map<string, Host>
  stp: boolean[]
  cables: Set<string>
}

/** The lab file of a network. */
export function randomLab({ hosts, stp, cables }: Network): unknown {
  const namespaces: Record<string, unknown> = {
    sw: {
      bridges: {
        br0: { stp: stp[0], addresses: ['10.0.0.254/24'] },
        br1: { stp: stp[1], addresses: ['10.0.1.254/24'] },
      },
    },
  }
  const links: unknown[] = []
  for (const [name, h] of hosts) {
    const net = `10.0.${h.bridge}`
    const via = `${net}.254`
    const routes = {
      gateway: { to: '10.50.0.0/16', via },
      metric: { to: '10.50.0.0/16', via, metric: 77 },
      blackhole: { to: '10.50.0.0/16', type: 'blackhole' },
      multipath: { to: '10.50.0.0/16', nexthops: [{ via }, { via: `${net}.253`, weight: 3 }] },
    }
    namespaces[name] = {
      ...(h.route &&
        h.up && { routes: [routes[h.route], ...(h.ipv6 ? [{ to: 'fd50::/32', via: `fd0${h.bridge}::fe` }] : [])] }),
      ...(h.rule && { rules: [{ priority: 100 + h.address, from: `${net}.${h.address}`, table: 100 }] }),
      ...(h.neighbor && h.up && { neighbors: [{ to: via, lladdr: '02:00:00:00:00:fe', dev: 'eth0' }] }),
      ...(h.sysctl && { sysctls: { 'net.ipv4.conf.eth0.rp_filter': 1, 'net.ipv4.ip_default_ttl': 99 } }),
      ...(h.forwarding && { forwarding: true }),
      ...(h.macvlan && {
        interfaces: { mac0: { type: 'macvlan', link: 'eth0', addresses: [`10.6.0.${h.address}/24`] } },
      }),
      ...(h.rules > 0 && {
        iptables: {
          filter: {
            INPUT: Array.from(
              { length: h.rules },
              (_, i) => `-p tcp --dport ${1000 + i * 7 + (h.address % 5)} -j ACCEPT`,
            ),
          },
        },
      }),
    }
    if (h.share) namespaces[`${name}-pod`] = { shares: name }
    const addresses = [`${net}.${h.address}/24`]
    if (h.second) addresses.push(`${net}.${h.address + 100}/24`)
    if (h.ipv6) addresses.push(`fd0${h.bridge}::${h.address}/64`)
    links.push({
      endpoints: { [`${name}:eth0`]: { addresses, ...(!h.up && { up: false }) }, [`sw:br${h.bridge}`]: null },
      ...(h.mtu !== undefined && { mtu: h.mtu }),
    })
  }
  for (const cable of cables) {
    const [a = '', b = ''] = cable.split(' ')
    if (!hosts.has(a) || !hosts.has(b)) continue
    const third = [...cables].indexOf(cable) + 1
    links.push({ endpoints: { [`${a}:to-${b}`]: `10.20.${third}.1/24`, [`${b}:to-${a}`]: `10.20.${third}.2/24` } })
  }
  return { name: 'soak', namespaces, links }
}

let number = numbers(1)
const some = <T>(list: readonly T[]): T => list[number(list.length)] as T
let next = 1
const host = (): Host => ({
  bridge: number(2),
  address: (next++ % 90) + 1,
  second: false,
  ipv6: number(2) === 1,
  up: true,
  rule: false,
  neighbor: false,
  sysctl: false,
  forwarding: false,
  macvlan: false,
  share: false,
  rules: 0,
})

/** Changes one thing of the network, and says which. */
export function edit(network: Network): string {
  const { hosts, cables } = network
  const name = some([...hosts.keys()])
  const h = hosts.get(name) as Host
  const flags = ['second', 'ipv6', 'up', 'rule', 'neighbor', 'sysctl', 'forwarding', 'macvlan', 'share'] as const
  const kinds = ['add', 'drop', 'renumber', 'port', 'mtu', 'route', 'stp', 'cable', 'rules', 'order', ...flags] as const
  const kind = some(kinds)
  if (kind === 'add') hosts.set(`h${next}`, host())
  else if (kind === 'drop') {
    if (hosts.size > 3) hosts.delete(name)
  } else if (kind === 'renumber') h.address = (next++ % 90) + 1
  else if (kind === 'port') h.bridge = 1 - h.bridge
  else if (kind === 'mtu') h.mtu = some([1500, 1400, 1300])
  else if (kind === 'route') h.route = some(['gateway', 'metric', 'blackhole', 'multipath'] as const)
  else if (kind === 'stp') network.stp[h.bridge] = !network.stp[h.bridge]
  else if (kind === 'rules') h.rules = number(6)
  else if (kind === 'order') network.hosts = new Map([...hosts].reverse())
  else if (kind === 'cable') {
    const other = some([...hosts.keys()].filter((candidate) => candidate !== name))
    const cable = [name, other].sort().join(' ')
    if (!cables.delete(cable)) cables.add(cable)
  } else h[kind] = !h[kind]
  return `${kind} ${name}`
}

/** A network of five hosts, from which the numbers of this seed go on. */
export function beginning(seed: number): Network {
  number = numbers(seed)
  const network: Network = { hosts: new Map(), stp: [false, false], cables: new Set() }
  for (let i = 0; i < 5; i++) network.hosts.set(`h${next}`, host())
  return network
}

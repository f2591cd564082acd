import type { TraceRequest } from '../../src/session/protocol.ts'
import { choicesOf, type Choices } from './choices.ts'
import { bridgeWalls, PORT, randomWalls } from './trace-walls.ts'

/** A network that packets are sent in. */
export interface RandomNetwork {
  /** The lab file. */
  readonly lab: object
  /** The namespaces in which programs listen at the ports of `PORT`. */
  readonly listeners: readonly string[]
  /** Makes up one more packet. */
  readonly packet: () => TraceRequest
}

interface Space {
  readonly forwards: boolean
  readonly settings: Record<string, unknown>
  readonly routes: Record<string, unknown>[]
  readonly devices: string[]
}

/** The addresses of a place in a network: `four(3, 10)` is 10.0.3.10. */
const four = (network: number, host: number | string): string => `10.0.${network}.${host}`
const six = (network: number, host: number | string): string => `fd00:${network}::${host}`
/** The numbers of networks: of hosts from 1, of cables between routers, of their second cables, of the tunnel. */
const [CABLE, SECOND, TUNNEL] = [100, 150, 200]
/** The numbers of hosts: the first host of a network, and one that nobody has. */
const [FIRST, NOBODY] = [10, 77]

/** The network of a seed: one to three routers in a row, and one or two networks of hosts at each. */
export function randomNetwork(seed: number): RandomNetwork {
  const random = choicesOf(seed)
  const spaces = new Map<string, Space>()
  const links: unknown[] = []
  const lans: { readonly router: number; readonly hosts: string[] }[] = []
  /** A cable carries less than others: what a tunnel through it carries would come in pieces. */
  let narrow = false
  const space = (name: string, forwards: boolean): Space => {
    const made: Space = { forwards, settings: {}, routes: [], devices: [] }
    spaces.set(name, made)
    return made
  }
  const both = (network: number, host: number): string[] => [`${four(network, host)}/24`, `${six(network, host)}/64`]

  const routers = Array.from({ length: 1 + random.below(3) }, (_, i) => space(`r${i}`, !random.maybe(0.05)))
  for (const [i, router] of routers.entries())
    for (let count = 1 + random.below(2); count > 0; count--) lans.push(addLan(i, router))
  routers.slice(1).forEach((_, i) => joinRouters(i))
  for (const [i, router] of routers.entries()) addRoutes(i, router)
  if (routers.length > 1 && !narrow && random.maybe(0.4)) addTunnel()
  for (const [i, router] of routers.entries()) if (random.maybe(0.4)) addPolicy(i, router)

  const networks = {
    4: lans.flatMap((_, n) => [`${four(n + 1, 0)}/24`, four(n + 1, FIRST)]),
    6: lans.flatMap((_, n) => [`${six(n + 1, '')}/64`, six(n + 1, FIRST)]),
  }
  const hosts = { 4: lans.map((_, n) => four(n + 1, FIRST)), 6: lans.map((_, n) => six(n + 1, FIRST)) }
  for (const { forwards, settings, devices } of spaces.values())
    if (random.maybe(forwards ? 0.7 : 0.25) && devices.length)
      Object.assign(settings, randomWalls(random, { devices, networks, hosts, forwards }))

  const listeners = [...spaces].flatMap(([name, { devices }]) => (devices.length && random.maybe(0.8) ? [name] : []))
  const senders = [...spaces].flatMap(([name, { devices }]) => (devices.length ? [name] : []))
  const namespaces = Object.fromEntries(
    [...spaces].map(([name, { settings, routes, forwards }]) => [
      name,
      { ...settings, ...(forwards && { forwarding: true }), ...(routes.length && { routes }) },
    ]),
  )
  return {
    lab: { name: 'truth', namespaces, links },
    listeners,
    packet: () => packetOf(random, senders, routers.length, lans),
  }

  /** Adds a network of hosts: at a cable, at a switch, or at a bridge of the router itself. */
  function addLan(i: number, router: Space) {
    const n = lans.length + 1
    const kind = random.one(['cable', 'switch', 'switch', 'inner'])
    const count = kind === 'cable' ? 1 : 1 + random.below(3)
    const names = Array.from({ length: count }, (_, k) => `h${n}${'abc'[k]}`)
    let there: string
    if (kind === 'inner') {
      const bridges = (router.settings['bridges'] ??= {}) as Record<string, unknown>
      bridges[`br${n}`] = { addresses: both(n, 1) }
      router.devices.push(`br${n}`)
      there = `r${i}:br${n}`
    } else {
      router.devices.push(`lan${n}`)
      there = `r${i}:lan${n}`
      if (kind === 'switch') {
        const middle = space(`sw${n}`, false)
        middle.settings['bridges'] = { br: {} }
        if (random.maybe(0.3)) middle.settings['nftables'] = bridgeWalls(random)
        else if (random.maybe(0.3))
          middle.settings['iptables'] = { filter: { FORWARD: ['-p udp --dport 54 -j DROP', '-p icmp -j ACCEPT'] } }
        links.push({ endpoints: { [there]: both(n, 1), [`sw${n}:br`]: null } })
        there = `sw${n}:br`
      }
    }
    for (const [k, name] of names.entries()) {
      const host = space(name, false)
      host.devices.push('eth0')
      const isUp = !random.maybe(0.05)
      // It takes everybody for a neighbour, and needs a router that answers for others.
      const isWide = random.maybe(0.08)
      if (isWide && random.maybe(0.8)) set(router, 'net.ipv4.conf.all.proxy_arp', 1)
      if (isUp && !isWide && !random.maybe(0.06)) host.routes.push({ to: 'default', via: four(n, 1) })
      if (isUp && !random.maybe(0.06)) host.routes.push({ to: 'default', via: six(n, 1) })
      const own = both(n, FIRST + k)
      const addresses = isWide ? own.map((address) => address.replace('/24', '/16')) : own
      links.push({
        endpoints: {
          [`${name}:eth0`]: { addresses, ...(!isUp && { up: false }) },
          [there]: kind === 'cable' ? both(n, 1) : null,
        },
      })
    }
    return { router: i, hosts: names }
  }

  function set({ settings }: Space, key: string, value: number): void {
    settings['sysctls'] = { ...(settings['sysctls'] as object | undefined), [key]: value }
  }

  function joinRouters(i: number): void {
    const ends = (network: number, name: string): void => {
      const mtu = random.maybe(0.2) ? random.one([1280, 1300, 1400]) : undefined
      if (mtu !== undefined) narrow = true
      links.push({
        endpoints: { [`r${i}:${name}r`]: both(network, 1), [`r${i + 1}:${name}l`]: both(network, 2) },
        ...(mtu !== undefined && { mtu }),
      })
    }
    ends(CABLE + i, 'a')
    routers[i]!.devices.push('ar')
    routers[i + 1]!.devices.push('al')
    if (!random.maybe(0.3)) return
    ends(SECOND + i, 'b')
    routers[i]!.devices.push('br')
    routers[i + 1]!.devices.push('bl')
  }

  /** The neighbour of a router on the way to another one. */
  function nextHop(from: number, to: number, make: typeof four): string[] {
    const [i, host] = to > from ? [from, 2] : [from - 1, 1]
    const hasSecond = routers[i]!.devices.includes('br')
    return [make(CABLE + i, host), ...(hasSecond ? [make(SECOND + i, host)] : [])]
  }

  function addRoutes(i: number, { routes }: Space): void {
    const networks = [
      ...lans.map(({ router }, n) => [n + 1, router] as const),
      ...routers.slice(1).flatMap((_, c) => (c === i || c + 1 === i ? [] : [[CABLE + c, c] as const])),
    ]
    for (const [network, at] of networks) {
      if (at === i) continue
      for (const make of [four, six]) {
        const to = make === four ? `${four(network, 0)}/24` : `${six(network, '')}/64`
        const chance = random.fraction()
        const [first, second] = nextHop(i, at, make)
        if (chance < 0.06) continue
        else if (chance < 0.12) routes.push({ to, type: random.one(['blackhole', 'unreachable', 'prohibit']) })
        else if (chance < 0.16) routes.push({ to, via: first!.replace(/\d$/, `${NOBODY}`) })
        else if (second !== undefined && random.maybe(0.5))
          routes.push({ to, nexthops: [{ via: first }, { via: second }] })
        else routes.push({ to, via: first })
      }
    }
    if (routers.length > 1 && random.maybe(0.3))
      for (const make of [four, six]) routes.push({ to: 'default', via: nextHop(i, i === 0 ? 1 : i - 1, make)[0] })
  }

  /** A VXLAN between the first router and the last, by which the packets to one network go. */
  function addTunnel(): void {
    const last = routers.length - 1
    const ends = [
      [0, four(CABLE, 1), four(CABLE + last - 1, 2), 1],
      [last, four(CABLE + last - 1, 2), four(CABLE, 1), 2],
    ] as const
    for (const [i, local, remote, host] of ends) {
      const { settings, devices, routes } = routers[i]!
      settings['interfaces'] = {
        tun: { type: 'vxlan', id: 7, local, remote, dstport: 4789, mtu: 1400, addresses: both(TUNNEL, host) },
      }
      devices.push('tun')
      const far = lans.findIndex(({ router }) => router === (i === 0 ? last : 0))
      if (i !== 0 && random.maybe(0.4)) continue
      const [to4, to6] = [`${four(far + 1, 0)}/24`, `${six(far + 1, '')}/64`]
      const kept = routes.filter(({ to }) => to !== to4 && to !== to6)
      routes.length = 0
      routes.push(...kept, { to: to4, via: four(TUNNEL, 3 - host) }, { to: to6, via: six(TUNNEL, 3 - host) })
    }
  }

  /** A rule by which some packets are looked up in a table of its own. */
  function addPolicy(i: number, router: Space): void {
    const { settings, routes, devices } = router
    const [make, bits] = random.maybe(0.3) ? ([six, 64] as const) : ([four, 24] as const)
    const lan = (): string => `${make(1 + random.below(lans.length), make === six ? '' : 0)}/${bits}`
    settings['rules'] = [
      random.one([
        { priority: 100, from: lan(), table: 100 },
        { priority: 100, fwmark: 1, table: 100 },
        { priority: 100, ipproto: 'udp', dport: `${PORT.udp}`, table: 100 },
        { priority: 100, iif: random.one(devices), table: 100 },
        { priority: 100, to: lan(), action: random.one(['blackhole', 'unreachable', 'prohibit']) },
      ]),
    ]
    const to = lan()
    if (routers.length > 1) routes.push({ to, via: nextHop(i, i === 0 ? 1 : i - 1, make)[0], table: 100 })
    else routes.push({ to, type: random.one(['blackhole', 'unreachable']), table: 100 })
    if (random.maybe(0.5)) set(router, 'net.ipv4.conf.all.rp_filter', random.one([1, 1, 2]))
  }
}

function packetOf(
  random: Choices,
  senders: readonly string[],
  routers: number,
  lans: readonly { readonly router: number; readonly hosts: readonly string[] }[],
): TraceRequest {
  const make = random.maybe(0.35) ? six : four
  const n = random.below(lans.length)
  const { hosts } = lans[n]!
  const cable = routers > 1 ? make(CABLE + random.below(routers - 1), 1 + random.below(2)) : make(n + 1, 1)
  const host = make(n + 1, FIRST + random.below(hosts.length))
  const address = random.one([host, host, host, host, host, make(n + 1, 1), make(n + 1, 1), cable, ...rarely()])
  const protocol = random.one(['icmp', 'tcp', 'udp'] as const)
  const from = random.one(senders)
  const size = random.maybe(0.15) ? random.one([1000, 1281, 1301, 1401, 1501]) : undefined
  const sized = size !== undefined && protocol !== 'tcp' ? { size } : {}
  if (protocol === 'icmp') return { from, to: address, protocol, ...sized }
  const ports =
    protocol === 'tcp'
      ? [PORT.tcp, PORT.tcp, PORT.tcpMoved, PORT.nobody]
      : [PORT.udp, PORT.udp, PORT.echo, PORT.silent, PORT.udpMoved, PORT.nobody]
  const port = random.one(ports)
  return { from, to: make === six ? `[${address}]:${port}` : `${address}:${port}`, protocol, ...sized }

  /** Addresses that nobody has, or that no route leads to. */
  function rarely(): string[] {
    return random.maybe(0.5) ? [random.one([make(n + 1, NOBODY), make(99, 1)])] : []
  }
}

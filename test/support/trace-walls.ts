import type { Choices } from './choices.ts'

/** The ports that packets and rules name: of a listener of TCP, of UDP, of one that sends back what came, of one that says nothing, of translations, of nobody. */
export const PORT = { tcp: 80, udp: 53, echo: 55, silent: 54, tcpMoved: 8080, udpMoved: 5353, nobody: 9 } as const

/** What rules may name. */
export interface WallNames {
  readonly devices: readonly string[]
  /** Networks and addresses of IPv4, and of IPv6. */
  readonly networks: { readonly 4: readonly string[]; readonly 6: readonly string[] }
  /** Hosts to which packets for a router may be translated. */
  readonly hosts: { readonly 4: readonly string[]; readonly 6: readonly string[] }
  readonly forwards: boolean
}

type Family = 4 | 6

/** The firewall of a namespace, as a lab file has it: iptables, ip6tables, nftables, some of them or none. */
export function randomWalls(random: Choices, names: WallNames): Record<string, unknown> {
  const walls: Record<string, unknown> = {}
  if (random.maybe(0.5)) walls['iptables'] = tables(random, names, 4)
  if (random.maybe(0.35)) walls['ip6tables'] = tables(random, names, 6)
  if (random.maybe(0.4)) walls['nftables'] = ruleset(random, names)
  return walls
}

/** A table of the bridge family. */
export function bridgeWalls(random: Choices): string {
  const rules = several(random, 1, 3, () => {
    const port = random.one(Object.values(PORT))
    const match = random.one([`udp dport ${port}`, `tcp dport ${port}`, 'ip protocol icmp', 'meta l4proto ipv6-icmp'])
    // Without answers of neighbours nothing would be left to see.
    return match === 'meta l4proto ipv6-icmp'
      ? `${match} counter accept`
      : `${match} counter ${random.one(['drop', 'accept'])}`
  })
  return `table bridge wall {\n  chain forward {\n    type filter hook forward priority filter; policy accept;\n    ${rules.join('\n    ')}\n  }\n}\n`
}

const several = <T>(random: Choices, least: number, most: number, make: () => T): T[] =>
  Array.from({ length: least + random.below(most - least + 1) }, make)

function tables(random: Choices, names: WallNames, family: Family): Record<string, unknown> {
  const hooks = names.forwards ? ['FORWARD', 'FORWARD', 'INPUT', 'OUTPUT'] : ['INPUT', 'OUTPUT']
  const filter: Record<string, unknown> = {}
  for (const hook of several(random, 1, 3, () => random.one(hooks))) {
    const rules = several(random, 1, 4, () => iptablesRule(random, names, family, hook))
    filter[hook] = random.maybe(0.08) ? { policy: 'DROP', rules } : rules
  }
  filter['SORT'] = several(random, 1, 3, () => iptablesRule(random, names, family, 'SORT'))
  const result: Record<string, unknown> = { filter }
  if (names.forwards && random.maybe(0.5)) result['nat'] = translations(random, names, family)
  if (random.maybe(0.3))
    result['mangle'] = {
      [random.one(['PREROUTING', 'OUTPUT'])]: several(
        random,
        1,
        2,
        () => `${protocolOf(random, family)} -j MARK --set-mark 1`,
      ),
    }
  return result
}

function protocolOf(random: Choices, family: Family): string {
  const port = random.one(Object.values(PORT))
  const icmp = family === 6 ? '-p ipv6-icmp -m icmp6 --icmpv6-type echo-request' : '-p icmp'
  return random.one([icmp, `-p tcp --dport ${port}`, `-p udp --dport ${port}`, '-p tcp', '-p udp'])
}

/** The errors with which iptables rejects. */
const ERRORS = {
  4: ['net-unreachable', 'host-unreachable', 'net-prohibited', 'host-prohibited', 'admin-prohibited'].map(
    (name) => `icmp-${name}`,
  ),
  6: ['no-route', 'adm-prohibited', 'addr-unreachable'].map((name) => `icmp6-${name}`),
} as const

function iptablesRule(random: Choices, names: WallNames, family: Family, chain: string): string {
  const protocol = protocolOf(random, family)
  const device =
    chain === 'INPUT' ? '-i' : chain === 'OUTPUT' ? '-o' : random.one(chain === 'SORT' ? [''] : ['-i', '-o'])
  const match = random.one([
    protocol,
    protocol,
    protocol,
    `-${random.one(['s', 'd'])} ${random.one(names.networks[family])} ${protocol}`,
    ...(device === '' ? [] : [`${device} ${random.one(names.devices)} ${protocol}`]),
    '-m conntrack --ctstate RELATED,ESTABLISHED',
    '-m mark --mark 0x1',
  ])
  const errors = [...ERRORS[family], ...(match.includes('-p tcp') ? ['tcp-reset', 'tcp-reset', 'tcp-reset'] : [])]
  const ends = `REJECT --reject-with ${random.one(errors)}`
  const targets = ['ACCEPT', 'ACCEPT', 'ACCEPT', 'DROP', random.one(['REJECT', ends]), 'RETURN']
  return `${match} ${chain === 'SORT' || random.maybe(0.7) ? `-j ${random.one(targets)}` : random.one(['-j SORT', '-g SORT'])}`
}

function translations(
  random: Choices,
  { devices, hosts, networks }: WallNames,
  family: Family,
): Record<string, unknown> {
  const host = random.one(hosts[family])
  const to = (port: number): string => (family === 6 ? `[${host}]:${port}` : `${host}:${port}`)
  const network = random.one(networks[family])
  const masquerade = `MASQUERADE${random.maybe(0.3) ? ' --random-fully' : ''}`
  const sources = [`-o ${random.one(devices)} -j ${masquerade}`, `-s ${network} ! -d ${network} -j ${masquerade}`]
  return {
    PREROUTING: [
      `-p tcp --dport ${PORT.tcpMoved} -j DNAT --to-destination ${to(PORT.tcp)}`,
      `-p udp --dport ${PORT.udpMoved} -j DNAT --to-destination ${to(PORT.udp)}`,
      ...(random.maybe(0.2) ? [`-p tcp --dport ${PORT.nobody} -j REDIRECT --to-ports ${PORT.tcp}`] : []),
    ],
    ...(random.maybe(0.3) && { OUTPUT: [`-p tcp --dport ${PORT.tcpMoved} -j DNAT --to-destination ${to(PORT.tcp)}`] }),
    ...(random.maybe(0.6) && { POSTROUTING: [random.one(sources)] }),
  }
}

function ruleset(random: Choices, names: WallNames): string {
  const hooks = names.forwards ? ['forward', 'input', 'output'] : ['input', 'output']
  const chains = [...new Set(several(random, 1, 2, () => random.one(hooks)))].map((hook) => {
    const policy = random.maybe(0.08) ? 'drop' : 'accept'
    const rules = several(random, 1, 4, () => nftRule(random, names, hook))
    return `  chain ${hook} {\n    type filter hook ${hook} priority filter; policy ${policy};\n    ${rules.join('\n    ')}\n  }`
  })
  const sort = several(random, 1, 3, () => nftRule(random, names, undefined))
  const marks = `  chain marks {\n    type filter hook prerouting priority mangle; policy accept;\n    ${nftMatch(random, names, undefined)} counter meta mark set 0x1\n  }`
  const wall = [`  chain sort {\n    ${sort.join('\n    ')}\n  }`, ...chains, ...(random.maybe(0.3) ? [marks] : [])]
  const pre = `    type nat hook prerouting priority dstnat; policy accept;\n    tcp dport ${PORT.tcpMoved} counter dnat to ${random.one(names.hosts[4])}:${PORT.tcp}`
  const post = `    type nat hook postrouting priority srcnat; policy accept;\n    oifname "${random.one(names.devices)}" counter masquerade`
  const nat =
    names.forwards && random.maybe(0.3)
      ? `table ip moves {\n  chain pre {\n${pre}\n  }\n  chain post {\n${post}\n  }\n}\n`
      : ''
  return `table inet wall {\n${wall.join('\n')}\n}\n${nat}`
}

function nftMatch(random: Choices, { devices, networks }: WallNames, hook: string | undefined): string {
  const port = random.one(Object.values(PORT))
  const device = hook === 'input' ? 'iifname' : hook === 'output' ? 'oifname' : random.one(['iifname', 'oifname'])
  return random.one([
    'icmp type echo-request',
    'icmpv6 type echo-request',
    `tcp dport ${port}`,
    `udp dport ${port}`,
    `ip ${random.one(['saddr', 'daddr'])} ${random.one(networks[4])}`,
    `ip6 ${random.one(['saddr', 'daddr'])} ${random.one(networks[6])} meta l4proto { tcp, udp }`,
    ...(hook === undefined ? [] : [`${device} "${random.one(devices)}" meta l4proto { tcp, udp, icmp }`]),
    'ct state established,related',
    'meta mark 0x1',
  ])
}

function nftRule(random: Choices, names: WallNames, hook: string | undefined): string {
  const match = nftMatch(random, names, hook)
  const errors = [
    '',
    '',
    ...['no-route', 'host-unreachable', 'admin-prohibited'].map((name) => ` with icmpx type ${name}`),
  ]
  const reject = `reject${random.one(match.startsWith('tcp') ? [...errors, ' with tcp reset', ' with tcp reset'] : errors)}`
  const verdicts = [
    ...['accept', 'accept', 'accept', 'drop', reject, 'return'],
    ...(hook === undefined ? [] : ['jump sort', 'goto sort']),
  ]
  return `${match} counter ${random.one(verdicts)}`
}

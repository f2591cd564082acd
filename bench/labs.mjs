// The labs that every program of the comparison builds: as data, and in the input format of each program.
//   chain N: N routers in a row, a /30 on every cable, forwarding, two static routes each.
//   star N: N hosts on the bridge of one switch that forwards and has ten firewall rules; a default route each.

const dotted = (n) => [24, 16, 8, 0].map((shift) => (n >>> shift) & 255).join('.')
const inChain = (n) => dotted(0x0a000000 + n)
const inStar = (n) => dotted(0x0a800000 + n)

/** Ten rules, for iptables-restore. */
export const firewall = `*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:USER - [0:0]
-A FORWARD -j USER
-A FORWARD -o br0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i br0 ! -o br0 -j ACCEPT
-A FORWARD -i br0 -o br0 -j ACCEPT
-A USER -p tcp -m tcp --dport 22 -j DROP
-A USER -s 10.128.9.0/24 -d 10.128.8.0/24 -j DROP
-A USER -j RETURN
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING ! -i br0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.128.0.2:80
-A POSTROUTING -s 10.128.0.0/16 ! -o br0 -j MASQUERADE
-A POSTROUTING -s 10.128.0.2/32 -d 10.128.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE
COMMIT
`

/** The address that the change adds to `lo` of the first host. */
export const CHANGE = '10.99.0.1/32'

/** `{ nodes: [{ name, forward, bridge?, ends: [{ dev, cidr?, port? }], routes: [[to, via]] }], cables: [[node, dev, node, dev]] }` */
export function lab(shape, size) {
  const nodes = Array.from({ length: size }, (_, i) => ({
    name: `n${i}`,
    forward: shape === 'chain',
    ends: [],
    routes: [],
  }))
  const cables = []
  if (shape === 'chain')
    for (const [i, node] of nodes.entries()) {
      const next = nodes[i + 1]
      if (next) {
        node.ends.push({ dev: 'eth1', cidr: `${inChain(4 * i + 1)}/30` })
        next.ends.push({ dev: 'eth0', cidr: `${inChain(4 * i + 2)}/30` })
        cables.push([node, 'eth1', next, 'eth0'])
        node.routes.push(['default', inChain(4 * i + 2)])
      }
      if (i) node.routes.push(['10.0.0.1/32', inChain(4 * (i - 1) + 1)])
    }
  else {
    const hub = { name: 'sw', forward: true, bridge: `${inStar(1)}/16`, ends: [], routes: [] }
    for (const [i, node] of nodes.entries()) {
      node.ends.push({ dev: 'eth0', cidr: `${inStar(i + 2)}/16` })
      node.routes.push(['default', inStar(1)])
      hub.ends.push({ dev: `n${i}~eth0`, port: true })
      cables.push([node, 'eth0', hub, `n${i}~eth0`])
    }
    nodes.push(hub)
  }
  return { shape, size, nodes, cables }
}

/** A lab file; `changed`: with one address more. */
export function yaml({ shape, size, nodes, cables }, changed = false) {
  const of = (node, dev) => node.ends.find((end) => end.dev === dev)
  const end = (node, dev) => (of(node, dev).port ? `${node.name}:br0: ` : `${node.name}:${dev}: ${of(node, dev).cidr}`)
  const lines = [`name: ${shape}-${size}`, 'namespaces:']
  for (const [i, { name, forward, bridge, routes }] of nodes.entries()) {
    lines.push(`  ${name}:`)
    lines.push(`    forwarding: ${forward ? 'ipv4' : 'false'}`)
    if (changed && i === 0) lines.push('    interfaces:', `      lo: ${CHANGE}`)
    if (bridge)
      lines.push('    bridges:', `      br0: ${bridge}`, '    iptables:', '      restore: firewall.iptables-save')
    if (routes.length) lines.push('    routes:')
    for (const [to, via] of routes) lines.push(`      - { to: ${to}, via: ${via} }`)
  }
  lines.push('links:')
  for (const [a, ifA, b, ifB] of cables) lines.push(`  - endpoints: { ${end(a, ifA)}, ${end(b, ifB)} }`)
  return `${lines.join('\n')}\n`
}

/** The input of `rtnl`: numbers of namespaces and indexes of interfaces, so that it looks nothing up. */
export function records({ nodes, cables }) {
  const number = new Map(nodes.map((node, i) => [node, i]))
  const first = (node) => (node.bridge ? 3 : 2)
  const index = (node, dev) => first(node) + node.ends.findIndex((end) => end.dev === dev)
  return [
    ...nodes.map(({ name, forward }, i) => `N ${i} ${name} ${Number(forward)}`),
    ...nodes.flatMap((node, i) =>
      node.bridge ? [`B ${i} 2 br0`, `A ${i} 2 ${node.bridge.replace('/', ' ')}`, `F ${i}`] : [],
    ),
    ...cables.map(([a, ifA, b, ifB]) => {
      // The end that is created first can be made a port when it is created.
      const [[x, ifX], [y, ifY]] = b.bridge
        ? [
            [b, ifB],
            [a, ifA],
          ]
        : [
            [a, ifA],
            [b, ifB],
          ]
      return `V ${number.get(x)} ${index(x, ifX)} ${ifX} ${number.get(y)} ${index(y, ifY)} ${ifY} ${x.bridge ? 2 : 0}`
    }),
    ...nodes.flatMap((node, i) => [
      ...node.ends.flatMap(({ dev, cidr }) => (cidr ? [`A ${i} ${index(node, dev)} ${cidr.replace('/', ' ')}`] : [])),
      ...node.routes.map(([to, via]) => `R ${i} ${to === 'default' ? '0.0.0.0 0' : to.replace('/', ' ')} ${via}`),
    ]),
    '',
  ].join('\n')
}

/** `ip` commands that a person would type: `[namespace, words]`; without a namespace, on the machine. */
function commands({ nodes, cables }) {
  return [
    ...nodes.map(({ name }) => [undefined, `netns add ${name}`]),
    ...cables.map(([a, ifA, b, ifB]) => [
      undefined,
      `link add name ${ifA} netns ${a.name} type veth peer name ${ifB} netns ${b.name}`,
    ]),
    ...nodes.flatMap(({ name, bridge, ends, routes }) =>
      [
        'link set dev lo up',
        ...(bridge ? ['link add name br0 type bridge', 'link set dev br0 up', `addr add ${bridge} dev br0`] : []),
        ...ends.flatMap(({ dev, cidr, port }) => [
          `link set dev ${dev} ${port ? 'master br0 ' : ''}up`,
          ...(cidr ? [`addr add ${cidr} dev ${dev}`] : []),
        ]),
        ...routes.map(([to, via]) => `route add ${to} via ${via}`),
      ].map((words) => [name, words]),
    ),
  ]
}

const forwarding = ({ nodes }) => nodes.filter(({ forward }) => forward).map(({ name }) => name)
const enter = (name) => `nsenter --net=/run/netns/${name}`
const READ =
  'ip -j -d link; ip -j addr; ip -j route show table all; cat /proc/sys/net/ipv4/ip_forward; nft list ruleset'
const rules = ({ nodes }) =>
  nodes.filter(({ bridge }) => bridge).map(({ name }) => `${enter(name)} iptables-restore <firewall.iptables-save`)

/** A script with one process per command, as it is typed by hand. */
export function byHand(it) {
  return {
    build: [
      ...commands(it).map(([netns, words]) => `ip ${netns ? `-n ${netns} ` : ''}${words}`),
      ...forwarding(it).map((name) => `ip netns exec ${name} sysctl -qw net.ipv4.ip_forward=1`),
      ...rules(it),
    ],
    read: it.nodes.flatMap(({ name }) => READ.split('; ').map((words) => `ip netns exec ${name} ${words}`)),
    change: [`ip -n n0 addr add ${CHANGE} dev lo`],
    destroy: it.nodes.map(({ name }) => `ip netns del ${name}`),
  }
}

/** A script with as few processes as `ip -batch` allows: one for what is made on the machine, one per namespace. */
export function batched(it) {
  const all = commands(it)
  const batch = (of) => `ip -batch - <<E\n${of.join('\n')}\nE`
  const isForwarding = new Set(forwarding(it))
  return {
    build: [
      batch(all.filter(([netns]) => netns === undefined).map(([, words]) => words)),
      ...it.nodes.map(({ name }) => {
        const words = all.filter(([netns]) => netns === name).map(([, one]) => one)
        const forward = isForwarding.has(name) ? 'echo 1 >/proc/sys/net/ipv4/ip_forward; ' : ''
        return `${enter(name)} sh -c '${forward}exec ip -batch -' <<E\n${words.join('\n')}\nE`
      }),
      ...rules(it),
    ],
    read: it.nodes.map(({ name }) => `${enter(name)} sh -c '${READ}'`),
    change: [`ip -n n0 addr add ${CHANGE} dev lo`],
    destroy: [batch(it.nodes.map(({ name }) => `netns del ${name}`))],
  }
}

/** Where a word is used: at the top of a file, in a namespace, an interface, a bridge, a link, a process, a route or a check. */
export type Surroundings = 'file' | 'namespace' | 'interface' | 'bridge' | 'link' | 'process' | 'route' | 'check'

const PROCESS =
  'Programs that run in a namespace are its processes: processes: { NAME: { command: [PROGRAM, ARGUMENT] } }.'
const ADDRESS =
  'Put the address, with its prefix length, at the end of a link: endpoints: { NAMESPACE:eth0: 10.0.0.2/24 }.'
const GATEWAY = 'A gateway is a route: routes: [{ to: default, via: 10.0.0.1 }].'
const NODES = 'netlab calls them namespaces: namespaces: { NAME: , NAME: }.'
const ENDS = 'A link has two ends: endpoints: [NAMESPACE:INTERFACE, NAMESPACE:INTERFACE].'
const SLOW = 'Delay, loss and rate are impairments: impairments: { delay: 20ms, loss: 1%, rate: 10mbit }.'
const SUBNET = 'The prefix length of an address defines the subnet: addresses: [172.18.0.1/16].'
const NEEDLESS = 'Leave it out: a namespace uses the programs of this machine.'

/** Words of docker compose, containerlab, Mininet and others, and how to say in netlab what they say there. */
const words: Readonly<Record<Surroundings, Readonly<Record<string, string>>>> = {
  file: {
    services: `${NODES} ${PROCESS}`,
    networks:
      'A network is a bridge with its links: namespaces: { NAME: { bridges: { br0: 172.18.0.1/16 } } }, and links: [{ endpoints: [web:eth0, NAME:br0] }].',
    volumes: 'Leave it out: programs use the files of this machine.',
    topology: 'Write its nodes as namespaces and its links as links, both at the top of the file.',
    nodes: NODES,
    hosts: NODES,
    routers: `${NODES} A router has forwarding: true.`,
    containers: NODES,
    devices: NODES,
    switches: 'A switch is a namespace with a bridge: namespaces: { sw: { bridges: { br0: } } }.',
    bridges: 'A bridge is in a namespace: namespaces: { sw: { bridges: { br0: } } }.',
    interfaces: 'An interface is in a namespace, most often as the end of a link.',
    routes: 'Routes are in a namespace: namespaces: { NAME: { routes: [{ to: default, via: 10.0.0.1 }] } }.',
    processes: 'Processes are in a namespace: namespaces: { NAME: { processes: … } }.',
    edges: 'netlab calls them links.',
    connections: 'netlab calls them links.',
    tests: 'netlab calls them checks.',
    version: 'Leave it out: every version of netlab reads every lab.',
    mgmt: 'Leave it out: netlab shell NAME enters a namespace without a network.',
  },
  namespace: {
    image: NEEDLESS,
    build: NEEDLESS,
    kind: 'Leave it out: every node is a Linux network namespace. A bridge is in a namespace: bridges: { br0: }.',
    container_name: 'Leave it out: the key is the name.',
    name: 'Leave it out: the key is the name.',
    ports:
      'A published port is a rule: iptables: { nat: { PREROUTING: [-p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80] } } in the router. See labs/07-published-ports.yaml.',
    expose: 'Leave it out: every port is reachable unless a firewall rule blocks it.',
    networks:
      'Connect the namespace to the network’s bridge by a link: links: [{ endpoints: { web:eth0: 172.18.0.2/16, NAME:br0: } }].',
    network_mode:
      'For none, give the namespace no links; for host, write root: true; for container:X, write shares: X.',
    links: 'Put links at the top of the file, beside namespaces.',
    endpoints: 'Put links at the top of the file, beside namespaces.',
    command: PROCESS,
    cmd: PROCESS,
    entrypoint: PROCESS,
    exec: PROCESS,
    environment: 'Put variables at a process: processes: { NAME: { command: … , env: { KEY: VALUE } } }.',
    env: 'Put variables at a process: processes: { NAME: { command: … , env: { KEY: VALUE } } }.',
    depends_on:
      'Leave it out: netlab derives the order from the lab. To wait until a process is ready, set ready at the process.',
    healthcheck: 'To wait until a process is ready, set ready at the process; to test it, write checks.',
    volumes: NEEDLESS,
    binds: NEEDLESS,
    privileged: NEEDLESS,
    cap_add: NEEDLESS,
    'startup-config': NEEDLESS,
    ip: ADDRESS,
    ipv4: ADDRESS,
    ipv6: ADDRESS,
    address: ADDRESS,
    addresses: ADDRESS,
    ipv4_address: ADDRESS,
    ipv6_address: ADDRESS,
    'mgmt-ipv4': ADDRESS,
    gateway: GATEWAY,
    default_gateway: GATEWAY,
    gw: GATEWAY,
    ip_forward: 'Write forwarding: true.',
    router: 'Write forwarding: true.',
    vlans: 'Set vlans at the end of the link that is the bridge’s port.',
    firewall: 'Write rules under iptables, ip6tables or nftables.',
    type: 'Leave it out: a router has forwarding: true, a switch has bridges: { br0: }.',
  },
  interface: {
    ip: 'Write addresses: [10.0.0.2/24].',
    ipv4: 'Write addresses: [10.0.0.2/24].',
    ipv6: 'Write addresses: ["fd00::2/64"].',
    ipv4_address: 'Write addresses: [10.0.0.2/24].',
    ipv6_address: 'Write addresses: ["fd00::2/64"].',
    address: 'Write addresses: [10.0.0.2/24].',
    cidr: 'Write addresses: [10.0.0.2/24].',
    netmask: 'Write the netmask as a prefix length: addresses: [10.0.0.2/24].',
    subnet: SUBNET,
    gateway: `A route belongs to the namespace. ${GATEWAY}`,
    mac_address: 'netlab calls it mac.',
    hwaddr: 'netlab calls it mac.',
    lladdr: 'netlab calls it mac.',
    state: 'Write up: true or up: false.',
    enabled: 'Write up: true or up: false.',
    delay: SLOW,
    loss: SLOW,
    rate: SLOW,
    bandwidth: SLOW,
    bw: SLOW,
  },
  bridge: {
    ports: 'Each port is a link that ends in the bridge: links: [{ endpoints: [h1:eth0, NAMESPACE:br0] }].',
    interfaces: 'Each port is a link that ends in the bridge: links: [{ endpoints: [h1:eth0, NAMESPACE:br0] }].',
    subnet: SUBNET,
    ipam: SUBNET,
    gateway: 'The gateway of a bridge’s hosts is its own address: addresses: [172.18.0.1/16].',
    driver: 'Leave it out.',
    stp_state: 'netlab calls it stp.',
  },
  link: {
    type: 'Leave it out: a link is a pair of veth interfaces.',
    kind: 'Leave it out: a link is a pair of veth interfaces.',
    a: ENDS,
    b: ENDS,
    from: ENDS,
    to: ENDS,
    source: ENDS,
    target: ENDS,
    nodes: ENDS,
    interfaces: ENDS,
    ends: ENDS,
    addresses: ADDRESS,
    ip: ADDRESS,
    ipv4: ADDRESS,
    ipv6: ADDRESS,
    ipv4_address: ADDRESS,
    subnet: ADDRESS,
    gateway: `A route belongs to a namespace. ${GATEWAY}`,
    delay: SLOW,
    latency: SLOW,
    loss: SLOW,
    rate: SLOW,
    bandwidth: SLOW,
    bw: SLOW,
    vlan: 'Set it at the end of the link that is the bridge’s port: vlans: [10].',
    name: 'Leave it out: netlab identifies a link by its ends.',
  },
  process: {
    image: NEEDLESS,
    cmd: 'netlab calls it command.',
    exec: 'netlab calls it command.',
    args: 'Write arguments in the command: command: [PROGRAM, ARGUMENT].',
    environment: 'netlab calls it env.',
    working_dir: 'netlab calls it cwd.',
    workdir: 'netlab calls it cwd.',
  },
  route: {
    gateway: 'netlab calls it via.',
    gw: 'netlab calls it via.',
    nexthop_address: 'netlab calls it via.',
    next_hop: 'netlab calls it via.',
    destination: 'netlab calls it to.',
    dst: 'netlab calls it to.',
    dest: 'netlab calls it to.',
    network: 'netlab calls it to.',
    prefix: 'netlab calls it to.',
    interface: 'netlab calls it dev.',
    device: 'netlab calls it dev.',
    iface: 'netlab calls it dev.',
  },
  check: {
    source: 'netlab calls it from.',
    src: 'netlab calls it from.',
    command: 'netlab calls it run.',
    exec: 'netlab calls it run.',
    host: 'Write ping: HOST, tcp: HOST:PORT, udp: HOST:PORT or run: COMMAND.',
    target: 'Write ping: HOST, tcp: HOST:PORT, udp: HOST:PORT or run: COMMAND.',
    result: 'netlab calls it expect.',
  },
}

/** How netlab says what this word of other programs says; undefined where it is not known. */
export const foreignWord = (where: Surroundings | undefined, word: string): string | undefined => {
  const here = where && words[where]
  return here && Object.hasOwn(here, word) ? here[word] : undefined
}

/** The surroundings of a field, by the path of the map that contains it. */
export function surroundingsOf(path: readonly (string | number)[]): Surroundings | undefined {
  const [top, name, part, , ...deeper] = path
  if (top === undefined) return 'file'
  if (top === 'links') return path.length === 2 ? 'link' : path.length === 4 ? 'interface' : undefined
  if (top === 'checks') return path.length === 2 ? 'check' : undefined
  if (top !== 'namespaces' || name === undefined || deeper.length) return undefined
  if (part === undefined) return 'namespace'
  const parts: Readonly<Record<string, Surroundings>> = {
    interfaces: 'interface',
    bridges: 'bridge',
    processes: 'process',
    routes: 'route',
  }
  return path.length === 4 ? parts[part] : undefined
}

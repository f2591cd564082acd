import type { HandMade } from './links.ts'

const [MAC, OTHER] = ['02:00:00:00:ee:01', '02:00:00:00:ee:02']

/** What only a device that is made anew gets: its entry in the lab, what `ip link add` gets by hand, and the fields that differ. */
type Made = readonly [entry: Record<string, unknown>, by: string, ...fields: string[]]

const v4 = { local: '10.0.0.1', remote: '10.0.0.2' }
const by4 = 'local 10.0.0.1 remote 10.0.0.2'
const v6 = { local: 'fd00::1', remote: 'fd00::2' }
const by6 = 'local fd00::1 remote fd00::2'
const group = { local: '10.0.0.1', group: '239.0.0.1', link: 'e0' }
const group6 = { local: 'fd00::1', group: 'ff05::1', link: 'e0' }

const vxlans: readonly Made[] = [
  [v4, `id 99 ${by4}`, 'id'],
  [v4, 'local 10.0.0.3 remote 10.0.0.2', 'local'],
  [v4, 'local 10.0.0.1 remote 10.0.0.9', 'remote'],
  [v6, 'local fd00::3 remote fd00::2', 'local'],
  [v6, 'local fd00::1 remote fd00::9', 'remote'],
  [group, 'local 10.0.0.1 group 239.0.0.2 dev e0', 'group'],
  [group, 'local 10.0.0.1 group 239.0.0.1 dev e1', 'link'],
  [group6, 'local fd00::1 group ff05::2 dev e0', 'group'],
  [v4, `${by4} dstport 4790`, 'dstport'],
  [v4, `${by4} ttl 7`, 'ttl'],
  [v4, `${by4} nolearning`, 'learning'],
  [v6, `${by6} flowlabel 5`, 'label'],
  [v4, `${by4} df set`, 'df'],
  [v4, `${by4} proxy`, 'proxy'],
  [v4, `${by4} rsc`, 'rsc'],
  [v4, `${by4} l2miss`, 'l2miss'],
  [v4, `${by4} l3miss`, 'l3miss'],
  [v4, `${by4} gbp`, 'gbp'],
  [v4, `${by4} noudpcsum`, 'udpcsum'],
  [v6, `${by6} udp6zerocsumtx`, 'udp6zerocsumtx'],
  [v6, `${by6} udp6zerocsumrx`, 'udp6zerocsumrx'],
]
const idOf = (n: number): number => 100 + n
/** Each has its own: those of one share a socket, and with it some settings (vxlan_find_sock in drivers/net/vxlan/vxlan_core.c). */
const portOf = (n: number): number => 5000 + n
const nameOf = (n: number): string => `v${n}`

/** Devices that somebody made anew with something else. */
export const madeLab = {
  namespaces: {
    v: {
      interfaces: {
        ...Object.fromEntries(
          vxlans.map(([entry], n) => [
            nameOf(n),
            { type: 'vxlan', id: idOf(n), dstport: portOf(n), mac: MAC, ...entry },
          ]),
        ),
        mv0: { type: 'macvlan', link: 'e0', mac: MAC },
        mv1: { type: 'macvlan', link: 'e0', mac: OTHER },
        tap0: { type: 'tap', user: 'root' },
        tap1: { type: 'tap' },
      },
    },
    w: {},
    x: {},
    y: { bridges: { br0: {} } },
  },
  links: [
    { endpoints: { 'v:e0': ['10.0.0.1/24', '10.0.0.3/24', 'fd00::1/64', 'fd00::3/64'], 'w:e0': null } },
    { endpoints: { 'v:e1': null, 'w:e1': null } },
    { endpoints: { 'x:e0': { mac: MAC }, 'y:e0': null } },
    { endpoints: { 'x:e1': null, 'y:e1': null } },
    { endpoints: { 'x:e3': { mac: MAC, queues: 2 }, 'y:e3': { mac: OTHER } } },
    { endpoints: { 'x:e2': null, 'y:br0': { mdb: [{ grp: '239.1.1.1' }] } } },
  ],
}

const made = (name: string, words: string): string =>
  `sh -c 'ip link del ${name}; ip link add ${name} ${words}; ip link set ${name} up'`

export const madeChanges: readonly HandMade[] = [
  ...vxlans.map(([, by, ...fields], n): HandMade => {
    const add = `address ${MAC} type vxlan ${by.startsWith('id ') ? '' : `id ${idOf(n)} `}${by}`
    const words = by.includes('dstport') ? add : `${add} dstport ${portOf(n)}`
    return ['v', made(nameOf(n), words), ...fields.map((field) => `${nameOf(n)} ${field}`)]
  }),
  ['v', made('mv0', `link e0 address ${MAC} type macvlan mode private`), 'mv0 mode'],
  ['v', made('mv1', `link e1 address ${OTHER} type macvlan mode bridge`), 'mv1 link'],
  ['v', "sh -c 'ip link del tap0; ip tuntap add tap0 mode tap user nobody; ip link set tap0 up'", 'tap0 user'],
  ['v', "sh -c 'ip link del tap1; ip tuntap add tap1 mode tun'", 'tap1 kind'],
  ['x', made('e0', `address ${MAC} type veth peer name e9 netns y`), 'e0 peer'],
  ['y', 'true', 'e0 create', 'e9 delete'],
  [
    'y',
    "sh -c 'bridge mdb del dev br0 port x~e2 grp 239.1.1.1; bridge mdb add dev br0 port x~e2 grp 239.1.1.1 temp'",
    'x~e2/mdb/239.1.1.1 state',
  ],
  ['y', 'ip link set e1 netns w name e7', 'e1 create'],
  ['x', 'true', 'e1 peer'],
  ['w', 'true', 'e7 delete'],
  [
    'x',
    made('e3', `address ${MAC} numtxqueues 3 numrxqueues 4 type veth peer name e3 netns y address ${OTHER}`),
    'e3 queues',
  ],
  ['y', 'ip link set e3 up', 'e3 replace'],
]

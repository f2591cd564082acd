import type { HandMade } from './links.ts'

/** Rules, each with a priority of its own, and what somebody makes of it. */
const rules: readonly (readonly [rule: object, id: string, changed: string, changedId: string])[] = [
  [{ from: '10.0.0.0/8' }, 'from 10.0.0.0/8', 'from 11.0.0.0/9', 'from 11.0.0.0/9'],
  [{ to: '10.0.0.0/8' }, 'to 10.0.0.0/8', 'to 11.0.0.0/9', 'to 11.0.0.0/9'],
  [{ from: '10.1.0.0/16' }, 'from 10.1.0.0/16', 'not from 10.1.0.0/16', 'from 10.1.0.0/16 not'],
  [{ iif: 'lo' }, 'iif lo', 'oif lo', 'oif lo'],
  [{ fwmark: 1 }, 'fwmark 0x1', 'fwmark 1/0xff', 'fwmark 0x1/0xff'],
  [{ fwmark: 1 }, 'fwmark 0x1', 'fwmark 2', 'fwmark 0x2'],
  [{ tos: 16 }, 'tos 0x10', 'tos 0x8', 'tos 0x8'],
  [{ uidrange: '5-9' }, 'uidrange 5-9', 'uidrange 4-8', 'uidrange 4-8'],
  [{ ipproto: 'tcp' }, 'ipproto 6', 'ipproto udp', 'ipproto 17'],
  [{ sport: 5 }, 'sport 5', 'sport 6-7', 'sport 6-7'],
  [{ dport: '5-8' }, 'dport 5-8', 'dport 6', 'dport 6'],
  [{ sport: '5-8' }, 'sport 5-8', 'sport 6-9', 'sport 6-9'],
  [{ dport: 5 }, 'dport 5', 'dport 6-7', 'dport 6-7'],
  [{ tun_id: 5 }, 'tun_id 5', 'tun_id 6', 'tun_id 6'],
  [{ suppress_prefixlength: 0 }, 'suppress_prefixlength 0', 'suppress_prefixlength 1', 'suppress_prefixlength 1'],
  [{ suppress_ifgroup: 4 }, 'suppress_ifgroup 4', 'suppress_ifgroup 5', 'suppress_ifgroup 5'],
  [{ realms: '1/2' }, 'realms 1/2', 'realms 3/4', 'realms 3/4'],
]
const priority = (i: number): number => 100 + i
/** Rules of which the target changes: its words, and those in the id. */
const targets: readonly (readonly [rule: object, id: string, changed: string, changedId: string])[] = [
  [{ from: '10.2.0.0/16', table: 7 }, 'from 10.2.0.0/16 table 7', 'table 8', 'table 8'],
  [{ from: '10.2.0.0/16', table: 7 }, 'from 10.2.0.0/16 table 7', 'blackhole', 'blackhole'],
  [{ from: '10.2.0.0/16', goto: 1000 }, 'from 10.2.0.0/16 goto 1000', 'goto 2000', 'goto 2000'],
  [{ from: '10.2.0.0/16', table: 7 }, 'from 10.2.0.0/16 table 7', 'l3mdev', 'l3mdev'],
  [{ from: '10.2.0.0/16', nop: true }, 'from 10.2.0.0/16 nop', 'table 7', 'table 7'],
]
const all = [
  ...rules.map(([rule, id, changed, changedId], i) => ({
    ...{ rule: { priority: priority(i), table: 7, ...rule }, id: `${priority(i)} ${id} table 7` },
    ...{ words: `${changed} table 7`, after: `${priority(i)} ${changedId} table 7` },
  })),
  ...targets.map(([rule, id, words, changedId], n) => {
    const i = rules.length + n
    return {
      ...{ rule: { priority: priority(i), ...rule }, id: `${priority(i)} ${id}` },
      ...{ words: `from 10.2.0.0/16 ${words}`, after: `${priority(i)} from 10.2.0.0/16 ${changedId}` },
    }
  }),
]

/** Namespaces of rules, nexthop objects, neighbours and rates. */
export const objectsLab = {
  namespaces: {
    p: { rules: [...all.map(({ rule }) => rule), ...[1000, 2000, 3000].map((one) => ({ priority: one, nop: true }))] },
    r: {
      nexthops: [
        { id: 1, via: '10.0.0.2' },
        { id: 2, via: '10.0.0.3' },
        { id: 3, blackhole: true },
        { id: 4, via: '10.0.0.9', fdb: true },
        { id: 5, via: '10.0.0.2' },
        { id: 6, via: '10.0.0.3', encap: 'ip id 7 dst 10.0.0.9 ttl 4' },
        { id: 7, via: '10.0.0.2' },
        { id: 8, via: '10.0.0.2' },
        { id: 9, blackhole: true },
        { id: 10, blackhole: true },
        { id: 20, group: [1, 2] },
        { id: 23, group: [5, 7] },
        { id: 21, group: [1], type: 'resilient', buckets: 4 },
      ],
    },
    q: {
      neighbors: [11, 12, 13, 14].map((n) => ({ to: `10.0.0.${n}`, lladdr: '02:00:00:00:00:11', dev: 'e0' })),
    },
  },
  links: [
    { endpoints: { 'r:e0': '10.0.0.1/24', 'q:e0': ['10.0.0.2/24', '10.0.0.3/24', 'fd01::1/64'] } },
    { endpoints: { 'r:e1': null, 'q:e1': null } },
    ...[10, 11, 12, 13, 14].map((n) => ({
      endpoints: { [`r:e${n}`]: { impairments: { rate: '10mbit', burst: '32kb' } }, [`q:e${n}`]: null },
    })),
    {
      endpoints: {
        'r:e15': { impairments: { rate: '10mbit', to: { '10.3.0.0/16': { rate: '5mbit' } } } },
        'q:e15': null,
      },
    },
  ],
}

const nexthop = (words: string, ...differences: string[]): HandMade => ['r', `ip nexthop ${words}`, ...differences]
const tbf = (n: number, words: string, ...fields: string[]): HandMade => [
  'r',
  `tc qdisc change dev e${n} root tbf ${words}`,
  ...fields.map((field) => `e${n}/qdisc ${field}`),
]

export const objectChanges: readonly HandMade[] = [
  ...all.map(({ id, words, after }): HandMade => {
    const [number = ''] = after.split(' ')
    const add = words.startsWith('from 10.2.0.0/16 nop') ? words : `${words} priority ${number}`
    return [
      'p',
      `sh -c 'ip rule del priority ${number}; ip rule add ${add}'`,
      `rule/${id} create`,
      `rule/${after} delete`,
    ]
  }),
  ['p', 'ip rule del priority 3000', 'rule/3000 nop create'],
  ['p', 'ip rule add priority 3001 table 7', 'rule/3001 table 7 delete'],
  nexthop('del id 10', 'nexthop/10 create'),
  nexthop('replace id 1 via 10.0.0.9 dev e0', 'nexthop/1 via'),
  nexthop('replace id 2 via 10.0.0.3 dev e0 onlink', 'nexthop/2 onlink'),
  nexthop('replace id 7 dev e1', 'nexthop/7 via', 'nexthop/7 dev'),
  nexthop('replace id 8 encap seg6 mode encap segs fd00::9 via 10.0.0.2 dev e0', 'nexthop/8 encap'),
  nexthop('replace id 6 encap ip id 7 dst 10.0.0.8 ttl 5 via 10.0.0.3 dev e0', 'nexthop/6 encap'),
  nexthop('replace id 20 group 1', 'nexthop/20 group'),
  [
    'r',
    "sh -c 'ip nexthop del id 23; ip nexthop add id 23 group 5/7 type resilient buckets 4'",
    'nexthop/23 type',
    'nexthop/23 buckets',
  ],
  [
    'r',
    "sh -c 'ip nexthop del id 3; ip nexthop add id 3 via 10.0.0.2 dev e0'",
    'nexthop/3 blackhole',
    'nexthop/3 via',
    'nexthop/3 dev',
  ],
  ['r', "sh -c 'ip nexthop del id 9; ip -6 nexthop add id 9 blackhole'", 'nexthop/9 family'],
  ['r', "sh -c 'ip nexthop del id 4; ip nexthop add id 4 via 10.0.0.9 dev e0'", 'nexthop/4 fdb', 'nexthop/4 dev'],
  nexthop('replace id 21 group 1 type resilient buckets 4 idle_timer 7', 'nexthop/21 idle_timer'),
  tbf(10, 'rate 20mbit burst 32kb latency 50ms', 'rate', 'limit'),
  tbf(11, 'rate 10mbit burst 64kb latency 50ms', 'burst', 'limit'),
  tbf(12, 'rate 10mbit burst 32kb latency 50ms overhead 3 linklayer atm', 'burst', 'limit', 'other'),
  tbf(13, 'rate 10mbit burst 32kb latency 50ms peakrate 20mbit mtu 2000', 'limit', 'other'),
  ['r', 'ip addr add 10.98.0.1/32 dev e14', 'e14/10.98.0.1/32 delete'],
  ['r', 'tc qdisc replace dev e14 root pfifo', 'e14/qdisc kind'],
  ['r', 'tc qdisc replace dev e15 root handle 7: htb', 'e15/qdisc kind', 'e15/qdisc to 10.3.0.0/16'],
  [
    'q',
    "sh -c 'ip addr flush dev e0; ip addr add 10.0.0.3/24 dev e0; ip addr add 10.0.0.2/24 dev e0'",
    'e0/10.0.0.2/24 primary',
    'e0/10.0.0.3/24 primary',
  ],
  ['q', 'ip addr change fd01::1/64 dev e0 mngtmpaddr', 'e0/fd01::1/64 mngtmpaddr'],
  ['q', 'ip neigh replace 10.0.0.11 lladdr 02:00:00:00:00:11 dev e0 proto zebra', 'e0/neighbor/10.0.0.11 protocol'],
  ['q', 'ip neigh replace 10.0.0.12 lladdr 02:00:00:00:00:11 dev e0 nud stale', 'e0/neighbor/10.0.0.12 create'],
  [
    'q',
    'ip neigh replace 10.0.0.13 lladdr 02:00:00:00:00:11 dev e0 extern_learn',
    'e0/neighbor/10.0.0.13 extern_learn',
  ],
  [
    'q',
    'ip neigh replace 10.0.0.14 lladdr 02:00:00:00:00:11 dev e0 managed',
    'e0/neighbor/10.0.0.14 lladdr',
    'e0/neighbor/10.0.0.14 managed',
  ],
]

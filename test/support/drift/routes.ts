import type { HandMade } from './links.ts'

/**
 * What somebody does to one of the lab's routes behind its back: `ip route …` with N for the number of the row, and what of the
 * route has then changed (nothing: the change is the one in the key).
 */
const changed: readonly (readonly [string, ...string[]])[] = [
  ['replace 10.1.N.0/24 via 10.0.0.2 advmss 400 initcwnd 2', 'advmss', 'initcwnd'],
  ['replace 10.1.N.0/24 via 10.0.0.2 window 1000', 'window'],
  ['replace 10.1.N.0/24 via 10.0.0.2 mtu lock 1400', 'mtu'],
  ['replace 10.1.N.0/24 via 10.0.0.2 mtu 1400 rtt 100ms rttvar 50ms ssthresh 10', 'mtu', 'rtt', 'rttvar', 'ssthresh'],
  ['replace 10.1.N.0/24 via 10.0.0.2 cwnd lock 5 reordering 4 hoplimit 9', 'cwnd', 'reordering', 'hoplimit'],
  ['replace 10.1.N.0/24 via 10.0.0.2 initrwnd 4 quickack 1 rto_min 2s', 'rto_min', 'initrwnd', 'quickack'],
  ['replace 10.1.N.0/24 via 10.0.0.2 congctl lock reno features ecn', 'features', 'congctl'],
  ['replace 10.1.N.0/24 via 10.0.0.2 fastopen_no_cookie 1', 'fastopen_no_cookie'],
  ['replace 10.1.N.0/24 via 10.0.0.2 realms 3/4', 'realm'],
  ['replace 10.1.N.0/24 dev e0', 'via'],
  ['replace throw 10.1.N.0/24', 'type', 'via', 'dev'],
  ['replace blackhole 10.1.N.0/24', 'type', 'via', 'dev'],
  ['replace multicast 10.1.N.0/24 dev e0', 'type', 'via'],
  ['replace 10.1.N.0/24 via 10.0.0.2 dev e0 onlink', 'onlink'],
  ['replace 10.1.N.0/24 via 10.0.0.2 src 10.0.0.3', 'src'],
  ['replace 10.1.N.0/24 nhid 10', 'via', 'dev', 'nexthop'],
  ['replace 10.1.N.0/24 nhid 12', 'via', 'dev', 'nexthop'],
  ['replace 10.1.N.0/24 nexthop via 10.0.0.2 weight 2 nexthop via 10.0.0.3 realm 3', 'via', 'dev', 'nexthops'],
  ['replace 10.1.N.0/24 encap seg6 mode encap segs fd00::9 via 10.0.0.2', 'encap'],
  ['replace 10.1.N.0/24 encap ip id 7 dst 10.0.0.9 ttl 4 key via 10.0.0.2', 'encap'],
  ['replace 10.1.N.0/24 via inet6 fd00::2', 'via'],
  ['replace 10.1.N.0/24 via 10.0.0.2 proto zebra', 'protocol'],
  ['replace fd00:1:N::/64 via fd00::2 hoplimit 9 advmss 1000', 'advmss', 'hoplimit'],
  ['replace fd00:1:N::/64 via fd00::2 pref high', 'pref'],
  ['replace fd00:1:N::/64 encap seg6 mode inline segs fd00::8,fd00::9 via fd00::2', 'encap'],
  ['replace fd00:1:N::/64 encap seg6local action End.DT6 table 100 dev e0', 'via', 'encap'],
  ['replace fd00:1:N::/64 encap ip6 id 7 dst fd00::9 hoplimit 3 via fd00::2', 'encap'],
  ['replace fd00:1:N::/64 nhid 11', 'via', 'dev', 'nexthop'],
]

/** What somebody adds, and the id of what is then to be deleted. */
const added: Readonly<Record<string, string>> = {
  'append 10.1.0.0/24 via 10.0.0.3': '10.1.0.0/24 #2',
  'append throw 10.1.0.0/24': '10.1.0.0/24 #3',
  'add 10.2.0.0/24 tos 0x10 via 10.0.0.2': '10.2.0.0/24 tos 0x10',
  'add 10.2.0.0/24 tos 0x8 via 10.0.0.2': '10.2.0.0/24 tos 0x8',
  'add throw 10.3.0.0/24 metric 7': '10.3.0.0/24 metric 7',
  'add 10.4.0.0/24 nhid 10 table 9': '10.4.0.0/24 table 9',
  'add 10.5.0.0/24 nhid 13': '10.5.0.0/24',
  'add broadcast 10.6.0.255 dev e0': '10.6.0.255/32 table 255',
  'add anycast fd00:6::1 dev e0': 'fd00:6::1/128 table 255',
  'add multicast 239.1.0.0/16 dev e0': '239.1.0.0/16',
  'add fd00:7::/64 from fd00::/64 via fd00::2': 'fd00:7::/64 from fd00::/64',
  'add fd00:8::/64 nhid 11': 'fd00:8::/64',
  'add throw fd00:9::/64': 'fd00:9::/64',
  'add 10.7.0.0/24 encap seg6 mode encap segs fd00::9 dev e0': '10.7.0.0/24',
  'add fd00:a::/64 dev e0 mtu 1400': 'fd00:a::/64',
  'append fd00:a::/64 dev lo': 'fd00:a::/64 #2',
}

const networks = changed.map(([line], n) => (line.includes('fd00:1:') ? `fd00:1:${n}::/64` : `10.1.${n}.0/24`))
const routes = networks.map((to) => ({ to, via: to.includes(':') ? 'fd00::2' : '10.0.0.2' }))
/** Routes of several ways, and what somebody makes of the second. */
const ways: readonly (readonly [to: string, second: string])[] = [
  ['10.9.0.0/24', 'via inet6 fd00::2 dev e0'],
  ['10.9.1.0/24', 'encap seg6 mode encap segs fd00::9 via 10.0.0.2 dev e0'],
  ['10.9.2.0/24', 'encap ip id 9 dst 10.0.0.9 ttl 5 via 10.0.0.2 dev e0'],
  ['10.9.3.0/24', 'via 10.0.0.2 dev e0 onlink'],
  ['10.9.4.0/24', 'via 10.0.0.2 dev e0 weight 7'],
]
const several = ways.map(([to]) => ({
  to,
  nexthops: [{ via: '10.0.0.2' }, { via: '10.0.0.2', encap: 'ip id 9 dst 10.0.0.9 ttl 4' }],
}))
export const routesLab = (more: readonly object[] = []) => ({
  name: 'routes',
  namespaces: { a: { routes: [...routes, ...several, ...more] }, b: { forwarding: true } },
  links: [
    { endpoints: { 'a:e0': ['10.0.0.1/24', '10.0.0.3/24', 'fd00::1/64'], 'b:e0': ['10.0.0.2/24', 'fd00::2/64'] } },
  ],
})

const nexthops = ['id 10 via 10.0.0.2 dev e0', 'id 11 via fd00::2 dev e0', 'id 12 group 10', 'id 13 blackhole']
const routeWords = [...changed.map(([line], n) => line.replace('N', String(n))), ...Object.keys(added)]

/** All of it as lines of `ip -batch`. */
export const routeLines: readonly string[] = [
  ...nexthops.map((words) => `nexthop replace ${words}`),
  ...routeWords.map((line) => `route ${line}`),
]

export const routeChanges: readonly HandMade[] = [
  ...nexthops.map((words): HandMade => ['a', `ip nexthop replace ${words}`, `nexthop/${words.split(' ')[1]} delete`]),
  ...changed.map(([line, ...fields], n): HandMade => [
    'a',
    `ip route ${line.replace('N', String(n))}`,
    ...fields.map((field) => `route/${networks[n]} ${field}`),
  ]),
  ...ways.map(([to, second]): HandMade => [
    'a',
    `ip route replace ${to} nexthop via 10.0.0.2 dev e0 nexthop ${second}`,
    `route/${to} nexthops`,
  ]),
  ...Object.entries(added).map(([line, id]): HandMade => ['a', `ip route ${line}`, `route/${id} delete`]),
]

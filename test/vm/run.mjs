// What only another kernel can show: run by `npm run test:vm` inside the virtual machine of scripts/vm.sh, where Node is
// ten times slower than outside. So there is one process, and netlab is called as seldom as possible.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { adopt } from './adopt.mjs'
import { drift } from './drift.mjs'
import { faults } from './faults.mjs'
import { trace } from './trace.mjs'

let passed = 0
let failed = 0
function check(what, actual, expected = true) {
  const ok = isDeepStrictEqual(actual, expected)
  if (ok) passed++
  else failed++
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${what}`)
  if (!ok) console.log(`     expected ${JSON.stringify(expected)}\n     actual   ${JSON.stringify(actual)}`)
}

function run(argv) {
  const { status, stdout, stderr } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8' })
  return { code: status, stdout, stderr }
}
const netlab = (...args) => run([process.execPath, 'dist/netlab.cjs', ...args])
function must({ code, stdout, stderr }) {
  if (code !== 0) throw new Error(`exit code ${code}\n${stdout}${stderr}`)
  return stdout
}
const plan = (file) => JSON.parse(must(netlab('plan', file, '--json')))
const actions = (file) => Object.fromEntries(plan(file).changes.map(({ id, action }) => [id, action]))
const sh = (line) => must(run(['sh', '-ec', line]))

/** Apply, plan (empty), checks; break everything at once, exactly that, repair (empty); destroy (nothing left). */
function lifecycle(file, breaks = []) {
  must(netlab('apply', file, '-y'))
  check(`${file}: the plan after apply is empty`, actions(file), {})
  const tests = netlab('test', file, '--json')
  const { summary } = JSON.parse(tests.stdout)
  check(`${file}: ${summary.pass} checks pass${tests.code ? `\n${tests.stdout}` : ''}`, tests.code, 0)
  for (const [line, words, verdict] of readFileSync(file, 'utf8').matchAll(/^#   netlab trace (.+?) +# (\w+): .+$/gm)) {
    const way = JSON.parse(netlab('trace', ...words.split(' '), '--lab', file, '--json').stdout)
    check(
      `${file}: ${line.slice(4)}${way.verdict === verdict ? '' : ` (${JSON.stringify(way.error ?? way.reason)})`}`,
      way.verdict,
      verdict,
    )
  }
  if (breaks.length) {
    for (const [line] of breaks) sh(line)
    check(
      `${file}: what was broken, and nothing else`,
      actions(file),
      Object.assign({}, ...breaks.map(([, ids]) => ids)),
    )
    must(netlab('apply', file, '-y'))
    check(`${file}: it is repaired`, actions(file), {})
  }
  must(netlab('destroy', file, '-y'))
  // The devices of tunnel modules stay; they stand on nothing (@NONE).
  check(`${file}: nothing is left`, sh('ip netns list; ip -o link show | grep -v -e lo: -e @NONE: || true'), '')
}

/** Two sets of impairments in one lab: applied, changed in place, changed by hand. */
function netem() {
  const first = [
    '{ delay: 20ms }',
    '{ delay: 20ms, jitter: 5ms, loss: 1.3%, duplicate: 0.1%, corrupt: 0.7%, reorder: 25% }',
    '{ loss: 33.3333% }',
    '{ loss: 12.345678%, delay: 1234567us }',
    '{ loss: 0.0000001%, corrupt: 100% }',
    '{ delay: 1us, jitter: 7us, rate: 1234567bit, limit: 50 }',
    '{ delay: 274s }',
    '{ limit: 10 }',
    '{ rate: 10mbit, burst: 32kb }',
    '{ rate: 5mbit }',
    '{ delay: 3ms, rate: 5mbit, corrupt: 1%, reorder: 50%, duplicate: 2%, loss: 3% }',
  ]
  // Each is what the one before was, so that options have to go as well as come. Between tbf and netem it is replaced.
  const second = [...first.slice(1), first[0]]
  const file = '/tmp/netem.yaml'
  const write = (all) =>
    writeFileSync(
      file,
      ['namespaces: { a: , b: }', 'links:']
        .concat(all.map((i, n) => `  - endpoints: { a:eth${n}: { impairments: ${i} }, b:eth${n}: { } }`))
        .join('\n'),
    )
  const of = (n) => `a/eth${n}/qdisc`
  write(first)
  must(netlab('apply', file, '-y'))
  check('netem: the plan after apply is empty', actions(file), {})
  write(second)
  const tbf = (text) => /rate/.test(text) && !/delay|loss|corrupt/.test(text)
  const expected = second.map((text, n) => [of(n), tbf(text) === tbf(first[n]) ? 'update' : 'replace'])
  const changed = plan(file)
  check('netem: what differs is changed in place', actions(file), Object.fromEntries(expected))
  check('netem: nothing is removed', changed.steps.filter(({ command }) => / del /.test(command)).length, 0)
  must(netlab('apply', file, '-y'))
  check('netem: the plan after the change is empty', actions(file), {})
  sh('tc -n a qdisc change dev eth0 root netem delay 20ms 5ms loss 2%')
  sh('tc -n a qdisc change dev eth1 root netem loss gemodel 1% 10%')
  sh('tc -n a qdisc del dev eth2 root')
  sh('tc -n b qdisc add dev eth3 root netem delay 1ms')
  const repair = { [of(0)]: 'update', [of(1)]: 'replace', [of(2)]: 'create', 'b/eth3/qdisc': 'delete' }
  check('netem: what was broken, and nothing else', actions(file), repair)
  must(netlab('apply', file, '-y'))
  check('netem: it is repaired', actions(file), {})
  must(netlab('destroy', file, '-y'))
}

/** What packets notice. */
function impaired() {
  const file = '/tmp/slow.yaml'
  const link = '{ a:eth0: 10.0.0.1/24, b:eth0: 10.0.0.2/24 }'
  writeFileSync(file, `namespaces: { a: , b: }\nlinks: [{ endpoints: ${link}, impairments: { delay: 100ms } }]\n`)
  must(netlab('apply', file, '-y'))
  const average = Number(/= [\d.]+\/([\d.]+)/.exec(sh('ip netns exec a ping -q -c 3 -i 0.3 10.0.0.2'))?.[1])
  check(`netem: 100 ms each way are 200 ms and more (${average} ms)`, average >= 200)
  must(netlab('destroy', file, '-y'))
}

/** Impairments by destination: what packets notice of each, changed in place, broken by hand. */
function destinations() {
  const file = '/tmp/destinations.yaml'
  const first =
    'delay: 5ms, to: { db: { delay: 50ms }, 10.1.0.0/16: { delay: 2ms, jitter: 1ms, delay_correlation: 25%, distribution: normal, loss: 20%, loss_correlation: 1% }, 10.1.0.9: { delay: 80ms }, c: }'
  const write = (impairments) =>
    writeFileSync(
      file,
      `namespaces: { a: { routes: [{ to: 10.1.0.0/16, via: 10.0.0.4 }] }, sw: { bridges: { br0: } }, c: , d: { interfaces: { lo: [10.1.0.1/32, 10.1.0.9/32] } }, db: }
links:
  - endpoints: { a:eth0: { addresses: [10.0.0.1/24, "fd00::1/64"], impairments: { ${impairments} } }, sw:br0: }
  - endpoints: { db:eth0: [10.0.0.2/24, "fd00::2/64"], sw:br0: }
  - endpoints: { c:eth0: [10.0.0.3/24], sw:br0: }
  - endpoints: { d:eth0: [10.0.0.4/24], sw:br0: }
`,
    )
  const ping = (to, ...words) => sh(`ip netns exec a ping -q ${words.join(' ')} ${to} || true`)
  // The shortest of several: what the emulated machine takes itself comes on top of the delay.
  const shortest = (text) => Number(/= ([\d.]+)\//.exec(text)?.[1])
  const delay = (to) => shortest(ping(to, '-c 20 -i 0.05'))
  // Beside it a cable with a netem made by hand: its timer is late by as much (docs/kernel.md).
  const byHand = (ms) => {
    if (ms > 0) sh(`tc -n hand1 qdisc replace dev eth0 root netem delay ${ms}ms`)
    return shortest(sh('ip netns exec hand1 ping -q -c 20 -i 0.05 10.9.9.2'))
  }
  const near = (what, to, wanted) => {
    const [ms, hand] = [delay(to) - bases.here, byHand(wanted) - bases.hand].map((value) => Number(value.toFixed(2)))
    check(
      `destinations: ${what} is ${wanted} ms (${ms}; by hand ${hand})`,
      ms >= 0.98 * wanted && ms <= Math.max(hand, wanted) + 0.05 * wanted,
    )
  }
  write(first)
  must(netlab('apply', file, '-y'))
  check('destinations: the plan after apply is empty', actions(file), {})
  sh('ip netns add hand1; ip netns add hand2; ip -n hand1 link add eth0 type veth peer name eth0 netns hand2')
  for (const n of [1, 2]) sh(`ip -n hand${n} addr add 10.9.9.${n}/24 dev eth0; ip -n hand${n} link set eth0 up`)
  const bases = { here: delay('10.0.0.3'), hand: byHand(0) }
  check(`destinations: one without impairments is at once (${bases.here})`, bases.here < 1)
  near('a namespace, by IPv4,', '10.0.0.2', 50)
  near('a namespace, by IPv6,', 'fd00::2', 50)
  near('a longer prefix', '10.1.0.9', 80)
  near('the rest', '10.0.0.4', 5)
  const lost = Number(/([\d.]+)% packet loss/.exec(ping('10.1.0.1', '-c 1000 -i 0.002 -W 1'))?.[1])
  // Four standard deviations of 1000 packets.
  check(`destinations: 20 % of the packets are lost (${lost} %)`, Math.abs(lost - 20) <= 5.1)
  write(first.replace('delay: 80ms', 'delay: 20ms').replace('distribution: normal', 'distribution: pareto'))
  const changed = plan(file)
  check('destinations: what is changed is changed alone', changed.changes.map(({ action, differences }) => [action, ...differences.map(({ field }) => field)]), [['update', 'to 10.1.0.0/16 distribution', 'to 10.1.0.9 delay']]) // prettier-ignore
  check('destinations: in place', changed.steps.map(({ command }) => command.replaceAll(/6e6c:\w+|2\w{3}:/g, 'X')), ['tc -n a qdisc del dev eth0 parent X', 'tc -n a qdisc add dev eth0 parent X handle X netem delay 2ms 1ms 25% distribution pareto loss 20% 1%', 'tc -n a qdisc change dev eth0 parent X netem delay 20ms']) // prettier-ignore
  must(netlab('apply', file, '-y'))
  check('destinations: the plan after the change is empty', actions(file), {})
  near('what was changed', '10.1.0.9', 20)
  sh('tc -n a qdisc change dev eth0 parent 6e6c:1 netem delay 7ms 1ms 50% loss 1% 30%')
  sh('tc -n a filter del dev eth0 parent 6e6c: protocol ipv6 pref 1100')
  check('destinations: what was broken, and nothing else', plan(file).changes.flatMap(({ differences }) => differences.map(({ field }) => field)), ['delay', 'jitter', 'loss', 'delay_correlation', 'loss_correlation', 'to db networks']) // prettier-ignore
  must(netlab('apply', file, '-y'))
  check('destinations: it is repaired', actions(file), {})
  must(netlab('destroy', file, '-y'))
  sh('ip netns del hand1; ip netns del hand2')
}

/** Qdiscs, classes, filters and actions in tc's own words, and what comes in. */
function qdiscs() {
  const file = 'test/vm/qdiscs.yaml'
  edits(file, [
    [
      [
        ['fq_codel target 20ms', 'fq_codel'],
        ['sfq perturb 10', 'sfq perturb 5'],
        ['rate 1mbit burst 20k', 'rate 2mbit burst 20k'],
        ['dst_port 22', 'dst_port 2222'],
        ['priority eq 6', 'priority eq 5'],
        ['handle 7 fw classid 1:20', 'handle 7 fw classid 1:10'],
        ['skbedit priority 6', 'skbedit priority 5'],
      ],
      {
        'a/e0/qdisc/1:10': 'update',
        'a/e0/qdisc/1:20': 'replace',
        'a/e0/filter/1: protocol ip pref 1 u32 ::800': 'update',
        'a/e0/filter/1: protocol ip pref 2 flower 0x1': 'update',
        'a/e0/filter/1: protocol all pref 3 fw 0x7': 'update',
        'a/e0/filter/1: protocol ip pref 4 basic 0x1': 'update',
        'a/e0/filter/egress protocol all pref 1 matchall 0x1': 'replace',
      },
    ],
    [
      [
        ['bandwidth 10mbit\n', 'bandwidth 20mbit\n'],
        ['handle 12: fq\n', 'handle 12: fq limit 500\n'],
        ['limit 60kb', 'limit 70kb'],
        ['rate 1mbit burst 5kb limit 10kb', 'rate 2mbit burst 5kb limit 10kb'],
        ['prio bands 4', 'prio bands 5'],
        ['ul rate 20mbit', 'ul rate 30mbit'],
        ['m2 2mbit', 'm2 3mbit'],
        ['delay 10ms', 'delay 11ms'],
        ['delay: 5ms, from: { a: { rate: 10mbit } }', 'delay: 6ms, from: { a: { rate: 20mbit } }'],
      ],
      {
        'a/e1/qdisc': 'update',
        'a/e1/qdisc/1:1': 'update',
        'a/e1/qdisc/1:2': 'update',
        'a/e1/qdisc/1:3': 'replace',
        'a/e1/qdisc/1:4': 'update',
        'a/e2/class/1:1': 'update',
        'a/e2/class/1:2': 'update',
        'a/e2/qdisc/1:2': 'update',
        'b/in~e0/qdisc': 'update',
      },
    ],
  ])
  lifecycle(file, [
    ['tc -n a qdisc change dev e0 parent 1:10 handle 10: fq_codel target 9ms', { 'a/e0/qdisc/1:10': 'update' }],
    ['tc -n a filter del dev e0 parent 1: protocol ip pref 2', { 'a/e0/filter/1: protocol ip pref 2 flower 0x1': 'create' }],
    ['tc -n a filter del dev e0 ingress', { 'a/e0/filter/ingress protocol all pref 1 matchall 0x1': 'create' }],
    ['tc -n a filter add dev e0 egress protocol ip pref 9 flower ip_proto udp action drop', { 'a/e0/filter/egress protocol ip pref 9 flower 0x1': 'delete' }],
    ['tc -n a qdisc change dev e1 parent 1:1 handle 11: cake bandwidth 3mbit', { 'a/e1/qdisc/1:1': 'update' }],
    ['tc -n b qdisc del dev e0 ingress', { 'b/e0/qdisc/ingress': 'create', 'b/e0/filter/ingress protocol all pref 1 matchall 0x1': 'create' }],
    ['tc -n b qdisc del dev in~e0 root', { 'b/in~e0/qdisc': 'create' }],
  ]) // prettier-ignore
  lifecycle('labs/31-qos.yaml', [
    ['tc -n home class change dev wan parent 1:1 classid 1:10 htb rate 2mbit ceil 9500kbit', { 'home/wan/class/1:10': 'update' }],
    ['ip -n home link del in~wan', { 'home/in~wan': 'create', 'home/in~wan/qdisc': 'create', 'home/wan/filter/ingress protocol all pref 1 matchall 0x1': 'replace' }],
  ]) // prettier-ignore
}

/** Every namespace has a gre0 of the kernel's own as soon as there is one tunnel: it is in no plan. */
function gre() {
  const file = 'test/vm/gre.yaml'
  must(netlab('apply', file, '-y'))
  const edited = '/tmp/gre.yaml'
  const text = readFileSync(file, 'utf8')
  writeFileSync(edited, text.replace('ttl: 64', 'ttl: 9').replace('key: 7, csum: true, seq: true', 'okey: 8'))
  check('gre: what is edited is changed in place', actions(edited), { 'left/tun0': 'update', 'left/tun1': 'update' })
  must(netlab('apply', edited, '-y'))
  check('gre: then the plan is empty', actions(edited), {})
  check(
    'gre: its own device is in every namespace',
    sh('for n in left right; do ip -n $n -br link show gre0; done').split('gre0').length,
    3,
  )
  for (const by of ['ip', 'netlink'])
    check(
      `gre: ${by} reads the same`,
      sh(`NETLAB_RUNNER=${by} ${process.execPath} dist/netlab.cjs plan ${edited} --detailed-exitcode >&2; echo $?`),
      '0\n',
    )
  lifecycle(file, [
    ['ip -n left link set tun0 type gre ttl 3', { 'left/tun0': 'update' }],
    ['ip -n left link set tun1 type gre key 8', { 'left/tun1': 'update' }],
    ['ip -n left link set tun2 type gre nokey', { 'left/tun2': 'update' }],
    ['ip -n right link set tun0 type gre key 0', { 'right/tun0': 'update' }],
    ['ip -n right link del tun1', { 'right/tun1': 'create', 'right/tun1/10.9.1.2/30': 'create' }],
    ['ip -n right link add x0 type gre remote 10.0.0.77', { 'right/x0': 'delete' }],
  ])
}

/** Edits of a lab that is applied, one after another: each is planned as `expected`, and leaves nothing to do. */
function edits(file, all) {
  must(netlab('apply', file, '-y'))
  const edited = `/tmp/${file.split('/').pop()}`
  let text = readFileSync(file, 'utf8')
  for (const [replacements, expected] of all) {
    for (const [from, to] of replacements) {
      if (!text.includes(from)) throw new Error(`no ${from} in ${file}`)
      text = text.replace(from, to)
    }
    writeFileSync(edited, text)
    check(`${file}: ${replacements.map(([, to]) => to).join('; ')}`, actions(edited), expected)
    must(netlab('apply', edited, '-y'))
    check(`${file}: then the plan is empty`, actions(edited), {})
  }
}

/** Modes, ports and the primary port come and go; nothing else is made anew. */
function bond() {
  const file = 'test/vm/bond.yaml'
  edits(file, [
    [
      [
        ['primary: eth0', 'primary: eth1'],
        ['lacp_rate: fast', 'lacp_rate: slow'],
      ],
      { 'server/bond0': 'update', 'left/lag': 'update' },
    ],
    [
      [
        ['mode: active-backup', 'mode: balance-xor'],
        ['        primary: eth1\n', ''],
      ],
      { 'server/bond0': 'update', 'server/bond0/fd00::1/64': 'replace' },
    ],
    [
      [
        ['      eth0: { master: bond0 }\n', ''],
        ['      eth0: { master: lag }\n      eth1: { master: lag }\n', ''],
      ],
      { 'server/eth0': 'update', 'left/eth0': 'update', 'left/eth1': 'update' },
    ],
  ])
  lifecycle(file, [
    ['ip -n server link set eth1 nomaster', { 'server/eth1': 'update' }],
    ['ip -n server link set bond0 type bond primary eth1', { 'server/bond0': 'update' }],
    ['ip -n left link set lag type bond xmit_hash_policy layer2 min_links 1', { 'left/lag': 'update' }],
    ['ip -n right link set asks type bond arp_ip_target 10.9.0.9 arp_missed_max 3', { 'right/asks': 'update' }],
    ['ip -n right link del d0', { 'right/d0': 'create' }],
  ])
}

/** Members of a VRF leave it, join another and get its new table; the kernel takes what they have of IPv6, which comes back. */
function vrf() {
  const file = 'test/vm/vrf.yaml'
  const left = { 'r/eth1': 'update', 'r/eth1/fd02::1/64': 'replace' }
  const routesMove = (from, to) => ['10.1.0.2', "'fd01::2'"].map((via) => [`${via}, table: ${from}`, `${via}, table: ${to}`]) // prettier-ignore
  const moved = (from, to) =>
    Object.fromEntries(
      ['10.9.0.0/16', 'fd09::/64'].flatMap((net) => [
        [`r/route/${net} table ${from}`, 'delete'],
        [`r/route/${net} table ${to}`, 'create'],
      ]),
    )
  edits(file, [
    [[['eth1: { master: red,', 'eth1: {']], left],
    [
      [['eth0: { master: red,', 'eth0: { master: blue,'], ...routesMove(10, 20)],
      { 'r/eth0': 'update', 'r/eth0/fd01::1/64': 'replace', ...moved(10, 20) },
    ],
    [
      [['table: 20 }\n      eth0', 'table: 21 }\n      eth0'], ...routesMove(20, 21)],
      { 'r/blue': 'replace', 'r/eth0': 'update', 'r/eth0/fd01::1/64': 'replace', ...moved(20, 21) },
    ],
    [[['eth1: {', 'eth1: { master: blue,']], left],
  ])
  lifecycle(file, [
    ['ip -n r link set eth1 nomaster', { 'r/eth1': 'update', 'r/eth1/fd02::1/64': 'create' }],
    [
      'ip -n r link set eth0 master blue',
      {
        'r/eth0': 'update',
        'r/eth0/fd01::1/64': 'create',
        'r/route/10.9.0.0/16 table 10': 'create',
        'r/route/fd09::/64 table 10': 'create',
      },
    ],
  ])
}

/** The lower device of a tunnel is made anew: the tunnel goes, and comes back; without it, it would stay behind. */
function tunnels() {
  const file = 'test/vm/tunnels.yaml'
  sh('modprobe fou')
  edits(file, [
    [
      [
        ['remote: 10.0.0.2, encap: fou', 'remote: 10.0.0.9, encap: gue'],
        ['local: 10.0.0.1, key: 3', 'local: 10.0.0.1, key: 3, remote: 10.0.0.9'],
        ['encaplimit: none', 'encaplimit: 3'],
        ['hoplimit: 9, flowlabel: 85', 'flowlabel: inherit, mtu: 1300'],
      ],
      {
        'left/fou': 'update',
        'left/many': 'replace',
        'left/many/10.2.0.1/24': 'replace',
        'left/ip6': 'update',
        'left/four': 'update',
      },
    ],
  ])
  lifecycle(file, [
    ['ip -n left link set ipip type ipip ttl 9 remote 10.0.0.9', { 'left/ipip': 'update' }],
    ['ip -n left link set any type ipip fwmark 8', { 'left/any': 'update' }],
    ['ip -n left link set fou type ipip noencap', { 'left/fou': 'update' }],
    ['ip -n left link set sit type sit tos 0x20', { 'left/sit': 'update' }],
    ['ip -n left link set gue type gre encap-dport 9', { 'left/gue': 'update' }],
    ['ip -n left link set tap type gretap remote 10.0.0.9', { 'left/tap': 'update' }],
    ['ip -n left link set gre6 type ip6gre hoplimit 3 key 6', { 'left/gre6': 'update' }],
    ['ip -n left link set ip6 type ip6tnl encaplimit 3', { 'left/ip6': 'update' }],
    ['ip -n left link set vti type vti key 6', { 'left/vti': 'update' }],
    ['ip -n left link set vti6 type vti6 fwmark 1', { 'left/vti6': 'update' }],
    ['ip -n right link del tap6', { 'right/tap6': 'create', 'right/tap6/10.5.0.2/30': 'create' }],
  ])
}

/** The other types; a macvtap's file is there, and the lower device of an xfrm interface may go. */
function devices() {
  const file = 'test/vm/devices.yaml'
  edits(file, [
    [
      [
        ['remote: 10.0.0.2, ttl: 64', 'remote: 10.0.0.9, ttl: inherit'],
        ['label: 85', 'label: 86'],
        ['      eth1: { master: team0 }\n', ''],
      ],
      { 'a/gnv0': 'update', 'a/gnv6': 'update', 'a/eth1': 'update' },
    ],
  ])
  check('devices: a macvtap has its file', sh('ls /dev/tap[0-9]*').split('\n').length, 2)
  lifecycle(file, [
    ['ip -n a link set gnv1 type geneve id 8 tos 0x20', { 'a/gnv1': 'update' }],
    ['ip -n b link set vm0 type macvtap bcqueuelen 5', { 'b/vm0': 'update' }],
    ['ip -n a link set ipsec0 mtu 1400', { 'a/ipsec0': 'update' }],
    ['ip -n a link set nlmon0 down', { 'a/nlmon0': 'update' }],
    ['ip -n a link set eth0 nomaster', { 'a/eth0': 'update' }],
  ])
}

/** MACsec: what is sent is encrypted; keys are in no plan, and are told apart by their names; made by hand and adopted. */
function macsec() {
  const key = sh('od -An -N16 -tx1 /dev/urandom').replace(/\s/g, '')
  writeFileSync('test/vm/macsec.key', key)
  const file = 'test/vm/macsec.yaml'
  const shown = must(netlab('plan', file, '--commands')) + must(netlab('plan', file, '--json', '--out', '/tmp/plan'))
  check(
    'macsec: no key is in a plan, nor in a saved one',
    (shown + readFileSync('/tmp/plan', 'utf8')).includes(key),
    false,
  )
  must(netlab('apply', file, '-y'))
  check('macsec: the checks hold', netlab('test', file).code, 0)
  const counted = sh('ip -n a -j -s macsec show sec0')
  check('macsec: what is sent is encrypted', /"[^"]*encrypted":\s*[1-9]/i.test(counted) || counted, true)
  const rx = (n) => `rx sci ${JSON.parse(sh(`ip -n b -j -d link show sec${n}`))[0].linkinfo.info_data.sci}`
  sh(`ip -n a link set sec0 type macsec encrypt off validate check
ip -n a link set sec1 type macsec replay off
ip -n b link set sec1 type macsec replay on window 9
ip -n a macsec set sec0 ${rx(0)} off
ip -n a macsec set sec1 ${rx(1)} sa 0 off
ip -n a macsec del sec1 ${rx(1)} sa 0
ip -n a macsec add sec1 ${rx(1)} sa 0 pn 1 on key 09 ${'ab'.repeat(32)}
ip -n a macsec add sec1 ${rx(1)} sa 1 pn 1 on key 08 ${'ab'.repeat(32)}
ip -n a macsec del sec2 rx sci 02000000000b0001
ip -n a macsec set sec2 tx sa 3 on
ip -n b macsec add sec0 rx sci 0200000000cc0001 on
ip -n b link set sec0 type macsec encodingsa 1 protect off`)
  const broken = plan(file).changes.map(
    ({ id, action, differences }) => `${action} ${id} ${differences.map(({ field }) => field)}`,
  )
  check('macsec: what was broken, and nothing else', broken.sort(), [
    'update a/sec0 encrypt,validate',
    `update a/sec0/macsec ${rx(0).replace('sci ', '')}`,
    'update a/sec1 window',
    `update a/sec1/macsec ${['0', '1'].map((n) => `${rx(1).replace('sci ', '')} ${n}`)}`,
    'update a/sec2/macsec tx 3,rx 02000000000b0001,rx 02000000000b0001 0',
    'update b/sec0 protect,encodingsa',
    'update b/sec0/macsec rx 0200000000cc0001',
    'update b/sec1 window',
  ])
  must(netlab('apply', file, '-y'))
  check('macsec: it is repaired', actions(file), {})
  check('macsec: the checks hold again', netlab('test', file).code, 0)
  sh('ip -n b link del sec1; ip -n b link add link eth1 name sec1 type macsec cipher gcm-aes-128')
  check('macsec: one that was made anew', actions(file)['b/sec1'], 'replace')
  must(netlab('apply', file, '-y'))
  check('macsec: it is replaced', actions(file), {})
  must(netlab('destroy', file, '-y'))
}

/** Tunnels in UDP: a change of another field leaves what they are in as it is, by both runners. */
function encap() {
  sh('modprobe -a fou fou6')
  const file = '/tmp/encap.yaml'
  // An ip6gretap cannot be changed beside an ip6gre with the same ends (ip6gre_tunnel_locate in net/ipv6/ip6_gre.c).
  const six = (n) => `local: fd00::1, remote: "fd00::${n}", encap: gue, encap_sport: 7, encap_dport: 5555`
  const four = 'local: 10.0.0.1, remote: 10.0.0.2, encap: fou, encap_dport: 5555, encap_csum6: true'
  writeFileSync(
    file,
    `namespaces:
  a:
    interfaces:
      t1: { type: ip6tnl, ${six(2)}, encap_csum6: false }
      t2: { type: ip6gre, ${six(2)}, encap_remcsum: true }
      t3: { type: ip6gretap, ${six(3)} }
      t4: { type: ipip, ${four} }
      t5: { type: gre, ${four} }
      t6: { type: sit, ${four}, encap_csum: true }
`,
  )
  for (const runner of ['ip', 'netlink']) {
    process.env.NETLAB_RUNNER = runner
    must(netlab('apply', file, '-y'))
    check(`encap, ${runner}: the plan after apply is empty`, plan(file).changes, [])
    sh(`ip -n a link set t1 type ip6tnl local fd00::1 remote fd00::2 encap gue encap-sport 7 encap-dport 5555 noencap-udp6-csum hoplimit 9
ip -n a link set t2 type ip6gre local fd00::1 remote fd00::2 encap fou encap-dport 5
ip -n a link set t3 type ip6gretap local fd00::1 remote fd00::3 hoplimit 9
ip -n a link set t4 type ipip ttl 9 encap fou encap-dport 5555 encap-udp6-csum
ip -n a link set t5 type gre ttl 9
ip -n a link set t6 type sit ttl 9 encap fou encap-dport 5555 encap-udp6-csum encap-csum`)
    const broken = plan(file).changes.map(({ id, differences }) => `${id} ${differences.map(({ field }) => field)}`)
    check(`encap, ${runner}: what was broken`, broken, [
      'a/t1 hoplimit',
      'a/t2 encap,encap_sport,encap_dport',
      'a/t3 hoplimit,encap_sport,encap_dport',
      'a/t4 ttl',
      'a/t5 ttl,encap_dport',
      'a/t6 ttl',
    ])
    must(netlab('apply', file, '-y'))
    check(`encap, ${runner}: it is repaired`, plan(file).changes, [])
    must(netlab('destroy', file, '-y'))
  }
  delete process.env.NETLAB_RUNNER
}

/** The keys of the second tunnel are written here: no file in the checkout holds one. */
function wireguard() {
  const keys = { 'wireguard.key': sh('wg genkey'), 'wireguard.psk': sh('wg genpsk') }
  for (const [name, key] of Object.entries(keys)) writeFileSync(`test/vm/${name}`, key)
  const file = 'test/vm/wireguard.yaml'
  const shown = must(netlab('plan', file, '--commands')) + must(netlab('plan', file, '--json', '--out', '/tmp/plan'))
  const secrets = Object.values(keys).map((key) => key.trim())
  check(
    'wireguard: no key is in a plan, nor in a saved one',
    secrets.some((key) => (shown + readFileSync('/tmp/plan', 'utf8')).includes(key)),
    false,
  )
  lifecycle(file, [
    ['ip netns exec h1 wg set wg0 listen-port 4444', { 'h1/wg0/wg': 'update' }],
    ['wg genkey >/tmp/other; ip netns exec h2 wg set wg0 private-key /tmp/other', { 'h2/wg0/wg': 'update' }],
    ['ip netns exec h1 wg set wg1 peer "$(ip netns exec h1 wg show wg1 peers)" remove', { 'h1/wg1/wg': 'update' }],
    [
      'ip netns exec h2 wg set wg1 peer "$(ip netns exec h2 wg show wg1 peers)" preshared-key /tmp/other allowed-ips 1.2.3.4/32',
      { 'h2/wg1/wg': 'update' },
    ],
  ])
}

/** A kernel that lets no ordinary user make user namespaces: said with the command that allows it, which does. */
function restricted() {
  const [folder, name] = ['/tmp/user', 'kernel.unprivileged_userns_clone']
  sh(`mkdir -p ${folder} && cp -R dist labs ${folder} && chown -R 12345:12345 ${folder} && sysctl -qw ${name}=0`)
  const user = ['setpriv', '--reuid=12345', '--regid=12345', '--clear-groups', 'env', '-C', folder, `HOME=${folder}`]
  const netlab = (...args) => run([...user, 'dist/netlab.cjs', ...args])
  const { code, stderr } = netlab('apply', 'labs/router.yaml', '-y')
  check('restricted: it is refused', code, 1)
  const [, remedy] = /To allow it: sudo (.*)/.exec(stderr) ?? [stderr, stderr]
  check('restricted: with the way out', remedy, `sysctl -w ${name}=1`)
  sh(remedy)
  must(netlab('apply', 'labs/router.yaml', '-y'))
  check('restricted: then a lab runs', netlab('test', 'labs/router.yaml').code, 0)
  must(netlab('destroy', 'labs/router.yaml', '-y'))
}

const parts = {
  types: () =>
    lifecycle('test/vm/types.yaml', [
      [
        'ip -n h1 link del dev dummy0',
        { 'h1/dummy0': 'create', 'h1/dummy0/10.9.0.1/32': 'create', 'h1/dummy0/fd09::1/128': 'create' },
      ],
      ['ip -n h2 link set dev eth0.10 mtu 1300', { 'h2/eth0.10': 'update' }],
      // The devices that they put into every namespace are the kernel's own.
      ['modprobe -a ip_gre ipip sit ip6_tunnel ip6_gre ip_vti', {}],
      ['ip -n h1 link set dev eth0.10 type vlan gvrp on reorder_hdr off', { 'h1/eth0.10': 'update' }],
      ['ip -n a link set dev eth0 addrgenmode eui64 multicast off', { 'a/eth0': 'update' }],
      ['ip -n h1 link set dev qinq down', { 'h1/qinq': 'update' }],
      ['ip -n h1 link set dev tap0 mtu 1300', { 'h1/tap0': 'update' }],
      ['ip -n h1 link set dev ifb0 txqueuelen 77', { 'h1/ifb0': 'update' }],
      ['ip -n r route del 10.77.0.0/16 table 10', { 'r/route/10.77.0.0/16 table 10': 'create' }],
      ['ip -n r link set dev eth2 nomaster', { 'r/eth2': 'update' }],
      ['ip -n c1 addr del 10.3.0.2/24 dev eth0', { 'c1/eth0/10.3.0.2/24': 'create' }],
    ]),
  gre,
  mpls: () => {
    sh('modprobe -a mpls_router mpls_iptunnel')
    lifecycle('test/vm/mpls.yaml', [
      ['ip -n p -M route replace 100 as 102 via inet 10.0.2.2', { 'p/route/mpls 100': 'update' }],
      ['ip -n p -M route del 201', { 'p/route/mpls 201': 'create' }],
      ['ip -n p -M route replace 201 as 200 via inet 10.0.1.1', { 'p/route/mpls 201': 'update' }],
      ['ip -n p -M route add 400 via inet 10.0.2.2', { 'p/route/mpls 400': 'delete' }],
      ['ip -n p -M route replace 300 as 301 via inet 10.0.2.2', { 'p/route/mpls 300': 'update' }],
      ['ip -n pe2 route replace 10.1.0.0/24 encap mpls 999 via 10.0.2.1', { 'pe2/route/10.1.0.0/24': 'update' }],
      ['ip -n pe1 nexthop replace id 1 encap mpls 7/100 via 10.0.1.2 dev core', { 'pe1/nexthop/1': 'update' }],
      ['ip netns exec p sysctl -qw net.mpls.conf.west.input=0', { 'p/sysctl/net.mpls.conf.west.input': 'update' }],
    ])
  },
  drift: () => drift({ check, must, netlab, plan, sh }),
  adopt: () => adopt({ check, must, netlab, run, sh }),
  trace: () => trace({ netlab, must, check }),
  faults: () => faults({ check, must, netlab, plan, sh }),
  bond,
  tunnels,
  devices,
  vlans: () =>
    lifecycle('test/vm/vlans.yaml', [
      ['bridge -n sw1 vlan del dev h1~eth0 vid 10', { 'sw1/h1~eth0/vlans': 'update' }],
      ['bridge -n sw2 vlan add dev h2~eth0 vid 20', { 'sw2/h2~eth0/vlans': 'update' }],
      ['bridge -n sw1 vlan add dev plain~eth0 vid 30', { 'sw1/plain~eth0/vlans': 'delete' }],
      // Its ports, and the bridge itself, follow what they begin with, there and back.
      ['ip -n sw1 link set dev br0 type bridge vlan_default_pvid 7 vlan_stats_enabled 1', { 'sw1/br0': 'update' }],
      ['ip -n sw2 link set dev br0 type bridge vlan_protocol 802.1ad', { 'sw2/br0': 'update' }],
      ['bridge -n sw2 vlan del dev br0 vid 10 self', { 'sw2/br0/vlans': 'update' }],
      [
        'ip -n sw2 link set dev h3~eth0 nomaster; ip -n sw2 link set dev h3~eth0 master br0',
        { 'sw2/h3~eth0/vlans': 'create' },
      ],
    ]),
  'vlan-filtering': () =>
    lifecycle('labs/vlan-filtering.yaml', [
      ['bridge -n sw1 vlan del dev sw2~br0 vid 10', { 'sw1/sw2~br0/vlans': 'update' }],
      ['bridge -n sw2 vlan add dev c2~eth0 vid 10', { 'sw2/c2~eth0/vlans': 'update' }],
    ]),
  '27-gre': () => lifecycle('labs/27-gre.yaml', [['ip -n site1 link set tun0 mtu 1400', { 'site1/tun0': 'update' }]]),
  '28-qinq': () =>
    lifecycle('labs/28-qinq.yaml', [['bridge -n sw1 vlan del dev sw2 vid 100', { 'sw1/sw2/vlans': 'update' }]]),
  firewall: () => {
    // Loading a module takes longer than netlab waits for a program.
    sh(
      'modprobe -a nf_flow_table_inet nft_flow_offload nf_conntrack_bridge nft_meta_bridge nft_queue nft_reject_bridge',
    )
    lifecycle('test/vm/firewall.yaml', [
      ['ip netns exec r nft insert rule inet quick forward counter', { 'r/nftables': 'update' }],
      ['ip netns exec r nft flush chain bridge frames prerouting', { 'r/nftables': 'update' }],
      ['ip netns exec r ipset del pairs 10.0.0.1,10.0.0.2', { 'r/ipset/pairs': 'update' }],
      ['ip netns exec r ipset add marks 10.0.0.9,0x9', { 'r/ipset/marks': 'update' }],
      ['ip netns exec r ipset flush ways', { 'r/ipset/ways': 'update' }],
      ['ip netns exec r ipset add macs 02:00:00:00:00:09', { 'r/ipset/macs': 'update' }],
      ['ip netns exec r ipset flush hosts', { 'r/ipset/hosts': 'update' }],
    ])
  },
  '29-bond': () =>
    lifecycle('labs/29-bond.yaml', [
      ['ip -n server link set bond0 type bond miimon 200', { 'server/bond0': 'update' }],
    ]),
  '30-geneve': () =>
    lifecycle('labs/30-geneve.yaml', [
      ['ip -n node1 link set gen10 type geneve id 10 remote 192.168.50.9', { 'node1/gen10': 'update' }],
    ]),
  '42-wireguard': () =>
    lifecycle('labs/42-wireguard.yaml', [
      ['ip -n site2 route del 10.1.0.0/24', { 'site2/route/10.1.0.0/24': 'create' }],
    ]),
  vrf,
  wireguard,
  macsec,
  encap,
  netem,
  impaired,
  destinations,
  qdiscs,
  restricted,
}
/** What takes long here, only when it is asked for by name: `npm run test:vm -- labs`. */
const extra = {
  // On three machines: namespaces of networks, mounts and processes, into which netlab goes by nsenter.
  machines: () => {
    const names = ['27-gre', '28-qinq', '29-bond', '30-geneve', '31-qos', '42-wireguard', 'vlan-filtering']
    const labs = names.map((name) => `labs/${name}.yaml`)
    const argv = ['scripts/tour.mjs', '--run', '--mtu', '1600', ...labs]
    const { status } = spawnSync(process.execPath, argv, { stdio: 'inherit' })
    check('machines: all labs pass on three machines', status, 0)
  },
  labs: () => {
    for (const lab of readdirSync('labs').filter((name) => name.endsWith('.yaml'))) lifecycle(`labs/${lab}`)
  },
}

const chosen = process.argv.slice(2)
const started = Date.now()
for (const [name, part] of Object.entries({ ...parts, ...extra })) {
  if (chosen.length ? !chosen.includes(name) : name in extra) continue
  const before = Date.now()
  try {
    part()
  } catch (error) {
    check(`${name}: ${error.message}`, false)
    // What is left of it is in the way of nothing else.
    for (const { name: lab } of JSON.parse(netlab('list', '--json').stdout).labs) netlab('destroy', lab, '-y')
  }
  console.log(`     ${name}: ${Math.round((Date.now() - before) / 1000)} s`)
}
console.log(`${passed} passed, ${failed} failed, ${Math.round((Date.now() - started) / 1000)} s`)
process.exitCode = failed ? 1 : 0

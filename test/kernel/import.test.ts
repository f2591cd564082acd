import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadLab } from '../../src/language/load-lab.ts'
import type { PlanJson } from '../../src/views/json.ts'
import { BY_HAND } from '../support/by-hand.ts'
import { lacking } from '../support/features.ts'
import { openWorld, type World } from '../support/netns.ts'
import { until } from '../support/until.ts'
import { beginning, randomLab, edit } from '../support/random-lab.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

const file = (): string => join(world.folder, 'imported.yaml')

/** Runs netlab and returns its output; throws with all its words when it fails. */
async function netlab(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await world.netlab(args)
  if (code !== 0) throw new Error(`netlab ${args.join(' ')}: exit ${code}\n${stdout}${stderr}`)
  return stdout
}

async function shell(script: string): Promise<string> {
  const { code, stdout, stderr } = await world.run(['sh', '-e'], { input: script })
  if (code !== 0) throw new Error(`${script}: ${stderr}`)
  return stdout
}

/** Imports, and returns the text of the lab file and what was said beside it. */
async function imported(...args: string[]): Promise<{ text: string; said: string }> {
  const { code, stdout, stderr } = await world.netlab(['import', ...args])
  if (code !== 0) throw new Error(`netlab import: exit ${code}\n${stderr}`)
  writeFileSync(file(), stdout)
  return { text: stdout, said: stderr }
}

/** What a plan of the imported file would change. */
async function changes(...args: string[]): Promise<string[]> {
  const plan = JSON.parse(await netlab('plan', file(), '--json', '--no-lint', ...args)) as PlanJson
  return plan.changes.map(({ id, action }) => `${action} ${id}`)
}

/** Takes the marks of labs away: nobody knows any more who made the namespaces. */
const unmark = (): Promise<string> => shell('for n in $(ls /run/netns); do ip -n $n link set dev lo alias ""; done')

/** What the kernel has, as its tools print it, without what differs each time: indexes, counters, random identifiers. */
async function dumps(): Promise<string> {
  const each = `ip -n $n -d -o link; ip -n $n -o addr; ip -n $n route show table all; ip -n $n -6 route show table all
ip -n $n nexthop; ip -n $n rule; ip -n $n -6 rule; ip -n $n neigh show nud permanent; ip -n $n neigh show proxy
bridge -n $n -d mdb show permanent; bridge -n $n fdb show; tc -n $n qdisc
for d in e0 e1; do for of in class filter 'filter ingress'; do set -- $of; tc -n $n $1 show dev $d $2 || :; done; done
ip netns exec $n sh -c 'iptables-save; ip6tables-save; nft list ruleset; ipset save; sysctl net.ipv4.ip_forward'`
  const text = await shell(`for n in $(ls /run/netns); do echo "@ $n"; ${each}; done 2>/dev/null`)
  return text
    .split('\n')
    .filter((line) => !/^#|fe80::|ff00::/.test(line))
    .map((line) =>
      line
        .replace(/^\d+: /, '')
        .replace(/@if\d+|link-netnsid \d+|alias \S+( adopted)?/g, '')
        .replace(/\[\d+:\d+\]|packets \d+ bytes \d+|(designated_root|bridge_id|root_id) \S+/g, '')
        .replace(/(hello|tcn|topology_change|gc)_timer +\S+|initval \S+/g, '')
        // A bridge with STP has a carrier only later.
        .replace(/NO-CARRIER,|,LOWER_UP| linkdown/g, '')
        // Handles from 8000: on are the kernel’s choice.
        .replace(/expires \S+|qdisc noqueue.*|state \w+|(?<=(qdisc|class) \w+ |parent )(?!ffff)[89a-f][\da-f]{3}:/g, '')
        .trim(),
    )
    .filter((line) => line !== '')
    .sort()
    .join('\n')
}

// What starts programs of others takes long: one of them stands for all. What needs containers is in containers.test.ts, and of
// the labs with forty containers none is imported here.
const SLOW = /^(3[2689]|4\d|12)-/
const PROGRAMS = /^(07|08|13|14|20|33|34|35|37)-/
const labs = readdirSync('labs').filter((name) => name.endsWith('.yaml') && !SLOW.test(name))
const possible = labs.filter((lab) => lacking(`labs/${lab}`).length === 0)

test.each(possible.filter((lab) => PROGRAMS.test(lab)))('labs/%s keeps its programs and its name', async (lab) => {
  await netlab('apply', `labs/${lab}`, '-y')
  // Nothing is said when the plan of the file is empty: when no daemon changes anything between the two looks any more.
  const { text, said } = await until(imported, ({ said }) => said === '')
  expect(said).toBe('')
  expect(text).not.toMatch(/owner: "?\d/)
})

/** The namespaces of a lab. */
function namespacesOf(lab: string): string[] {
  const file = `labs/${lab}`
  const readBeside = (path: string): string => readFileSync(join('labs', path), 'utf8')
  const { resources } = loadLab({ file, text: readFileSync(file, 'utf8'), readBeside, lint: false })
  return [...new Set([...resources.values()].map(({ namespace }) => namespace))]
}

/** Labs in groups, in which no two have a namespace of the same name: they can be live together. */
function together(labs: readonly string[]): string[][] {
  const groups: { labs: string[]; names: Set<string> }[] = []
  for (const lab of labs) {
    const names = namespacesOf(lab)
    let group = groups.find((one) => !names.some((name) => one.names.has(name)))
    if (!group) groups.push((group = { labs: [], names: new Set() }))
    group.labs.push(lab)
    for (const name of names) group.names.add(name)
  }
  return groups.map((group) => group.labs)
}

const groups = together(possible.filter((lab) => !PROGRAMS.test(lab))).map((group) => ({ group }))
test.each(groups)('what is imported is what is live, whoever made it: $group', async ({ group }) => {
  for (const lab of group) await netlab('apply', `labs/${lab}`, '-y')
  await unmark()
  const { text, said } = await imported()
  expect({ text, said }).toEqual({ text, said: '' })
})

test('what was made by hand is adopted, taken away, and made again as it was', async () => {
  await shell(BY_HAND)
  const { text, said } = await imported()
  expect(said).toBe('')
  // What a new namespace has depends on the modules of the machine.
  expect(text.replace(/ {4}sysctls:\n( {6}net\.bridge.*\n)+/, '')).toMatchSnapshot()
  expect(await changes('--adopt')).toEqual([])
  const before = await dumps()
  await netlab('apply', file(), '-y', '--adopt')
  expect(await dumps()).toBe(before)
  await netlab('destroy', file(), '-y')
  expect(await shell('ls /run/netns')).toBe('')
  await netlab('apply', file(), '-y')
  expect(await dumps()).toBe(before)
})

/** NETLAB_IMPORT_ROUNDS=20 tries more random networks. */
const ROUNDS = Number(process.env['NETLAB_IMPORT_ROUNDS'] ?? 2)

test('random networks', async () => {
  const network = beginning(18)
  const lab = join(world.folder, 'lab.yaml')
  for (let round = 0; round < ROUNDS; round++) {
    for (let n = 0; n < 12; n++) edit(network)
    writeFileSync(lab, JSON.stringify(randomLab(network)))
    await netlab('apply', lab, '-y', '--no-lint')
    expect((await imported()).said).toBe('')
    await unmark()
    const { text, said } = await imported()
    expect({ text, said }).toEqual({ text, said: '' })
    await shell('for n in $(ls /run/netns); do ip netns del $n; done')
  }
})

test('what has no word in a lab is a comment, and stays', async () => {
  await shell(`
ip netns add odd; ip netns add far; ip -n odd link set lo up
ip -n odd tuntap add mode tun name tun0; ip -n odd addr add 10.77.0.1/24 dev tun0; ip -n odd link set tun0 up
ip -n odd route add 10.78.0.0/24 dev tun0; ip -n odd route add blackhole 10.79.0.0/24 proto zebra
ip -n odd link add br0 type bridge; ip -n odd link add p0 type veth peer name e0 netns far; ip -n odd link set p0 master br0
ip link add here type veth peer name there netns odd`)
  const { text, said } = await imported('odd')
  expect(said).toBe('')
  for (const comment of [
    '# Not managed: p0, a cable to an interface of far, which is not imported',
    '# Not managed: there, a cable to the machine’s own here, which is not imported',
    '# Not managed: address 10.77.0.1/24 of tun0',
    '# Not managed: route 10.78.0.0/24 dev tun0',
    '# Somebody else’s: route 10.79.0.0/24 blackhole proto zebra',
    '# Somebody else’s: tun0: tun',
  ])
    expect(text).toContain(comment)
  expect(text).toContain('others: keep')
  expect(await changes('--adopt')).toEqual([])
  await netlab('apply', file(), '-y', '--adopt')
  expect(await netlab('plan', file())).toContain('Not managed in odd (others: keep): ')
  expect(await shell('ip -n odd -br link | wc -l')).toBe('5\n')
})

test('a part of a lab, and names that no lab can have', async () => {
  await netlab('apply', 'labs/router.yaml', '-y')
  const { text, said } = await imported('ns0', 'ns-router')
  expect(said).toContain('ns0 belongs to lab router, and this file is lab imported')
  expect(text).toContain('# Not managed: veth1, a cable to an interface of ns1, which is not imported')
  expect((await world.netlab(['import', 'ns9'])).stderr).toContain('error: there is no namespace "ns9"')
  await shell(`ip netns add 'a b'; ip netns add c; ip -n c link add 'x#1' type bridge`)
  const { code, stdout, stderr } = await world.netlab(['import'])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain('no lab file can have a namespace of the name "a b"')
  expect(stderr).toContain('no lab file can have an interface of c of the name "x#1"')
})

/** A bridge of the machine with a cable to a namespace, and a cable to a namespace that has no name. */
const MACHINE = `
ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up alias 'by hand'
ip netns add c1; ip link add v1 type veth peer name eth0 netns c1; ip link set v1 master docker0 up; ip -n c1 link set eth0 up
ip -n c1 addr add 172.17.0.2/16 dev eth0; ip route add 10.9.0.0/16 via 172.17.0.2
ip route add 10.8.0.0/16 via 172.17.0.2 proto static table 100; ip route add blackhole default table 100
ip route add blackhole 10.7.0.0/16; ip rule add from 10.9.0.0/16 table 100 pref 500; ip rule add iif docker0 table 200 pref 501
ip rule add from 10.1.0.0/16 table 300 pref 502; ip rule add iif v1 table 300 pref 502
unshare --net sleep 600 >/dev/null 2>&1 & until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
ip link add far type veth peer name x netns $!; ip addr add 10.99.0.1/24 dev far; ip link set far up
ip route add default via 10.99.0.9; ip route add 10.6.0.0/16 via 10.99.0.9 table 300
ip link add docker1 type bridge; ip link set docker1 up; ip link add f1 type veth peer name y netns $!; ip link set f1 master docker1
# The kernel acts on the carriers of new interfaces within a second.
until ip -br link show docker0 | grep -q ' UP ' && ip -br link show docker1 | grep -q NO-CARRIER && ip route show dev far | grep -q linkdown; do sleep 0.05; done`
const onMachine = (): Promise<string> =>
  shell(
    `ip -br link | sed 's/@.*UP/ UP/'; ip -br -4 addr | sed 's/@.*UP/ UP/'; ip -n c1 -br link; ip route show table all | grep -v "table local"; ip rule; ip link | grep alias || :`,
  )

/** The routes, apart from the kernel's own, and the rules of the machine, in order. */
const routing = (): Promise<string> => shell('ip route show table all | grep -v "proto kernel" | sort; ip rule')

/** The routes that the kernel takes away with the address of docker0. */
const ROUTES = ['create host/route/10.8.0.0/16 table 100', 'create host/route/10.9.0.0/16']

test('the machine itself: what a lab can make again is taken over, and the rest is used as it is', async () => {
  await shell(MACHINE)
  const { text, said } = await imported('--root')
  expect(said).toBe('')
  expect(text).toContain('docker0: { alias: by hand, addresses: [172.17.0.1/16] }')
  expect(text).toContain('- endpoints: { c1:eth0: 172.17.0.2/16, host:v1: { bridge: docker0 } }')
  expect(text).toContain('far: { existing: true }')
  expect(text).toContain('# Not managed: address 10.99.0.1/24 of far')
  // A bridge with a cable to somebody else's container, and what leads elsewhere or may serve others, stay theirs.
  expect(text).toContain('docker1: { existing: true }')
  for (const left of ['10.6.0.0/16', '10.7.0.0/16', 'default']) expect(text).toContain(`# Not managed: route ${left} `)
  expect(text.match(/# Not managed: rule 502 /g)).toHaveLength(2)
  expect(text).toContain('- { to: 10.9.0.0/16, via: 172.17.0.2, dev: docker0 }')
  expect(text).toContain('- { to: 10.8.0.0/16, via: 172.17.0.2, dev: docker0, table: 100 }')
  expect(text).toContain('- { to: 0.0.0.0/0, type: blackhole, table: 100 }')
  expect(text).toContain('priority: 500, from: 10.9.0.0/16, table: 100 }')
  expect(text).toContain('priority: 501, iif: docker0, table: 200 }')
  expect(await changes('--adopt')).toEqual([])
  const [before, routed] = [await onMachine(), await routing()]
  await netlab('apply', file(), '-y', '--adopt')
  const unmarked = (text: string): string =>
    text
      .replace('netlab:imported by hand', 'by hand')
      .replace(/.*netlab:imported\n/, '')
      .replace(/ +(proto (static|240))? *$/gm, '')
  expect(await onMachine()).toContain('from 10.9.0.0/16 lookup 100 proto 240')
  expect(unmarked(await onMachine())).toBe(unmarked(before))
  expect(await changes()).toEqual([])
  await shell('ip addr del 172.17.0.1/16 dev docker0; ip link set v1 down')
  expect(await changes()).toEqual(['create host/docker0/172.17.0.1/16', 'update host/v1', ...ROUTES])
  await netlab('destroy', file(), '-y')
  expect(await shell('ip -br link; ls /run/netns')).toMatch(/^lo .*\nfar@if2 .*\ndocker1 .*\nf1@.*\n$/)
  const theirs = '10.6.0.0/16|blackhole 10.7|default|502:'
  expect((await routing()).match(new RegExp(`^(${theirs})`, 'gm'))).toHaveLength(5)
  await netlab('apply', file(), '-y')
  expect(await changes()).toEqual([])
  expect(await shell('ip -br addr show docker0')).toContain('172.17.0.1/16')
  expect(unmarked(await routing())).toBe(unmarked(routed))
})

test('of the machine nothing is taken over without --adopt, or that is something else; a failed run leaves it as it was', async () => {
  await shell(MACHINE)
  const { text } = await imported('--root')
  const before = await onMachine()
  const refused = async (input: string, words: string, ...args: string[]): Promise<void> => {
    const { code, stderr } = await world.netlab(['apply', '-', '-y', ...args], { input })
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(words) })
    expect(await onMachine()).toBe(before)
  }
  await refused(text, 'interface host/docker0 exists already, and no lab made it')
  const other = text.replace('far: { existing: true }', 'far: { type: dummy }')
  await refused(other, 'interface host/far exists already, and no lab made it', '--adopt')
  const route = text.replace('to: 10.9.0.0/16, via: 172.17.0.2, dev: docker0', 'to: 10.7.0.0/16, type: blackhole')
  await refused(route, 'route host/route/10.7.0.0/16 cannot be adopted: it is in a table that others use', '--adopt')
  const failing = text.replace('by hand, addresses', 'by hand, mtu: 65536, addresses')
  await refused(failing, 'Rolled back: the network is as it was', '--adopt')
})

test('texts of the kernel are data: what looks like a range is none', async () => {
  await shell(`
ip netns add t; ip -n t link set lo up; ip -n t link add br0 type bridge; ip -n t link set br0 alias 'a[1..3]: {i} # "x"'
ip netns exec t iptables -A INPUT -m comment --comment 'x [1..2] {i} \${j}' -j ACCEPT`)
  const { text } = await imported()
  expect(text).toMatch(/# (Not managed|A plan changes it): /)
})

test('what ethtool has set on cables is written, unless a new cable has it too', async () => {
  await shell(`
    ip netns add a; ip netns add b
    for i in 0 1 2 3; do ip -n a link add e$i type veth peer name e$i netns b; done
    ip -n a link add q numtxqueues 5 numrxqueues 5 type veth peer name q netns b
  `)
  expect((await imported()).text).not.toMatch(/offload|a:e\d: *{/)
  await shell(`
    ip netns exec a ethtool -K e0 tx off gro on >&2
    ip netns exec a ethtool -K e1 sg off >&2
    ip netns exec b ethtool -K e2 tx-tcp6-segmentation off highdma off >&2
    ip netns exec a ethtool -L q rx 2
  `)
  const settings = `for n in a b; do for d in e0 e1 e2 e3 q; do ip netns exec $n ethtool -k $d; ip netns exec $n ethtool -l $d; done; done`
  const before = await shell(settings)
  const { text, said } = await imported()
  expect(text).toContain('a:e0: { offload: { tx-checksumming: false, generic-receive-offload: true } }, b:e0: }')
  expect(text).toContain('a:e1: { offload: { scatter-gather: false } }, b:e1: }')
  expect(text).toContain('a:e2: , b:e2: { offload: { tx-tcp6-segmentation: false, highdma: false } } }')
  expect(text).toContain('a:q: { queues: 5, channels: { rx: 2 } }')
  expect({ said, left: await changes('--adopt') }).toEqual({ said: '', left: [] })
  await netlab('apply', file(), '--adopt', '-y')
  await netlab('destroy', file(), '-y')
  await netlab('apply', file(), '-y')
  expect(await shell(settings)).toBe(before)
})

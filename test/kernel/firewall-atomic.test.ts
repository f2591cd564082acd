import type { Program } from '../../src/model/operation.ts'
import { commandOf } from '../../src/backend/iproute/command-of.ts'
import { readFirewall } from '../../src/observe/read-rules.ts'
import { firewallIn, written, type Firewall } from '../support/firewall.ts'
import { openWorld, type World } from '../support/netns.ts'

let world: World
let fw: Firewall
let count = 0
let ns = ''

beforeAll(async () => {
  world = await openWorld()
  fw = firewallIn(world)
})
afterAll(() => world?.close())
beforeEach(async () => {
  ns = `ns${count++}`
  await fw.sh(undefined, `ip netns add ${ns} && ip -n ${ns} link set dev lo up`)
})

const save = async () => (await fw.sh(ns, 'iptables-save -c')).replace(/^#.*\n/gm, '').replace(/^(:.*)\[.*$/gm, '$1')
const want = async (value: unknown) => (await fw.canonical(written(ns, value)))[0]!
const old = {
  nat: { POSTROUTING: ['-s 10.0.0.0/8 -j MASQUERADE'] },
  filter: { INPUT: ['-i lo -j ACCEPT'], X: ['-j DROP'] },
}
const next = {
  nat: { POSTROUTING: ['-j MASQUERADE'], PREROUTING: ['-j ACCEPT'] },
  filter: { INPUT: ['-j ACCEPT', '-i lo -j ACCEPT'] },
}

test('a failure in the second table leaves nothing of the first, counters included', async () => {
  await fw.apply(await want(old))
  await fw.sh(ns, 'ping -c 3 -i 0.01 127.0.0.1')
  const live = await fw.live(ns, 'iptables')
  const emissions = fw.emissions(await want(next), live)
  expect(emissions).toHaveLength(1)
  // Behind the plan's back: the chain that the plan deletes gets a reference, so the kernel refuses its deletion.
  await fw.sh(ns, 'iptables -A OUTPUT -j X')
  const before = await save()
  expect(before).toMatch(/^\[6:504\] -A INPUT -i lo/m)
  await expect(fw.execute(emissions)).rejects.toThrow()
  expect(await save()).toBe(before)
  await fw.sh(ns, 'iptables -D OUTPUT 1')
  await fw.execute(emissions)
  expect((await fw.live(ns, 'iptables'))!.spec).toEqual((await want(next)).spec)
})

test('a first load that fails leaves nothing', async () => {
  const [emission] = fw.emissions(await want(old), undefined)
  const input = commandOf(emission!.operation).input!.replace(
    '-A INPUT -i lo -j ACCEPT',
    '-A INPUT -j DNAT --to-destination 1.1.1.1',
  )
  await expect(
    fw.execute([{ ...emission!, operation: { ...(emission!.operation as Program), input } }]),
  ).rejects.toThrow(/RULE_APPEND/)
  expect(await fw.live(ns, 'iptables')).toBeUndefined()
})

test('chains come, go and change places with those that jump to them', async () => {
  await fw.apply(
    await want({ filter: { FORWARD: { policy: 'DROP', rules: ['-j A', '-j B'] }, A: ['-j B'], B: ['-j C'], C: null } }),
  )
  const desired = await want({ filter: { FORWARD: ['-j D', '-j C'], D: ['-g C'], C: ['-j E', '-j RETURN'], E: [] } })
  await fw.apply(desired)
  expect((await fw.live(ns, 'iptables'))!.spec).toEqual(desired.spec)
})

test('packets: what is accepted passes, what is dropped does not, NAT rewrites', async () => {
  await fw.sh(ns, 'ip addr add 10.0.0.1/32 dev lo; ip addr add 10.0.0.2/32 dev lo')
  await fw.apply(
    await want({
      nat: { OUTPUT: [{ protocol: 'tcp', destination: '10.9.9.9', dport: 80, jump: 'DNAT', to: '10.0.0.2:8080' }] },
      filter: { INPUT: [{ protocol: 'icmp', destination: '10.0.0.1', jump: 'DROP' }] },
    }),
  )
  await expect(fw.sh(ns, 'ping -c 1 -W 1 10.0.0.1')).rejects.toThrow()
  await fw.sh(ns, 'ping -c 1 -W 1 10.0.0.2')
  const seen = (await readFirewall({ netns: ns }, fw.runner)).map(({ table, chain, rules }) => [
    `${table}/${chain}`,
    rules[0]?.packets,
  ])
  expect(seen).toEqual([['filter/INPUT', 1], ['nat/OUTPUT', 0]]) // prettier-ignore
  await fw.sh(ns, 'ip route add default dev lo')
  const server = `require("net").createServer((s)=>s.end(s.localAddress)).listen(8080,"10.0.0.2",()=>require("net").connect(80,"10.9.9.9").on("data",(d)=>{console.log(""+d);process.exit()}))`
  expect(await fw.sh(ns, `'${process.execPath}' -e '${server}'`)).toBe('10.0.0.2\n')
})

test('a thousand rules are planned and applied without a pause', async () => {
  const ports = Array.from({ length: 1000 }, (_, i) => i + 1)
  const value = (list: number[]) => ({ filter: { INPUT: list.map((p) => `-p tcp --dport ${p} -j DROP`) } })
  await fw.apply(await want(value(ports)))
  const started = Date.now()
  const desired = await want(value([...ports.slice(500), ...ports.slice(0, 500).map((p) => p + 2000)]))
  const differences = await fw.apply(desired)
  const took = Date.now() - started
  expect(differences).toHaveLength(1000)
  expect((await fw.live(ns, 'iptables'))!.spec).toEqual(desired.spec)
  expect(took).toBeLessThan(5000)
})

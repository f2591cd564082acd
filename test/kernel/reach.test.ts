import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Pair } from '../../src/model/reach-pair.ts'
import { openWorld, type World } from '../support/netns.ts'
import { openUser } from '../support/user.ts'

/** client and guest share a segment; the router drops what guest begins, and rejects port 81 of web. */
const LAB = `
name: reached
namespaces:
  client: { routes: [{ to: default, via: 10.0.1.1 }] }
  guest: { routes: [{ to: default, via: 10.0.1.1 }] }
  r:
    forwarding: true
    bridges: { br0: { addresses: [10.0.1.1/24] } }
    iptables:
      filter:
        FORWARD:
          - -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
          - -s 10.0.1.3 -j DROP
          - -p tcp --dport 81 -j REJECT --reject-with icmp-port-unreachable
  web:
    routes: [{ to: default, via: 10.0.2.1 }]
    processes:
      http: { command: [python3, -m, http.server, "80"], ready: { tcp: 80 } }
      other: { command: [python3, -m, http.server, "81"], ready: { tcp: 81 } }
  v6a: {}
  v6b: {}
  silent: {}
links:
  - { endpoints: { client:eth0: 10.0.1.2/24, r:br0: } }
  - { endpoints: { guest:eth0: 10.0.1.3/24, r:br0: } }
  - { endpoints: { web:eth0: 10.0.2.2/24, r:eth1: 10.0.2.1/24 } }
  - { endpoints: { v6a:eth0: "fd00::1/64", v6b:eth0: "fd00::2/64" } }
checks:
  - { from: client, ping: web }
  - { from: client, udp: "web:53", to: "web:53" }
  - { from: v6a, tcp: "v6b:8080", to: "v6b:8080" }
  - { from: client, tcp: "web:99", expect: fail }
`

let world: World
beforeAll(async () => {
  world = await openWorld()
  writeFileSync(join(world.folder, 'lab.yaml'), LAB)
  const applied = await world.netlab(['apply', join(world.folder, 'lab.yaml'), '-y'])
  expect(applied).toMatchObject({ code: 0 })
})
afterAll(() => world.close())

const reach = (...args: string[]) => world.netlab(['reach', '--lab', join(world.folder, 'lab.yaml'), ...args])
async function pairsOf(...args: string[]): Promise<Pair[]> {
  const { code, stdout } = await reach(...args, '--json')
  expect(code).toBe(0)
  return (JSON.parse(stdout) as { pairs: Pair[] }).pairs
}
const text = ({ from, to, protocol, port }: Pair): string => `${from} ${to} ${port ?? protocol}${port ? protocol : ''}`

test('every pair as ping and connections see it', async () => {
  const pairs = await pairsOf()
  const pings = pairs.filter(({ protocol }) => protocol === 'icmp')
  expect(pings).toHaveLength(30) // silent has no address
  expect(pings.filter(({ reached }) => reached).map(text)).toEqual([
    ...['client guest icmp', 'client r icmp', 'client web icmp', 'guest client icmp', 'guest r icmp'],
    ...['r client icmp', 'r guest icmp', 'r web icmp', 'web client icmp', 'web guest icmp', 'web r icmp'],
    ...['v6a v6b icmp', 'v6b v6a icmp'],
  ])
  expect(pings.find((pair) => text(pair) === 'guest web icmp')?.reason).toBe('no answer')
  expect(pings.find((pair) => text(pair) === 'client v6a icmp')?.reason).toBe('client has no route')
  const services = pairs.filter(({ protocol }) => protocol !== 'icmp')
  expect(services.filter(({ reached }) => reached).map(text)).toEqual([
    ...['client web 53udp', 'r web 53udp', 'client web 80tcp', 'r web 80tcp', 'r web 81tcp', 'v6a v6b 8080tcp'],
  ])
  const reasons = new Map(services.map((pair) => [text(pair), pair.reason]))
  expect(reasons.get('client web 81tcp')).toMatch(/refused/)
  expect(reasons.get('client web 99tcp')).toMatch(/refused/)
  expect(reasons.get('guest web 80tcp')).toBe('no answer')
})

test('in a copy the answers are those of the live lab', async () => {
  const [live, fresh] = [
    await pairsOf('client,guest', 'web,guest'),
    await pairsOf('client,guest', 'web,guest', '--fresh'),
  ]
  const answers = (pairs: readonly Pair[]): unknown => pairs.map((pair) => [text(pair), pair.reached])
  expect(answers(fresh)).toEqual(answers(live))
})

test('a choice of pairs, a table and a page; neighbours and listeners are as before', async () => {
  const [one] = await pairsOf('client', 'w*')
  expect(one).toEqual({ from: 'client', to: 'web', protocol: 'icmp', reached: true })
  const table = await reach()
  expect(table.stderr).toContain('Left out, without an address: silent.')
  expect(table.stdout).toMatch(/13 of 30 pairs by ping/)
  expect(table.stdout).toMatch(/web:80\/tcp +✓ client r {3}✗ guest v6a v6b/)
  const page = (await reach('--html')).stdout
  expect(page).toMatch(/^<!doctype html>/)
  expect(page).not.toMatch(/<script|http:/)
  const listening = await world.run(['ip', 'netns', 'exec', 'v6b', 'ss', '-Hltn'])
  expect(listening.stdout).toBe('')
  const unknown = await reach('clinet')
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('Did you mean client?') as string })
})

test('an ordinary user sees the same in a sandbox', async () => {
  const user = await openUser()
  try {
    writeFileSync(join(user.folder, 'lab.yaml'), LAB)
    expect(await user.netlab(['apply', 'lab.yaml', '-y'])).toMatchObject({ code: 0 })
    const { stdout, code } = await user.netlab(['reach', '--lab', 'lab.yaml', '--json'])
    expect(code).toBe(0)
    const { pairs } = JSON.parse(stdout) as { pairs: Pair[] }
    expect(pairs.filter(({ protocol, reached }) => protocol === 'icmp' && reached)).toHaveLength(13)
    expect(pairs.filter(({ protocol, reached }) => protocol !== 'icmp' && reached)).toHaveLength(6)
  } finally {
    await user.close()
  }
})

/** 1560 pairs of one segment need more neighbours than the kernel has room for. */
test('more neighbours than the table holds, and none is left', async () => {
  const star = `
name: crowd
namespaces: { "n[1..40]": {}, sw: { bridges: { br0: {} } } }
links: [{ endpoints: { "n[1..40]:eth0": "10.9.0.{i}/24", sw:br0: } }]
`
  const file = join(world.folder, 'crowd.yaml')
  writeFileSync(file, star)
  expect((await world.netlab(['apply', file, '-y'])).code).toBe(0)
  const all = await world.netlab(['reach', '--lab', file])
  expect(all.stdout).toMatch(/1560 of 1560 pairs/)
  expect(all.stdout).toContain('n[1..40] (40)')
  expect((await world.run(['ip', '-n', 'n7', 'neigh'])).stdout).toBe('')
  await world.run(['ip', '-n', 'n7', 'link', 'set', 'eth0', 'down'])
  const without = await world.netlab(['reach', '--lab', file])
  expect(without.stdout).toMatch(/1482 of 1560 pairs/)
})

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Pair } from '../../src/model/reach-pair.ts'
import type { ReachChangeJson } from '../../src/views/reach-change.ts'
import { openWorld, type World } from '../support/netns.ts'

const lab = (rule: string, gateway = '{ to: default, via: 10.0.2.1 }'): string => `
name: planned
namespaces:
  a: { routes: [{ to: default, via: 10.0.1.1 }] }
  b: { routes: [{ to: default, via: 10.0.1.1 }] }
  r:
    forwarding: true
    bridges: { br0: { addresses: [10.0.1.1/24] } }
    iptables: { filter: { FORWARD: [${rule}] } }
  web: { routes: [${gateway}] }
links:
  - { endpoints: { a:eth0: 10.0.1.2/24, r:br0: } }
  - { endpoints: { b:eth0: 10.0.1.3/24, r:br0: } }
  - { endpoints: { web:eth0: 10.0.2.2/24, r:eth1: 10.0.2.1/24 } }
checks:
  - { from: a, tcp: "web:80", to: "web:80" }
`
const DROPS_B = '"-s 10.0.1.3 -j DROP"'
const DROPS_A = '"-s 10.0.1.2 -p tcp -j DROP"'

let world: World
const write = (text: string): void => writeFileSync(join(world.folder, 'lab.yaml'), text)
const netlab = (...args: string[]) => world.netlab([...args], { cwd: world.folder })
const text = ({ from, to, protocol, port }: Pair): string => `${from} ${to} ${port ?? protocol}`

beforeAll(async () => {
  world = await openWorld()
  write(lab(DROPS_B))
  expect(await netlab('apply', 'lab.yaml', '-y')).toMatchObject({ code: 0 })
})
afterAll(() => world.close())

test('exactly the pairs that gain and lose, and nothing live is touched', async () => {
  write(lab(DROPS_A))
  const before = (await world.run(['ip', 'netns', 'exec', 'r', 'iptables-save', '-c'])).stdout
  const { code, stdout, stderr } = await netlab('plan', 'lab.yaml', '--reach', '--json')
  expect({ code, stderr }).toMatchObject({ code: 0 })
  const { reach, changes } = JSON.parse(stdout) as { reach: ReachChangeJson; changes: unknown[] }
  expect(changes).toHaveLength(1)
  expect(reach.gained.map(text)).toEqual(['b web icmp', 'web b icmp', 'b web 80'])
  expect(reach.lost.map(text)).toEqual(['a web 80'])
  expect(reach.lost[0]?.reason).toBe('no answer')
  expect(reach.trace).toMatchObject({ from: 'a', to: 'web:80', verdict: 'dropped', at: { rule: { chain: 'FORWARD' } } })
  const rules = (dump: string): string[] => dump.split('\n').filter((line) => line.includes('-A'))
  expect(rules((await world.run(['ip', 'netns', 'exec', 'r', 'iptables-save', '-c'])).stdout)).toEqual(rules(before))
})

test('what was changed by hand counts as what is live', async () => {
  write(lab(DROPS_B))
  await world.run(['ip', '-n', 'a', 'route', 'del', 'default'])
  const part = await netlab('plan', 'lab.yaml', '--reach', '--target', 'b')
  expect(part.stdout).toContain('no pair gains or loses')
  const { stdout } = await netlab('plan', 'lab.yaml', '--reach')
  expect(stdout).toMatch(/Reach: 3 gained, 0 lost\.\n {2}\+ a → web\n {2}\+ web → a\n {2}\+ a → web:80\/tcp\n/)
  expect((await world.run(['ip', '-n', 'a', 'route', 'show', 'default'])).stdout).toBe('')
})

test('nothing to do, a part, and everything removed', async () => {
  expect(await netlab('apply', 'lab.yaml', '-y')).toMatchObject({ code: 0 })
  expect((await netlab('plan', 'lab.yaml', '--reach')).stdout).toContain('no pair gains or loses')
  const { stdout } = await netlab('plan', 'lab.yaml', '--reach', '--destroy')
  expect(stdout).toMatch(/Reach: 0 gained, \d+ lost\./)
  expect(stdout).toContain('one of the two is no longer there')
})

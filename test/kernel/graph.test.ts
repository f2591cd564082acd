import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GraphJson } from '../../src/views/graph/text-forms.ts'
import { openWorld, type World } from '../support/netns.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const before = `
namespaces:
  r: { forwarding: ipv4 }
  a: { routes: [{ to: default, via: 10.0.1.1 }] }
  b: { routes: [{ to: default, via: 10.0.2.1 }] }
  c: {}
links:
  - endpoints: { r:eth1: 10.0.1.1/24, a:eth0: 10.0.1.2/24 }
  - endpoints: { r:eth2: 10.0.2.1/24, b:eth0: 10.0.2.2/24 }
  - endpoints: { r:eth3: 10.0.3.1/24, c:eth0: 10.0.3.2/24 }
`

/** Without c, with d, and with another address of b. */
const after = before
  .replace('  c: {}', '  d: {}')
  .replace('r:eth3: 10.0.3.1/24, c:eth0: 10.0.3.2/24', 'r:eth4: 10.0.4.1/24, d:eth0: 10.0.4.2/24')
  .replace('b:eth0: 10.0.2.2/24', 'b:eth0: 10.0.2.3/24')

const write = (name: string, text: string): string => {
  const path = join(world.folder, name)
  writeFileSync(path, `name: drawn\n${text}`)
  return path
}

async function drawnAs(...args: string[]): Promise<GraphJson> {
  const { code, stdout, stderr } = await world.netlab(['graph', ...args, '--json'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as GraphJson
}

/** What is not as usual, by node (`b`) and link (`r:eth1`). */
async function states(...args: string[]): Promise<Record<string, string>> {
  const { nodes, links } = await drawnAs(...args)
  const all = [...nodes.map(({ id, state }) => [id, state]), ...links.map(({ a, state }) => [a, state])]
  return Object.fromEntries(all.filter(([, state]) => state !== 'up')) as Record<string, string>
}

const sh = async (script: string): Promise<void> =>
  expect(await world.run(['sh', '-e'], { input: script })).toMatchObject({ code: 0, stderr: '' })

test('what is live, what differs from the file, and what a plan would do', async () => {
  const [now, next] = [write('now.yaml', before), write('next.yaml', after)]
  const everything = { r: 'missing', a: 'missing', b: 'missing', c: 'missing' }
  const missing = { 'r:eth1': 'missing', 'r:eth2': 'missing', 'r:eth3': 'missing' }
  expect(await states(now, '--live')).toEqual({ ...everything, ...missing })
  expect((await world.netlab(['apply', now, '-y'])).code).toBe(0)
  expect(await states(now, '--live')).toEqual({})
  expect(await states(now, '--plan')).toEqual({})

  // The way of a packet.
  const { nodes, links } = await drawnAs(now, '--trace', 'a', 'b:80', '--tcp')
  expect(nodes.flatMap(({ id, way }) => (way ? [[id, way]] : []))).toEqual([
    ['r', 'passed'],
    ['a', 'passed'],
    ['b', 'end'],
  ])
  expect(links.flatMap(({ a, way }) => (way ? [[a, way]] : []))).toEqual([
    ['r:eth1', 'packet'],
    ['r:eth2', 'packet'],
  ])

  // A link of which one end is down, an address and a route that the file does not have, a link that is gone.
  await sh(`
    ip -n a link set eth0 down
    ip -n r addr add 10.9.0.1/24 dev eth2
    ip -n b route add 10.7.0.0/16 via 10.0.2.1
    ip -n c link del eth0
  `)
  expect(await states(now, '--live')).toEqual({
    'r:eth1': 'down',
    'r:eth2': 'drift',
    'r:eth3': 'missing',
    b: 'drift',
    a: 'drift',
  })
  const svg = (await world.netlab(['graph', now, '--live'])).stdout
  expect(svg).toContain('<title>b, host, not as in the file</title>')
  expect(svg).toContain('r eth1 10.0.1.1/24 to a eth0 10.0.1.2/24 (down)')
  expect((await world.netlab(['apply', now, '-y'])).code).toBe(0)

  // The default route of b goes with the address through which it is reached.
  expect(await states(next, '--plan')).toEqual({
    b: 'changed',
    'r:eth2': 'changed',
    'r:eth3': 'removed',
    'r:eth4': 'added',
    c: 'removed',
    d: 'added',
  })
  expect((await world.netlab(['graph', next, '--plan'])).stdout).toContain('<title>d, host, added</title>')

  // A name is enough for what is live; a plan needs a file.
  expect(await states('drawn', '--live')).toEqual({})
  expect(await world.netlab(['graph', 'drawn', '--plan', '--json'])).toMatchObject({ code: 1 })
})

test('what nobody asked of the kernel needs no kernel: the file alone, and its positions', async () => {
  const file = write('pinned.yaml', before)
  expect(await states(file)).toEqual({})
  const { stderr } = await world.netlab(['graph', file, '--pin'])
  expect(stderr).toBe(`Wrote ${join(world.folder, 'pinned.layout.yaml')}: the positions of 4 nodes.\n`)
  const [free, pinned] = [
    await world.netlab(['graph', file]),
    await world.netlab(['graph', write('free.yaml', before)]),
  ]
  expect(pinned.stdout).toBe(free.stdout)
  writeFileSync(join(world.folder, 'pinned.layout.yaml'), 'r: [0, high]\n')
  expect(await world.netlab(['graph', file])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('pinned.layout.yaml:1:') as string,
  })
  for (const options of [
    ['--format', 'png'],
    ['--live', '--plan'],
    ['--trace', 'a'],
    ['--pin', '--format', 'dot'],
    ['--json', '--format', 'dot'],
  ])
    expect(await world.netlab(['graph', file, ...options])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('error: ') as string,
    })
})

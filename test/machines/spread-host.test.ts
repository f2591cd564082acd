import type { Peer } from '../../src/machines/connect.ts'
import { pack } from '../../src/machines/packed.ts'
import { spreadRunner } from '../../src/machines/spread-host.ts'
import { ownOf, theirsOf } from '../../src/model/other-machine.ts'
import type { Dump, Runner } from '../../src/model/runner.ts'

/** A namespace with a cable to one with a name, and one to one without. */
const dump = {
  links: [
    { ifindex: 2, ifname: 'eth0', flags: [], mtu: 1500, link_index: 7, link_netnsid: 0 },
    { ifindex: 3, ifname: 'eth1', flags: [], mtu: 1500, link_index: 8, link_netnsid: 1 },
  ],
  nsids: new Map([[0, 'r']]),
} as unknown as Dump

test('a namespace without a name on another machine is not one of this machine', async () => {
  const near = { host: {}, dump: async () => [dump] } as unknown as Runner
  const ask = async (name: string) => (name === 'homes' ? [] : pack([dump]))
  const peers = [{ name: 'left', ask } as unknown as Peer]
  const runner = await spreadRunner({
    lab: 'spread',
    near,
    peers,
    places: { a: 'left', b: 'here' },
    wires: [],
    roots: new Set(),
    lent: new Map(),
  })
  const wish = { sysctls: [], depth: 'all' } as const
  const [far, own] = await runner.dump([
    { netns: 'a', ...wish },
    { netns: 'b', ...wish },
  ])
  expect([...(far?.nsids ?? [])]).toEqual([
    [0, 'r'],
    [1, '(machine left)'],
  ])
  expect(own?.nsids).toBe(dump.nsids)
})

test('the own namespace of another machine has a path here and none there, and one of a container has its path there', async () => {
  const asked: unknown[] = []
  const near = { host: { status: () => ({ inode: 7 }) }, dump: async () => [] } as unknown as Runner
  const ask = async (name: string, input: unknown) => {
    asked.push(input)
    return name === 'homes' ? [] : pack([dump])
  }
  const peers = [{ name: 'left', ask } as unknown as Peer]
  const roots = new Set(['left'])
  const runner = await spreadRunner({ lab: 'spread', near, peers, places: {}, wires: [], roots, lent: new Map() })
  const netns = ownOf('left')
  const theirs = theirsOf('left', '/proc/9/ns/net')
  const [far] = await runner.dump([{ netns, paths: [netns, theirs, '/proc/7/ns/net'], sysctls: [], depth: 'links' }])
  expect(asked.at(-1)).toEqual({ requests: [{ paths: ['/proc/9/ns/net'], sysctls: [], depth: 'links' }] })
  expect(far?.nsids.get(1)).toBe(netns)
  expect(runner.host.status(netns)?.inode).toBe(-1)
  await runner.host.run({ argv: ['true'], netns })
  expect(asked.at(-1)).toEqual({ argv: ['true'] })
  await runner.host.run({ argv: ['true'], netns: theirs })
  expect(asked.at(-1)).toEqual({ argv: ['true'], netns: '/proc/9/ns/net' })
  expect(runner.host.status(theirs)?.inode).toBe(-2)
})

import type { LabIndex } from '../../src/checks/lab-index.ts'
import { reachAll } from '../../src/reach/ask-all.ts'
import type { PingRequest, ReachMachine } from '../../src/reach/reach-machine.ts'

test('each machine forgets neighbours when those of its own namespaces fill a quarter of its own table', async () => {
  const asked = new Map<string, PingRequest>()
  const machine = (name: string, room: number): ReachMachine => ({
    listening: async (hosts) => hosts.map(() => []),
    neighbors: async () => ({ 4: room, 6: 0 }),
    ping: async (request) => {
      asked.set(name, request)
      return request.questions.map(() => undefined)
    },
    listen: async () => ({ opened: [], close: async () => {} }),
    tryServices: async () => [],
  })
  // Four hosts of one segment: two on each machine, with three neighbours each.
  const machines = { roomy: machine('roomy', 24), narrow: machine('narrow', 23) }
  const hosts = ['a', 'b', 'c', 'd'].map((name, i) => ({ name, netns: name, address: `10.0.0.${i + 1}` }))
  const live = { links: (name: string) => [{ id: `${name}/eth0` }], segment: () => 'lan', resources: new Map() }
  const pairs = await reachAll({
    index: { live } as unknown as LabIndex,
    dumps: async () => new Map(),
    desired: new Map(),
    checks: [],
    hosts,
    isFrom: () => true,
    isTo: () => true,
    machineOf: (name) => (name < 'c' ? machines.roomy : machines.narrow),
    borrowed: (name) => name === 'd',
    progress: () => {},
  })
  expect(pairs).toHaveLength(12)
  expect(asked.get('roomy')).not.toHaveProperty('forgetful')
  expect(asked.get('narrow')?.forgetful).toEqual([2])
})

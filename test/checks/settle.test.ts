import { waitUntilSettled } from '../../src/checks/settle.ts'
import type { Dump, IpLink, Runner } from '../../src/model/runner.ts'

const COMING = ['BROADCAST', 'UP', 'LOWER_UP', 'NO-CARRIER']
const links = (flags: readonly string[], more = {}) => [{ ifname: 'eth0', flags, ...more } as unknown as IpLink]
const live = (namespaces: readonly string[], flags: readonly string[], more = {}) => ({
  dumps: new Map(namespaces.map((name) => [name, { links: links(flags, more) } as unknown as Dump])),
  resources: new Map(
    namespaces.map((namespace) => {
      const id = `${namespace}/eth0`
      return [id, { id, kind: 'veth', namespace, spec: {} }]
    }),
  ),
})

/** A runner whose kernel acts on carriers after `looks` looks. */
function slowKernel(looks: number) {
  let looked = 0
  const runner = {
    dump: (requests: readonly unknown[]) => {
      looked++
      return Promise.resolve(requests.map(() => ({ links: links(looked < looks ? COMING : ['UP', 'LOWER_UP']) })))
    },
  }
  return { runner: runner as unknown as Runner, looked: () => looked }
}

test('a carrier on which the kernel has not acted is waited for', async () => {
  const { runner, looked } = slowKernel(3)
  await waitUntilSettled(live(['a'], COMING), runner, () => {})
  expect(looked()).toBe(3)
})

test('nobody looks again when all carriers are there, the other end is down, or a link is dormant for ever', async () => {
  const { runner, looked } = slowKernel(1)
  await waitUntilSettled(live(['a'], ['UP', 'LOWER_UP']), runner, () => {})
  await waitUntilSettled(live(['a'], ['UP', 'NO-CARRIER']), runner, () => {})
  await waitUntilSettled(live(['a'], COMING, { linkmode: 'DORMANT' }), runner, () => {})
  expect(looked()).toBe(0)
})

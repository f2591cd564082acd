import { waitUntilSettled } from '../../src/checks/settle.ts'
import type { Operation } from '../../src/model/operation.ts'
import type { Dump, IpLink, Runner } from '../../src/model/runner.ts'

const COMING = ['BROADCAST', 'UP', 'LOWER_UP', 'NO-CARRIER']
const links = (flags: readonly string[]) => [{ ifname: 'eth0', flags } as unknown as IpLink]
const live = (namespaces: readonly string[], flags: readonly string[]) => ({
  dumps: new Map(namespaces.map((name) => [name, { links: links(flags) } as unknown as Dump])),
  resources: new Map(
    namespaces.map((namespace) => {
      const id = `${namespace}/eth0`
      return [id, { id, kind: 'veth', namespace, spec: {} }]
    }),
  ),
})

/** A runner whose kernel acts on carriers after `looks` looks, and what it was asked. */
function slowKernel(looks: number) {
  const asked: Operation[] = []
  let looked = 0
  const runner = {
    run: ([wave = []]: readonly (readonly Operation[])[]) => Promise.resolve(void asked.push(...wave)),
    dump: (requests: readonly unknown[]) => {
      looked++
      return Promise.resolve(requests.map(() => ({ links: links(looked < looks ? COMING : ['UP', 'LOWER_UP']) })))
    },
  }
  return { runner: runner as unknown as Runner, asked, looked: () => looked }
}

test('a carrier on which the kernel has not acted is asked for, and waited for', async () => {
  const { runner, asked, looked } = slowKernel(3)
  await waitUntilSettled(live(['a'], COMING), runner, () => {})
  expect(looked()).toBe(3)
  expect(asked).toEqual([
    expect.objectContaining({ argv: ['ip', 'link', 'show', 'dev', 'eth0'], place: { netns: 'a' } }),
  ])
})

test('nothing is asked when all carriers are there, and not for each of many', async () => {
  const idle = slowKernel(1)
  await waitUntilSettled(live(['a'], ['UP', 'LOWER_UP']), idle.runner, () => {})
  await waitUntilSettled(live(['a'], ['UP', 'NO-CARRIER']), idle.runner, () => {}) // the other end is down
  expect([idle.looked(), idle.asked]).toEqual([0, []])
  const many = slowKernel(1)
  const names = Array.from({ length: 50 }, (_, i) => `h${i}`)
  await waitUntilSettled(live(names, COMING), many.runner, () => {})
  expect([many.looked(), many.asked]).toEqual([1, []])
})

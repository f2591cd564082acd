import type { Step } from '../../src/model/change.ts'
import type { Host } from '../../src/model/host.ts'
import { HERE } from '../../src/model/place.ts'
import { holdable } from '../../src/run/hold.ts'

const host = {
  readFile: () => 'Max open files            100                  100                  files\n',
} as unknown as Host
const gone = (count: number): Step[] =>
  Array.from({ length: count }, (_, i) => ({
    ...{ change: `n${i}`, stage: 'delete namespaces', wave: 1 },
    operation: { do: 'netns.delete', place: HERE, name: `n${i}` },
  }))
const link: Step = {
  ...{ change: 'a/e0', stage: 'delete links', wave: 0 },
  operation: { do: 'link.delete', place: { netns: 'a' }, name: 'e0' },
}
const held = (steps: readonly Step[]): number => holdable(steps, host).length

test('namespaces are held where descriptors for them are left', () => {
  expect([held(gone(50)), held(gone(51))]).toEqual([50, 0])
  expect([held([link, ...gone(25)]), held([link, ...gone(26)])]).toEqual([25, 0])
  expect(held([...gone(2), link])).toBe(0) // what follows may need their names
})

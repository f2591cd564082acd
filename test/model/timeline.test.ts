import { eventsOf, seeded, type Timeline } from '../../src/model/timeline.ts'
import { isPattern, parseTarget } from '../../src/model/fault-target.ts'

const storm: Timeline = {
  name: 'storm',
  steps: [
    { do: 'cut', targets: ['a:eth0', 'b:eth0', 'c:eth0'], at: [0, 10_000], lasts: [1000, 3000], pick: 1 },
    { do: 'heal', targets: [], at: [5000, 5000] },
    { do: 'partition', groups: [['a'], ['b']], at: [1000, 1000], pick: 1 },
  ],
}

test('a seed decides everything that is left to chance', () => {
  expect(eventsOf(storm, 1)).toEqual(eventsOf(storm, 1))
  const all = Array.from({ length: 50 }, (_, seed) => JSON.stringify(eventsOf(storm, seed)))
  expect(new Set(all).size).toBe(50)
  expect(Array.from({ length: 3 }, seeded(1)).map((n) => n.toFixed(6))).toEqual(['0.627074', '0.002736', '0.527447'])
})

test('events come in order, within their times, with as many targets as are picked', () => {
  for (let seed = 0; seed < 100; seed++) {
    const events = eventsOf(storm, seed)
    expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).sort((a, b) => a - b))
    const cut = events.find((event) => 'action' in event && event.action.do === 'cut')
    const ends = events.find((event) => 'ends' in event)
    expect(cut).toMatchObject({ step: 0, action: { targets: [expect.stringMatching(/^[abc]:eth0$/)] } })
    const lasted = (ends?.at ?? 0) - (cut?.at ?? 0)
    expect([cut!.at >= 0 && cut!.at <= 10_000, lasted >= 1000 && lasted <= 3000]).toEqual([true, true])
    expect(events).toContainEqual({ at: 1000, step: 2, action: { do: 'partition', groups: [['a'], ['b']] } })
  }
})

test('what a word names', () => {
  const isNamespace = (name: string): boolean => ['a', 'b-c', 'd'].includes(name)
  const parsed = (word: string) =>
    parseTarget(word, isNamespace)?.map(({ namespace, device }) => `${namespace} ${device ?? ''}`.trim())
  expect(parsed('a')).toEqual(['a'])
  expect(parsed('b-c:eth-0')).toEqual(['b-c eth-0'])
  expect(parsed('a:eth0-d:eth1')).toEqual(['a eth0', 'd eth1'])
  expect(parsed('b-c:eth-0-b-c:eth-1')).toEqual(['b-c eth-0', 'b-c eth-1'])
  expect(parsed('a:x-h*:eth0')).toEqual(['a x', 'h* eth0'])
  for (const wrong of ['', ':', 'a:', ':eth0', 'a:b:c', 'a:eth0-x:eth1']) expect(parsed(wrong)).toBeUndefined()
  expect(['a*', 'a?', 'a'].map(isPattern)).toEqual([true, true, false])
})

import { openBrake } from '../../src/commands/brake.ts'

test('repairs of the same resource come later and later, and then none', () => {
  const brake = openBrake()
  let last = 0
  const pauses = Array.from({ length: 8 }, () => {
    const { ready, waiting } = brake.divide(['a'], last + 100)
    const due = ready.length ? last + 100 : waiting[0]!.due
    expect(brake.divide(['a'], due).ready).toEqual(['a'])
    const pause = due - last
    last = due
    brake.repaired(['a'], last)
    return pause
  })
  expect(pauses).toEqual([100, 100, 1000, 2000, 4000, 8000, 16_000, 32_000])
  expect(brake.divide(['a'], last + 1e6)).toMatchObject({ ready: [], waiting: [], left: [{ id: 'a', times: 8 }] })
})

test('only what flaps waits or is given up; what drifts beside it is repaired at once', () => {
  const brake = openBrake()
  for (const now of [0, 10, 20]) brake.repaired(['a'], now)
  expect(brake.divide(['a', 'b'], 30)).toEqual({
    ready: ['b'],
    waiting: [{ id: 'a', times: 3, pause: 2000, due: 2020 }],
    left: [],
  })
  for (let n = 0; n < 5; n++) brake.repaired(['a'], 40)
  expect(brake.divide(['a', 'b'], 50)).toMatchObject({ ready: ['b'], waiting: [], left: [{ id: 'a' }] })
})

test('what was repaired long ago begins anew', () => {
  const brake = openBrake()
  for (const now of [0, 10, 20]) brake.repaired(['a'], now)
  expect(brake.divide(['a'], 60_020).ready).toEqual(['a'])
})

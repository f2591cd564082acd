import { openBrake } from '../../src/commands/brake.ts'

test('repairs of the same resource come later and later, and then none', () => {
  const brake = openBrake()
  let last = 0
  const pauses = Array.from({ length: 9 }, () => {
    const due = brake.due(['a', 'b'], last + 100)
    if (due === undefined) return undefined
    const pause = due - last
    last = due
    brake.repaired(['a', 'b'], last)
    return pause
  })
  expect(pauses).toEqual([100, 100, 1000, 2000, 4000, 8000, 16_000, 32_000, undefined])
  expect(brake.worst(['c', 'b'], last)).toEqual({ id: 'b', times: 8, pause: 64_000 })
  expect(brake.due(['c'], last + 5)).toBe(last + 5)
  expect(brake.due(['a'], last + 60_000)).toBe(last + 60_000)
})

test('what drifts meanwhile neither counts as a repair nor postpones one', () => {
  const brake = openBrake()
  for (const now of [0, 10, 20]) brake.repaired(['a'], now)
  const due = Array.from({ length: 20 }, (_, i) => brake.due(['a', `b${i}`], 30 + i))
  expect(new Set(due)).toEqual(new Set([2020]))
})

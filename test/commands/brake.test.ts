import { openBrake } from '../../src/commands/brake.ts'

test('repairs of the same resource come later and later, and then none', () => {
  const brake = openBrake()
  let now = 0
  const pauses = Array.from({ length: 9 }, () => {
    const pause = brake.wait(['a', 'b'], now)
    now += (pause ?? 0) + 100
    return pause
  })
  expect(pauses).toEqual([0, 0, 1000, 2000, 4000, 8000, 16_000, 32_000, undefined])
  expect(brake.worst(['c', 'b'])).toEqual({ id: 'b', times: 8 })
  expect(brake.wait(['c'], now)).toBe(0)
  expect(brake.wait(['a'], now + 60_000)).toBe(0)
})

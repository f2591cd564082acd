import { HERE } from '../../src/model/place.ts'
import type { Step } from '../../src/model/change.ts'
import type { Runner } from '../../src/model/runner.ts'
import type { Others } from '../../src/run/other-parts.ts'
import { runPrograms } from '../../src/run/run-programs.ts'

const step = (change: string, after: string[] = [], stage: Step['stage'] = 'start processes'): Step => ({
  ...{ change, stage, wave: 0, after },
  operation: { do: 'run', place: HERE, argv: [change] },
})

/** Runs steps with programs that take a while; those in `failing` fail. Notes when each begins and ends. */
async function run(steps: Step[], failing: string[] = [], signal?: AbortSignal, others?: Others) {
  const log: string[] = []
  const runProgram: Runner['runProgram'] = async ({ argv: [name = ''] }) => {
    log.push(`+${name}`)
    await new Promise((done) => setTimeout(done, name.length * 10))
    log.push(`-${name}`)
    return { code: failing.includes(name) ? 1 : 0, stdout: '', stderr: '' }
  }
  const done: string[] = []
  jest.useFakeTimers()
  const ran = runPrograms(steps, { runProgram } as Runner, ({ change }) => done.push(change), signal, others)
  await jest.advanceTimersByTimeAsync(1000)
  jest.useRealTimers()
  const result = await ran
  return { log: log.join(' '), done, ...result }
}

test('what comes after nothing begins at once, the rest as soon as it may', async () => {
  const { log, done } = await run([step('dd', ['a', 'elsewhere']), step('ccccccccc'), step('a'), step('b', ['dd'])])
  expect(log).toBe('+a +ccccccccc -a +dd -dd +b -b -ccccccccc')
  expect(done).toEqual(['a', 'dd', 'b', 'ccccccccc'])
})

test('one that fails keeps only those that come after it from being started', async () => {
  const { done, failed, skipped } = await run([step('a'), step('b', ['a']), step('c', ['d', 'b']), step('d')], ['a'])
  expect(done).toEqual(['d'])
  expect(failed.map((one) => one.step.change)).toEqual(['a'])
  expect(skipped.map((one) => `${one.step.change} ${one.before}`)).toEqual(['b a', 'c b'])
})

test('one that cannot be ended keeps nothing else from being ended', async () => {
  const ends = [step('a', ['b'], 'stop processes'), step('b', [], 'stop processes')]
  const { log, done, failed } = await run(ends, ['b'])
  expect(log).toBe('+b -b +a -a')
  expect(done).toEqual(['a'])
  expect(failed).toHaveLength(1)
})

test('what comes after a program on another machine waits for that, and tells what came of it', async () => {
  const told: string[] = []
  const isReady = async (id: string): Promise<boolean> => {
    await new Promise((done) => setTimeout(done, 100))
    return id === 'far'
  }
  const tell = (id: string, ok: boolean): void => void told.push(`${id} ${ok}`)
  const others = { reach: () => {}, meet: async () => {}, followers: () => ['lost'], isReady, tell }
  const { log, skipped } = await run([step('a', ['far']), step('bb'), step('c', ['lost'])], ['bb'], undefined, others)
  expect(log).toBe('+bb -bb +a -a')
  expect(skipped).toMatchObject([{ step: { change: 'c' }, before: 'lost' }])
  expect(told.sort()).toEqual(['a true', 'bb false', 'c false'])
  // It is ended before the program on the other machine, or when that one cannot be ended.
  const ends = [step('b', [], 'stop processes'), step('a', [], 'stop processes')]
  const followers = (id: string): string[] => (id === 'b' ? ['lost'] : [])
  expect((await run(ends, [], undefined, { ...others, followers })).log).toBe('+a -a +b -b')
})

test('a circle ends, and a signal keeps everything from being begun', async () => {
  expect((await run([step('a', ['b']), step('b', ['a'])])).done.sort()).toEqual(['a', 'b'])
  expect((await run([step('a')], [], AbortSignal.abort())).log).toBe('')
})

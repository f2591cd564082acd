import { execute } from '../../src/exec/execute.ts'
import type { Stage, Step } from '../../src/model/plan.ts'
import type { Runner } from '../../src/model/runner.ts'

const step = (wave: number, stage: Stage, netns: string | undefined, ...argv: string[]): Step => ({
  change: argv.join(' '),
  stage,
  wave,
  command: netns === undefined ? { argv } : { argv, netns },
})
const steps = [
  step(0, 'create namespaces', undefined, 'make', 'a'),
  step(1, 'create links', 'a', 'cable', 'to', 'b'),
  step(2, 'add addresses', 'b', 'address'),
  step(3, 'open bridges', 'a', 'up'),
]

/** Runs the steps, and tells in what order commands began, and readings began and ended. */
async function trace(runs: Runner['run'], reading: () => Promise<unknown>) {
  const log: string[] = []
  const runner = {
    run: (...[commands, done, signal]: Parameters<Runner['run']>) => {
      log.push(commands.map(({ argv }) => argv.join(' ')).join())
      return runs(commands, done, signal)
    },
  } as Runner
  const settled = async (namespaces: readonly (string | undefined)[]): Promise<void> => {
    const names = namespaces.map((name) => name ?? 'here').join()
    if (names) log.push(`read ${names}`)
    await reading().finally(() => names && log.push(`has read ${names}`))
  }
  const execution = await execute(steps, runner, { done: () => {}, end: () => {}, settled })
  return { log, execution }
}
const succeed: Runner['run'] = (commands, done) => {
  commands.forEach((_, i) => done(i))
  return Promise.resolve(undefined)
}
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

test('a namespace is read when nothing more concerns it, beside what follows, and before a bridge opens', async () => {
  const { log, execution } = await trace(succeed, soon)
  expect(log).toEqual([
    'make a',
    'cable to b',
    'address', // until now something might have reached into b, or out of netlab's own namespace
    'read here',
    'read b',
    'has read here',
    'has read b',
    'up',
    'read a',
  ])
  expect(execution.done).toHaveLength(4)
})

test('what fails is not followed, and nothing of it is read', async () => {
  const fail: Runner['run'] = ([command], done) =>
    command?.netns === 'b'
      ? Promise.resolve({ index: 0, outcome: { code: 2, stdout: '', stderr: 'no' } })
      : succeed([command!], done)
  const { log, execution } = await trace(fail, soon)
  expect(log.filter((line) => !line.includes('here'))).toEqual(['make a', 'cable to b', 'address'])
  expect(execution).toMatchObject({ done: { length: 2 }, failed: { step: steps[2] } })
})

test('a reading that fails is not the run’s failure', async () => {
  const { execution } = await trace(succeed, () => Promise.reject(new Error('no answer')))
  expect(execution).toMatchObject({ stopped: false, done: { length: 4 } })
})

import { commandOf } from '../../src/backend/iproute/command-of.ts'
import { execute, failureText } from '../../src/run/execute.ts'
import { running, type Program } from '../../src/model/operation.ts'
import type { Stage, Step } from '../../src/model/change.ts'
import type { Host } from '../../src/model/host.ts'
import type { Runner } from '../../src/model/runner.ts'
import type { Others } from '../../src/run/other-parts.ts'

const step = (wave: number, stage: Stage, netns: string | undefined, ...argv: string[]): Step => ({
  change: argv.join(' '),
  stage,
  wave,
  operation: running(netns === undefined ? { argv } : { argv, netns }),
})
const steps: readonly Step[] = [
  step(0, 'create namespaces', undefined, 'make', 'a'),
  {
    ...{ change: 'cable', stage: 'create links', wave: 1 },
    operation: {
      ...{ do: 'link.add', place: { netns: 'a' }, link: { name: 'e0' } },
      ...{ type: { name: 'veth', data: {} }, peer: { name: 'e0', netns: 'b' } },
    },
  },
  step(2, 'add addresses', 'c', 'address'),
  step(3, 'open bridges', 'a', 'up'),
]

/** Runs the steps, and tells in what order commands began, and readings began and ended. */
async function trace(runs: Runner['run'], reading: () => Promise<unknown>) {
  const log: string[] = []
  const runner = {
    async run(waves: Parameters<Runner['run']>[0], done: (index: number) => void) {
      let before = 0
      for (const wave of waves) {
        log.push(wave.map((operation) => commandOf(operation).argv.join(' ')).join())
        const start = before
        const failure = await runs([wave], (index) => done(start + index))
        if (failure) return { ...failure, index: start + failure.index }
        before += wave.length
      }
      return undefined
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
const succeed: Runner['run'] = ([wave], done) => {
  wave?.forEach((_, i) => done(i))
  return Promise.resolve(undefined)
}
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

test('a namespace is read when nothing more concerns it, beside what follows, and before a bridge opens', async () => {
  const { log, execution } = await trace(succeed, soon)
  expect(log).toEqual([
    'make a',
    'read here',
    'ip link add name e0 type veth peer name e0 netns b',
    'read b', // it has an end of the cable
    'address',
    'read c',
    'has read here',
    'has read b',
    'has read c',
    'up',
    'read a',
  ])
  expect(execution.done).toHaveLength(4)
})

test('what fails is not followed, and nothing of it is read', async () => {
  const fail: Runner['run'] = (waves, done) =>
    waves[0]?.[0]?.place.netns === 'c'
      ? Promise.resolve({ index: 0, outcome: { code: 2, stdout: '', stderr: 'no' } })
      : succeed(waves, done)
  const { log, execution } = await trace(fail, soon)
  expect(log.filter((line) => !line.includes('read'))).toEqual([
    'make a',
    'ip link add name e0 type veth peer name e0 netns b',
    'address',
  ])
  expect(log.join()).not.toContain('read c')
  expect(execution).toMatchObject({ done: { length: 2 }, failed: { step: steps[2] } })
})

test('a reading that fails is not the run’s failure', async () => {
  const { execution } = await trace(succeed, () => Promise.reject(new Error('no answer')))
  expect(execution).toMatchObject({ stopped: false, done: { length: 4 } })
})

describe('the kernel acts on carriers a little later', () => {
  const log: string[] = []
  beforeEach(() => void log.splice(0))
  /** `coming` says for each look, from 1, whether the carrier of e0 is not there yet. */
  const runner = (coming: (looks: number) => boolean) => {
    let looks = 0
    return {
      run: succeed,
      dump: (requests: readonly { netns?: string }[]) => {
        log.push(`look at ${requests.map(({ netns }) => netns).join()}`)
        const flags = ['UP', 'LOWER_UP', ...(coming(++looks) ? ['NO-CARRIER'] : [])]
        const others = { ifname: 'others', flags: ['UP', 'LOWER_UP', 'NO-CARRIER'] }
        return Promise.resolve(requests.map(() => ({ links: [{ ifname: 'e0', flags }, others] })))
      },
      runProgram: ({ argv }: Program) => {
        log.push(argv.join(' '))
        return Promise.resolve({ code: 0, stdout: '', stderr: '' })
      },
    } as unknown as Runner
  }
  const up = (wave: number, netns: string): Step => ({
    ...{ change: netns, stage: 'set links', wave },
    operation: { do: 'link.set', place: { netns }, name: 'e0', set: { up: true } },
  })
  const program = step(4, 'start processes', 'b', 'serve')
  const quiet = { done: () => {}, end: () => {} }

  test('programs start when it has, for the links that were set up', async () => {
    await execute(
      [up(0, 'b'), up(0, 'b'), program],
      runner((looks) => looks < 2),
      quiet,
    )
    expect(log.splice(0)).toEqual(['look at b', 'look at b', 'serve'])
    await execute(
      [step(0, 'add addresses', 'b', 'address'), program],
      runner(() => true),
      quiet,
    )
    expect(log).toEqual(['serve']) // nothing came up
  })

  test('a machine without programs says only then that others can start theirs', async () => {
    const others = { reach: () => void log.push('reach') } as unknown as Others
    await execute(
      [up(0, 'b')],
      runner((looks) => looks < 2),
      { ...quiet, others },
    )
    expect(log).toEqual(['look at b', 'look at b', 'reach'])
  })

  test('who interrupts the run does not wait for it', async () => {
    const interrupted = new AbortController()
    const slow = runner(() => (setImmediate(() => interrupted.abort()), true))
    await execute([up(0, 'b'), program], slow, quiet, interrupted.signal)
    expect(log).toEqual(['look at b'])
  })
})

test('who may have a VNI that nobody seems to have is said', () => {
  const stderr = 'Error: A VXLAN device with the specified VNI already exists.\n'
  const failed = { step: steps[1]!, outcome: { code: 2, stdout: '', stderr } }
  expect(failureText(failed, { explain: () => undefined } as unknown as Host)).toMatch(
    /exists\.\n +A namespace .* lsns/,
  )
})

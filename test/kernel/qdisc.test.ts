import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { commandOf } from '../../src/backend/iproute/command-of.ts'
import { qdisc, type QdiscSpec } from '../../src/kinds/qdisc.ts'
import type { PlanContext } from '../../src/model/kind.ts'
import type { Emission } from '../../src/model/change.ts'
import type { Resource } from '../../src/model/resource.ts'
import type { Dump, TcQdisc } from '../../src/model/runner.ts'
import type { PlanJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'
import '../support/seed.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

/** In the world's own namespace, where no netlab runs. */
const resource = (spec: Omit<QdiscSpec, 'dev'>): Resource<QdiscSpec> => ({
  ...{ id: 'here/veth0/qdisc', kind: 'qdisc', namespace: 'here', root: true },
  spec: { dev: 'veth0', ...spec },
})

async function live(): Promise<Resource<QdiscSpec> | undefined> {
  const { stdout } = await world.run(['tc', '-j', 'qdisc', 'show'])
  const dump = { qdiscs: JSON.parse(stdout) as TcQdisc[] } as unknown as Dump
  return qdisc.read(dump, { namespace: 'here', root: true, lab: 'l' })[0]
}

const context: PlanContext = { lab: 'l', live: new Map(), desired: new Map(), goes: () => false, lost: () => false }
async function perform(emissions: readonly Emission[]): Promise<void> {
  for (const { operation } of emissions) {
    const command = commandOf(operation)
    const { code, stderr } = await world.run(command.argv)
    if (code !== 0) throw new Error(`${command.argv.join(' ')}: ${stderr}`)
  }
}

/** Rates, bursts and queues over the whole range that makes sense, not only round ones. */
const magnitude = (least: number, most: number): fc.Arbitrary<number> =>
  fc
    .double({ min: Math.log(least), max: Math.log(most), noNaN: true })
    .map((exponent) => Math.round(Math.exp(exponent)))
const shaped = fc
  .record(
    { rate: magnitude(8000, 40e9), burst: magnitude(1600, 1e7), limit: magnitude(1, 20000) },
    { requiredKeys: ['rate'] },
  )
  .filter(({ rate, burst = 0 }) => (burst * 8e6) / rate < 274e6)

test('what tbf was told is what it is read to do, when it is made and when it is changed', async () => {
  await world.run(['ip', 'link', 'add', 'name', 'veth0', 'type', 'veth', 'peer', 'name', 'veth1'])
  await fc.assert(
    fc.asyncProperty(shaped, shaped, async (first, second) => {
      await world.run(['tc', 'qdisc', 'del', 'dev', 'veth0', 'root'])
      expect(await live()).toBeUndefined()
      await perform(qdisc.create(resource(first), context))
      const made = await live()
      expect(qdisc.compare(made!.spec, resource(first).spec)).toEqual([])
      await perform(qdisc.update({ live: made!, desired: resource(second), differences: [] }, context))
      const changed = await live()
      expect(qdisc.compare(changed!.spec, resource(second).spec)).toEqual([])
      // What is read can be asked for, too: nothing would change.
      expect(qdisc.compare(changed!.spec, changed!.spec)).toEqual([])
    }),
    { numRuns: 40 },
  )
})

describe('a lab', () => {
  const file = (): string => join(world.folder, 'shaped.yaml')
  const write = (impairments: string): void =>
    writeFileSync(
      file(),
      `namespaces: { h1: , h2: }
links:
  - endpoints:
      h1:eth0: { addresses: [10.0.0.1/24]${impairments && `, impairments: ${impairments}`} }
      h2:eth0: [10.0.0.2/24]
`,
    )
  const netlab = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await world.netlab(args)
    if (code !== 0) throw new Error(`netlab ${args.join(' ')}: ${stdout}${stderr}`)
    return stdout
  }
  const plan = async (): Promise<PlanJson> => JSON.parse(await netlab('plan', file(), '--json')) as PlanJson
  const tc = (...words: string[]) => world.run(['tc', '-n', 'h1', ...words])
  const handle = async (): Promise<string> =>
    (JSON.parse((await tc('-j', 'qdisc', 'show', 'dev', 'eth0')).stdout) as TcQdisc[])[0]!.handle

  test('is applied, changed in place, repaired and undone', async () => {
    write('{ rate: 10mbit, burst: 32kb }')
    await netlab('apply', file(), '-y')
    expect((await plan()).changes).toEqual([])
    const before = await handle()

    write('{ rate: 20mbit }')
    const { changes, steps } = await plan()
    expect(changes).toMatchObject([{ id: 'h1/eth0/qdisc', action: 'update' }])
    expect(changes[0]!.differences).toEqual([
      { field: 'rate', from: '10mbit', to: '20mbit' },
      { field: 'burst', from: expect.any(String), to: '25000b' },
    ])
    expect(steps.map(({ command }) => command)).toEqual([
      'tc -n h1 qdisc change dev eth0 root tbf rate 20mbit burst 25000b limit 150662',
    ])
    await netlab('apply', file(), '-y')
    expect((await plan()).changes).toEqual([])
    expect(await handle()).toBe(before)

    await tc('qdisc', 'change', 'dev', 'eth0', 'root', 'tbf', 'rate', '5mbit', 'burst', '25000', 'limit', '99999')
    expect((await plan()).changes).toMatchObject([{ id: 'h1/eth0/qdisc', action: 'update' }])
    await tc('qdisc', 'replace', 'dev', 'eth0', 'root', 'pfifo', 'limit', '3')
    expect((await plan()).changes).toMatchObject([
      { id: 'h1/eth0/qdisc', action: 'replace', differences: [{ field: 'kind', from: 'pfifo', to: 'tbf' }] },
    ])
    await tc('qdisc', 'del', 'dev', 'eth0', 'root')
    expect((await plan()).changes).toMatchObject([{ id: 'h1/eth0/qdisc', action: 'create' }])
    await netlab('apply', file(), '-y')
    expect((await plan()).changes).toEqual([])

    write('')
    expect((await plan()).steps.map(({ command }) => command)).toEqual(['tc -n h1 qdisc del dev eth0 root'])
    await netlab('apply', file(), '-y')
    await world.run(['tc', '-n', 'h2', 'qdisc', 'add', 'dev', 'eth0', 'root', 'bfifo', 'limit', '9999'])
    expect((await plan()).changes).toMatchObject([{ id: 'h2/eth0/qdisc', action: 'delete', description: 'bfifo' }])
    await netlab('apply', file(), '-y')
    expect((await plan()).changes).toEqual([])
  })

  test('is shown as it is written', async () => {
    write('{ rate: 1234567bit, burst: 5000, limit: 7 }')
    const shown = await netlab('show', file(), '--desired')
    expect(shown).toContain('rate: 1234567bit')
    expect(shown).toContain('limit: 7')
  })

  test.each([
    ['{ burst: 32kb }', 'burst needs a rate'],
    ['{ rate: 1mbit, burst: 32kb, loss: 1% }', 'burst cannot be had together with loss'],
    ['{ rate: 1mbit, burst: 1000mb }', 'the burst is too large for this rate'],
    ['{ rate: 7bit }', 'the slowest rate is 8bit'],
    ['{ delay: 300s }', 'delay is longer than tc can hold a packet'],
    ['{ jitter: 3ms }', 'jitter needs a delay'],
  ])('refuses %s', async (impairments, summary) => {
    write(impairments)
    const { code, stderr } = await world.netlab(['validate', file()])
    expect(stderr).toContain(summary)
    expect(code).toBe(1)
  })
})

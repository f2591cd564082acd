import { HERE_NAME } from '../../src/model/place.ts'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { commandOf } from '../../src/backend/iproute/command-of.ts'
import { qdisc, type Shaper } from '../../src/kinds/qdisc.ts'

import type { Emission } from '../../src/model/change.ts'
import type { Resource } from '../../src/model/resource.ts'
import type { Dump, TcQdisc } from '../../src/model/runner.ts'
import type { PlanJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'
import { planContext } from '../support/resources.ts'
import '../support/seed.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

/** In the world's own namespace, where no netlab runs. */
const resource = (spec: Omit<Shaper, 'dev'>): Resource<Shaper> => ({
  ...{ id: 'here/veth0/qdisc', kind: 'qdisc', namespace: 'here', borrowed: HERE_NAME },
  spec: { dev: 'veth0', ...spec },
})

async function live(): Promise<Resource<Shaper> | undefined> {
  const { stdout } = await world.run(['tc', '-j', 'qdisc', 'show'])
  const dump = { qdiscs: JSON.parse(stdout) as TcQdisc[] } as unknown as Dump
  return qdisc.read(dump, { namespace: 'here', borrowed: HERE_NAME, lab: 'l' })[0]
}

const context = planContext('l')
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
    expect((await plan()).changes).toMatchObject([
      { id: 'h2/eth0/qdisc', action: 'delete', description: 'qdisc bfifo limit 9999' },
    ])
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

describe('impairments by destination', () => {
  const file = (): string => join(world.folder, 'by-destination.yaml')
  const write = (impairments: string, db = '[10.0.0.2/24, "fd00::2/64"]'): void =>
    writeFileSync(
      file(),
      `namespaces:
  sw: { bridges: { br0: } }
  a: {}
  db: {}
  c: {}
links:
  - endpoints: { a:eth0: { addresses: [10.0.0.1/24, "fd00::1/64"], impairments: ${impairments} }, sw:br0: }
  - endpoints: { db:eth0: ${db}, sw:br0: }
  - endpoints: { c:eth0: [10.0.0.3/24], sw:br0: }
`,
    )
  const netlab = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await world.netlab(args)
    if (code !== 0) throw new Error(`netlab ${args.join(' ')}: ${stdout}${stderr}`)
    return stdout
  }
  const plan = async (): Promise<PlanJson> => JSON.parse(await netlab('plan', file(), '--json')) as PlanJson
  const commands = async (): Promise<string[]> => (await plan()).steps.map(({ command }) => command)
  const fields = async (): Promise<string[]> =>
    (await plan()).changes.flatMap(({ differences }) => (differences ?? []).map(({ field }) => field))
  const tc = (...words: string[]) => world.run(['tc', '-n', 'a', ...words])
  const first = '{ rate: 50mbit, to: { db: { rate: 10mbit }, 10.1.0.0/16: { rate: 2mbit }, "c, fd00:9::/40": { rate: 20mbit } } }' // prettier-ignore

  /** Bits per second on the wire of 1 MB that goes by TCP from `a` to the address, measured where it arrives. */
  async function speed(to: string, namespace: string): Promise<number> {
    const [port, size] = [5000, 1_000_000]
    const server = `let n = 0, t; require('net').createServer((s) => s.on('data', (d) => {
      t ??= process.hrtime.bigint(); n += d.length; if (n < ${size}) return
      console.log(n * 8 * 1514 / 1448 / (Number(process.hrtime.bigint() - t) / 1e9)); process.exit()
    })).listen(${port}, '::')`
    const client = `const go = () => { const s = require('net').connect(${port}, '${to}', () => s.end(Buffer.alloc(${size})));
      s.on('error', () => setTimeout(go, 50)) }; go()`
    const inside = (where: string, script: string) =>
      world.run(['ip', 'netns', 'exec', where, process.execPath, '-e', script])
    const [{ stdout }] = await Promise.all([inside(namespace, server), inside('a', client)])
    return Number(stdout)
  }

  test('each destination has its rate, by either family, and what no destination matches has another', async () => {
    write(first)
    await netlab('apply', file(), '-y')
    expect((await plan()).changes).toEqual([])
    for (const [to, where, rate] of [
      ['10.0.0.2', 'db', 10e6],
      ['fd00::2', 'db', 10e6],
      ['10.0.0.3', 'c', 20e6],
    ] as const) {
      // A machine that has much else to do may send less for a while.
      let off = 1
      for (let tries = 0; tries < 5 && off >= 0.05; tries++) off = Math.abs((await speed(to, where)) / rate - 1)
      expect(off).toBeLessThan(0.05)
    }
  })

  test('one value is changed in place, and destinations come and go without the others', async () => {
    write(first.replace('10mbit', '12mbit'))
    expect(await plan()).toMatchObject({
      changes: [
        { id: 'a/eth0/qdisc', action: 'update', differences: [{ field: 'to db rate', from: '10mbit', to: '12mbit' }] },
      ],
      steps: [{ command: expect.stringMatching(/^tc -n a qdisc change dev eth0 parent 6e6c:\w+ tbf rate 12mbit/) }],
    })
    write(first.replace('10.1.0.0/16: { rate: 2mbit }', '10.2.0.0/16: {}'))
    expect((await commands()).map((text) => text.replaceAll(/6e6c:\w+/g, 'CLASS'))).toEqual([
      expect.stringMatching(/^tc -n a filter del dev eth0 parent 6e6c: protocol ip pref 1016 handle \S+ u32$/),
      expect.stringMatching(/^tc -n a class add dev eth0 parent 6e6c: classid CLASS htb/),
      'tc -n a class del dev eth0 classid CLASS',
      'tc -n a filter add dev eth0 parent 6e6c: protocol ip pref 1016 u32 match ip dst 10.2.0.0/16 flowid CLASS',
    ])
    await netlab('apply', file(), '-y')
    expect((await plan()).changes).toEqual([])
    write(first, '[10.0.0.22/24, "fd00::2/64"]')
    await netlab('apply', file(), '-y')
    expect((await plan()).changes).toEqual([])
    write(first)
    expect(await fields()).toEqual(['to db networks'])
    await netlab('apply', file(), '-y')
    write('{ rate: 50mbit }')
    await netlab('apply', file(), '-y')
    expect((await plan()).changes).toEqual([])
    write(first)
    await netlab('apply', file(), '-y')
    expect((await plan()).changes).toEqual([])
  })

  const classOf = async (name: string): Promise<string> =>
    /flowid (\S+) /.exec((await tc('filter', 'show', 'dev', 'eth0')).stdout.split(name)[0]!.split('fh').at(-1)!)![1]!
  test.each<[string, [string, string][]]>([
    [
      'filters and classes',
      [
        ['filter del dev eth0 parent 6e6c: protocol ipv6 pref 1100', 'to db networks'],
        ['filter add dev eth0 parent 6e6c: protocol ip pref 7 u32 match ip dport 80 0xffff flowid 6e6c:1', 'filter'],
        ['class change dev eth0 parent 6e6c: classid 6e6c:1 htb rate 1mbit', 'class'],
        ['class add dev eth0 parent 6e6c: classid 6e6c:7 htb rate 1mbit', 'to class 7'],
      ],
    ],
    [
      'queues',
      [
        ['qdisc del dev eth0 parent 0a000002', 'to db queue'],
        ['qdisc replace dev eth0 parent 0a000003 pfifo limit 3', 'to c, fd00:9::/40 kind'],
        ['qdisc change dev eth0 parent 0a010000 tbf rate 2mbit burst 15140 limit 90000', 'to 10.1.0.0/16 limit'],
        ['qdisc change dev eth0 parent 6e6c:1 tbf rate 9mbit burst 62500 limit 375898', 'rate'],
      ],
    ],
  ])('%s changed by hand are drift, and repaired', async (_, breaks) => {
    for (const [words, found] of breaks) {
      const argv = words.split(' ')
      const [at = -1, name = ''] = [...argv.entries()].find(([, word]) => /^0a\w{6}$/.test(word)) ?? []
      if (at >= 0) argv[at] = await classOf(name)
      const { code } = await tc(...argv)
      expect([found, code]).toEqual([found, 0])
    }
    const seen = await fields()
    expect(seen.sort()).toEqual(expect.arrayContaining(breaks.map(([, field]) => field)))
    expect(seen.filter((field) => field !== 'limit')).toHaveLength(breaks.length)
    await netlab('apply', file(), '-y')
    expect((await plan()).changes).toEqual([])
  })

  test('an unknown root of the same handle is replaced, adopted and destroyed', async () => {
    await tc('qdisc', 'del', 'dev', 'eth0', 'root')
    await tc('qdisc', 'add', 'dev', 'eth0', 'root', 'handle', '6e6c:', 'htb', 'default', '9')
    expect((await plan()).changes).toMatchObject([{ id: 'a/eth0/qdisc', action: 'replace' }])
    await netlab('apply', file(), '-y')
    await world.run(['ip', '-n', 'a', 'link', 'set', 'dev', 'lo', 'alias', ''])
    await netlab('apply', file(), '--adopt', '-y')
    expect((await plan()).changes).toEqual([])
    await netlab('destroy', file(), '-y')
    expect((await world.run(['ip', 'netns', 'list'])).stdout).not.toMatch(/^a\b/m)
  })

  test.each([
    ['{ to: { dbb: { rate: 1mbit } } }', 'there is no namespace dbb'],
    ['{ to: { sw: { rate: 1mbit } } }', 'sw has no address'],
    ['{ to: { 10.1.2.0/16: { rate: 1mbit } } }', 'the network is 10.1.0.0/16'],
    ['{ to: { db: { rate: 1mbit }, 10.0.0.2: { rate: 2mbit } } }', '10.0.0.2 is in db already'],
    ['{ delay: 1ms, to: { db: { delay: 2ms, duplicate: 1% } } }', 'duplicate cannot be had where several'],
    ['{ delay: 1ms, distribution: normal }', 'distribution needs jitter'],
    ['{ loss_correlation: 20% }', 'loss_correlation needs loss'],
    ['{ to: { db: { to: { c: { } } } } }', 'to'],
  ])('refuses %s', async (impairments, summary) => {
    write(impairments)
    const { code, stderr } = await world.netlab(['validate', file()])
    expect(stderr).toContain(summary)
    expect(code).toBe(1)
  })
})

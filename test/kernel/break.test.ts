import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openWorld, type World } from '../support/netns.ts'

/** Two hosts and a router with a firewall. */
const LAB = `
name: drill
namespaces:
  a: { interfaces: { eth0: { addresses: [10.0.1.200/24] } }, routes: [{ to: default, via: 10.0.1.1 }] }
  b: { interfaces: { eth0: { addresses: [10.0.2.200/24] } }, routes: [{ to: default, via: 10.0.2.1 }] }
  r:
    forwarding: true
    interfaces: { a: { addresses: [10.0.1.1/24] }, b: { addresses: [10.0.2.1/24] } }
    iptables: { filter: { FORWARD: { policy: DROP, rules: ["-p icmp -j ACCEPT"] } } }
links:
  - endpoints: [a:eth0, r:a]
  - endpoints: [b:eth0, r:b]
checks:
  - { from: a, ping: b, timeout: 0.5 }
`

let world: World
let lab: string

beforeAll(async () => {
  world = await openWorld()
  lab = join(world.folder, 'drill.yaml')
  writeFileSync(lab, LAB)
  expect((await world.netlab(['apply', lab, '-y'])).code).toBe(0)
})
afterAll(() => world.close())
afterEach(() => netlab(0, 'apply', lab, '-y'))

const netlab = async (code: number, ...args: string[]) => {
  const outcome = await world.netlab(args)
  expect({ args, code: outcome.code, stderr: outcome.stderr }).toMatchObject({ code })
  return outcome.stdout
}
const revealed = async () =>
  JSON.parse(await netlab(0, 'plan', lab, '--json', '--reveal')) as {
    changes: { id: string; namespace: string; kind: string }[]
  }
/** The first line of `netlab watch`. */
async function watched(): Promise<unknown> {
  const script = '"$@" > watched & until [ -s watched ]; do sleep 0.05; done; kill $!; wait; cat watched'
  const program = [process.execPath, join(process.cwd(), 'dist/netlab.cjs'), 'watch', lab, '--json']
  return JSON.parse((await world.run(['sh', '-c', script, 'sh', ...program], { cwd: world.folder })).stdout)
}
const hint = async () =>
  JSON.parse(await netlab(0, 'hint', lab, '--json')) as { solved: boolean; hint?: string; number?: number; of?: number }

test('a drill breaks a check, gives nothing away, and apply repairs it', async () => {
  const shown = JSON.parse(await netlab(0, 'break', lab, '--seed', '1', '--json')) as { symptoms: { name: string }[] }
  expect(shown.symptoms.map(({ name }) => name)).toEqual(['a ping b'])
  await netlab(1, 'test', lab)

  const [text, json] = [await netlab(2, 'plan', lab, '--detailed-exitcode'), await netlab(0, 'plan', lab, '--json')]
  const { changes } = await revealed()
  expect(changes.map(({ kind }) => kind)).toContain('namespace') // the mark
  const places = changes.filter(({ kind }) => kind !== 'namespace').map(({ id }) => id)
  expect(places).not.toEqual([])
  for (const place of places) expect(text + json).not.toContain(place)
  expect(JSON.parse(json)).toMatchObject({ concealed: true, changes: [], steps: [] })

  for (const option of [['--out', join(world.folder, 'saved')], ['--test'], ['--reach']])
    expect((await world.netlab(['plan', lab, ...option])).stderr).toContain(
      `--${option[0]?.slice(2)} would give it away`,
    )
  for (const option of ['--live', '--plan']) {
    const drawn = await world.netlab(['graph', lab, option, '--format', 'mermaid'])
    expect(drawn.stderr).toContain('what differs from the file is not marked')
    expect(drawn.stdout).not.toMatch(/ style | linkStyle |missing|differs|changed|added|removed/)
  }
  expect(await watched()).toMatchObject({ kind: 'drift', changes: [], concealed: true })

  const { stderr } = await world.netlab(['break', lab])
  expect(stderr).toContain('a drill is under way')

  await netlab(0, 'apply', lab, '-y')
  await netlab(0, 'plan', lab, '--detailed-exitcode')
  await netlab(0, 'test', lab)
})

test('hints go from general to exact, and know when it is repaired by hand', async () => {
  expect((await world.netlab(['hint', lab])).stderr).toContain('no drill is under way')
  await netlab(0, 'break', lab, '--seed', '2', '--level', '1')
  const place = (await revealed()).changes.find(({ kind }) => kind !== 'namespace')!
  const hints = [await hint(), await hint(), await hint(), await hint(), await hint(), await hint()]
  expect(hints.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 5])
  expect(hints[0]!.hint).not.toContain(` ${place.namespace}.`)
  expect(hints[1]!.hint).toBe(`It is in ${place.namespace}.`)
  expect(hints[4]!.hint).toContain(place.namespace)

  const { changes } = await revealed()
  await netlab(
    0,
    'apply',
    lab,
    '-y',
    '--target',
    ...changes.flatMap(({ id, kind }) => (kind === 'namespace' ? [] : [id])),
  )
  expect(await hint()).toMatchObject({ solved: true })
  await netlab(0, 'test', lab)
})

test('the same seed breaks the same place, and each level breaks something', async () => {
  const places: string[] = []
  for (const [seed, level] of [
    [7, 2],
    [7, 2],
    [7, 3],
  ]) {
    await netlab(0, 'break', lab, '--seed', `${seed}`, '--level', `${level}`)
    places.push(JSON.stringify((await revealed()).changes.map(({ id }) => id)))
    await netlab(0, 'apply', lab, '-y')
    await netlab(0, 'plan', lab, '--detailed-exitcode')
  }
  expect(places[0]).toBe(places[1])
})

test('a drill begins only with a sound lab', async () => {
  await world.run(['ip', '-n', 'a', 'addr', 'add', '10.9.9.9/32', 'dev', 'eth0'])
  const { code, stderr } = await world.netlab(['break', lab])
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('does not match') as string })
})

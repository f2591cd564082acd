import { readdirSync } from 'node:fs'
import { kindOf } from '../../src/kinds/index.ts'
import { parseCidr, subnetOf } from '../../src/model/cidr.ts'
import { nameOf, type Resource, type Resources } from '../../src/model/resource.ts'
import { topologyOf } from '../../src/model/topology.ts'
import { losses } from '../../src/plan/cascade.ts'
import type { PlanJson, ShowJson } from '../../src/views/json.ts'
import { expectCommentedWays } from '../support/commented-ways.ts'
import { lacking, namedFirst } from '../support/features.ts'
import { openWorld, type World } from '../support/netns.ts'

/** What somebody does behind netlab's back, and the ids that the next plan then must name: those and no others. */
interface Break {
  readonly what: string
  readonly argv: readonly string[]
  readonly expected: readonly string[]
}

// What needs containers is in containers.test.ts.
const labs = readdirSync('labs').filter((name) => name.endsWith('.yaml') && name !== '32-containers.yaml')
const only = process.env['LAB']
const chosen = labs.filter((lab) => !only || lab.startsWith(only))
const impossible = chosen.filter((lab) => lacking(`labs/${lab}`).length)
const possible = chosen.filter((lab) => !impossible.includes(lab))

// What the VM has (npm run test:vm) and this kernel has not.
impossible.forEach((file) =>
  describe(`labs/${file}, which this kernel cannot run`, () => {
    const path = `labs/${file}`
    let world: World
    beforeAll(async () => {
      world = await openWorld()
    })
    afterAll(() => world.close())

    test('is valid without a warning', async () => {
      expect(JSON.parse((await world.netlab(['validate', path, '--json'])).stdout)).toMatchObject({
        valid: true,
        diagnostics: [],
      })
    })

    test.each([['plan'], ['plan', '--commands'], ['apply', '-y']])(
      '%s is refused before anything changes, with what is missing and how one gets it',
      async (command, ...options) => {
        const { code, stdout, stderr } = await world.netlab([command, path, ...options])
        expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
        for (const { kind, name, fix } of namedFirst(path)) {
          const what = kind === 'program' ? `the program ${name}` : `${name} in the kernel`
          expect(stderr).toMatch(new RegExp(`needs ${what}, which is missing here\n *--> ${path}:\\d+:\\d+`))
          expect(stderr).toContain(`To get it: ${fix}`)
        }
        expect((await world.run(['ip', 'netns', 'list'])).stdout).toBe('')
        expect(JSON.parse((await world.netlab(['list', '--json'])).stdout)).toMatchObject({ labs: [] })
      },
    )

    test('doctor says the same', async () => {
      const { code, stdout } = await world.netlab(['doctor', path])
      expect(code).toBe(1)
      for (const { name, fix } of lacking(path))
        expect(stdout).toMatch(new RegExp(`✗ ${name} .*\n *${fix.replace(/[()]/g, '\\$&')}`))
    })
  }),
)

possible.forEach((file) =>
  describe(`labs/${file}`, () => {
    const path = `labs/${file}`
    let world: World
    beforeAll(async () => {
      world = await openWorld()
    })
    afterAll(() => world.close())

    const netlab = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await world.netlab(args)
      if (code !== 0) throw new Error(`netlab ${args.join(' ')}: exit ${code}\n${stdout}${stderr}`)
      return stdout
    }
    const resources = async (...args: string[]): Promise<Resources> =>
      new Map(
        (JSON.parse(await netlab('show', path, '--json', ...args)) as ShowJson).resources.map((r) => [
          r.id,
          r as Resource,
        ]),
      )

    test('is valid without a warning', async () => {
      const { code, stdout } = await world.netlab(['validate', path, '--json'])
      expect(JSON.parse(stdout)).toMatchObject({ valid: true, diagnostics: [] })
      expect(code).toBe(0)
    })

    test('applies, and the plan after it is empty', async () => {
      await netlab('apply', path, '-y')
      expect(JSON.parse(await netlab('plan', path, '--json'))).toMatchObject({ changes: [], steps: [] })
    })

    test('proves its claims', async () => {
      await netlab('test', path)
    })

    test('its comments say how packets end', async () => {
      await expectCommentedWays(path, (args) => world.netlab(args))
    })

    test('shows exactly what is broken, and repairs it', async () => {
      const live = await resources()
      const desired = await resources('--desired')
      for (const { what, argv, expected } of breaks(live, desired)) {
        const { code, stderr } = await world.run(argv)
        if (code !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`)
        await gone(world)
        // What this leaves to do is in the plan of the next.
        expect({ what, ids: idsIn(await netlab('apply', path, '-y', '--json')) }).toEqual({
          what,
          ids: [...expected].sort(),
        })
      }
      expect(idsIn(await netlab('plan', path, '--json'))).toEqual([])
    })

    test('leaves nothing behind', async () => {
      await netlab('destroy', path, '-y')
      expect((await world.run(['ip', 'netns', 'list'])).stdout).toBe('')
      const links = JSON.parse((await world.run(['ip', '-j', 'link'])).stdout) as { ifname: string }[]
      expect(links.map(({ ifname }) => ifname)).toEqual(['lo'])
      expect(JSON.parse(await netlab('list', '--json'))).toMatchObject({ labs: [] })
    })
  }),
)

const idsIn = (json: string): string[] => (JSON.parse(json) as PlanJson).changes.map(({ id }) => id).sort()

/** Namespaces that were deleted go in the background: waits until their cables are gone. */
async function gone(world: World): Promise<void> {
  for (let i = 0; i < 50; i++) {
    const { stdout } = await world.run([
      'sh',
      '-c',
      'for n in $(ls /run/netns); do ip -n "$n" -o link | grep -c "link-netns$\\|link-netnsid [0-9]*$"; done',
    ])
    if (!stdout.includes('unknown')) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await new Promise((resolve) => setTimeout(resolve, 60))
}

/** One break of every kind that the lab has, of the first (and for links, of the last) of the kind. */
function breaks(live: Resources, desired: Resources): Break[] {
  const all = [...desired.values()].filter((r) => !r.borrowed && live.has(r.id))
  const of = (kind: string): Resource[] => all.filter((r) => r.kind === kind)
  const at = (r: Resource, ...argv: string[]): string[] => ['ip', '-n', r.namespace, ...argv]
  const closure = (...roots: string[]): string[] =>
    [...new Set([...roots, ...losses(live, new Set(roots), new Map()).keys()])].filter((id) => desired.has(id))
  const result: Break[] = []
  const add = (r: Resource | undefined, what: string, make: (r: Resource) => Omit<Break, 'what'>): void => {
    if (r) result.push({ what: `${what} ${r.id}`, ...make(r) })
  }
  const veths = of('veth')
  const isUnder = (r: Resource): boolean => all.some(({ spec }) => spec['link'] === r.id)

  add(
    of('route').find(({ spec }) => !spec['nexthops']),
    'route removed',
    (r) => ({
      argv: at(
        r,
        'route',
        'del',
        String(r.spec['to']),
        ...(r.spec['table'] === undefined ? [] : ['table', String(r.spec['table'])]),
      ),
      expected: [r.id],
    }),
  )
  add(of('address')[0], 'address removed', (r) => ({
    argv: at(r, 'addr', 'del', String(r.spec['address']), 'dev', String(r.spec['dev'])),
    expected: closure(r.id),
  }))
  add(
    of('address').find(({ spec }) => spec['dev'] !== 'lo' && !/\/(32|128)$/.test(String(spec['address']))),
    'route to its subnet removed',
    (r) => {
      const cidr = parseCidr(String(r.spec['address']))
      if (!cidr) throw new Error(r.id)
      return { argv: at(r, 'route', 'del', subnetOf(cidr), 'dev', String(r.spec['dev'])), expected: [r.id] }
    },
  )
  add(
    veths.find((r) => !isUnder(r) && r.spec['mtu'] !== 1400),
    'mtu changed',
    (r) => ({
      argv: at(r, 'link', 'set', 'dev', nameOf(r.id), 'mtu', '1400'),
      expected: [r.id],
    }),
  )
  add(
    veths.find((r) => r.spec['up'] !== false && !isUnder(r)),
    'link set down',
    (r) => {
      const down = { ...r, spec: { ...r.spec, up: false } }
      const differences = [{ field: 'up', from: true, to: false }]
      const disturbed = kindOf('veth').disturbs?.({ live: r, desired: down, differences }, topologyOf(live)) ?? []
      return { argv: at(r, 'link', 'set', 'dev', nameOf(r.id), 'down'), expected: [r.id, ...closure(...disturbed)] }
    },
  )
  add(veths.at(-1), 'cable pulled', (r) => ({
    argv: at(r, 'link', 'del', 'dev', nameOf(r.id)),
    expected: closure(r.id),
  }))
  add(of('rule')[0], 'rule removed', (r) => ({
    argv: at(r, ...(r.spec['family'] === 6 ? ['-6'] : []), 'rule', 'del', 'priority', String(r.spec['priority'])),
    expected: [r.id],
  }))
  add(of('neighbor')[0], 'neighbor removed', (r) => ({
    argv: at(r, 'neigh', 'del', String(r.spec['to']), 'dev', String(r.spec['dev'])),
    expected: [r.id],
  }))
  add(
    of('sysctl').find(({ spec }) => spec['key'] === 'net.ipv4.ip_forward'),
    'sysctl changed',
    (r) => ({
      argv: [
        'ip',
        'netns',
        'exec',
        r.namespace,
        'sysctl',
        '-qw',
        `net.ipv4.ip_forward=${r.spec['value'] === '1' ? '0' : '1'}`,
      ],
      expected: [r.id],
    }),
  )
  add(of('iptables')[0], 'firewall flushed', (r) => ({
    argv: [
      'ip',
      'netns',
      'exec',
      r.namespace,
      'sh',
      '-c',
      'for t in filter nat mangle raw; do iptables -t $t -F; done',
    ],
    expected: [r.id],
  }))
  add(of('namespace').at(-1), 'address added in', (r) => ({
    argv: at(r, 'addr', 'add', '198.51.100.77/32', 'dev', 'lo'),
    expected: [`${r.id}/lo/198.51.100.77/32`],
  }))
  add(of('namespace').at(-1), 'namespace deleted', (r) => ({
    argv: ['ip', 'netns', 'del', r.id],
    expected: closure(r.id).filter((id) => id !== `${r.id}/lo`),
  }))
  return result
}

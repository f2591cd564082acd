import fc from 'fast-check'
import { commandOf } from '../../src/backend/iproute/command-of.ts'
import type { Resource, Resources } from '../../src/model/resource.ts'
import { makePlan } from '../../src/plan/make-plan.ts'
import { below } from '../../src/plan/order.ts'
import { targeted } from '../../src/plan/target.ts'
import { schedule } from '../../src/run/schedule.ts'
import { shell } from '../../src/model/command.ts'
import { predict } from '../support/predict.ts'
import { model, router } from '../support/resources.ts'
import '../support/seed.ts'

const none: Resources = new Map()
const ordered = (desired: Resources, live: Resources) => makePlan({ lab: 'test', desired, live })
const plan = (desired: Resources, live: Resources) => schedule(ordered(desired, live), (id) => below(id, desired))
const actions = (desired: Resources, live: Resources) =>
  Object.fromEntries(plan(desired, live).changes.map(({ id, action }) => [id, action]))
const commands = (desired: Resources, live: Resources) =>
  plan(desired, live).steps.map(({ operation }) => shell(commandOf(operation)))
const without = (resources: Resources, ...ids: string[]) => new Map([...resources].filter(([id]) => !ids.includes(id)))
const changed = (resources: Resources, id: string, spec: Record<string, unknown>) => {
  const r = resources.get(id)
  if (!r) throw new Error(id)
  return new Map<string, Resource>([...resources, [id, { ...r, spec: { ...r.spec, ...spec } }]])
}

describe('what changes', () => {
  const { resources } = router()

  test('nothing, when both sides are the same', () => expect(plan(resources, resources).changes).toEqual([]))

  test('everything, from nothing; lo comes with its namespace', () => {
    const all = actions(resources, none)
    expect(Object.values(all).every((action) => action === 'create')).toBe(true)
    expect(Object.keys(all)).toHaveLength(resources.size - 3)
  })

  test('one thing that is missing', () =>
    expect(actions(resources, without(resources, 'ns0/route/192.168.1.0/24'))).toEqual({
      'ns0/route/192.168.1.0/24': 'create',
    }))

  test('one thing too much', () =>
    expect(actions(without(resources, 'ns0/route/192.168.1.0/24'), resources)).toEqual({
      'ns0/route/192.168.1.0/24': 'delete',
    }))

  test('one field', () =>
    expect(actions(resources, changed(resources, 'ns0/veth0', { mtu: 1400 }))).toEqual({ 'ns0/veth0': 'update' }))

  test('another peer forces both ends to be replaced, and what was on them', () => {
    const moved = router().veth('ns0/veth0', 'ns1/veth9').resources
    const desired = without(moved, 'ns-router/veth0', 'ns-router/veth0/192.168.0.1/24')
    const found = plan(desired, resources)
    expect(Object.fromEntries(found.changes.map(({ id, action }) => [id, action]))).toEqual({
      'ns0/veth0': 'replace',
      'ns0/veth0/192.168.0.2/24': 'replace',
      'ns0/route/192.168.1.0/24': 'replace',
      'ns1/veth9': 'create',
      'ns-router/veth0': 'delete',
      'ns-router/veth0/192.168.0.1/24': 'delete',
    })
    expect(found.changes.find(({ id }) => id === 'ns0/veth0')?.differences[0]?.forces).toBeDefined()
    expect(found.changes.find(({ id }) => id === 'ns0/route/192.168.1.0/24')?.lostWith).toBe('ns0/veth0')
  })

  test('a target takes along what it needs, and nothing else', () => {
    const id = 'ns0/route/192.168.1.0/24'
    const ids = Object.keys(actions(targeted(resources, none, [id]), none))
    expect(ids.sort()).toEqual(['ns-router', 'ns-router/veth0', 'ns0', 'ns0/route/192.168.1.0/24', 'ns0/veth0'])
  })
})

describe('the order', () => {
  /** n1 ─ a:p1 ─ a:br0, n2 ─ a:p2, a VLAN of br0 in b; z stands apart. */
  const { resources } = model()
    .namespace('a')
    .namespace('b')
    .namespace('n1')
    .namespace('z')
    .link('a/br0', 'bridge')
    .veth('a/p1', 'n1/eth0', { master: 'br0' })
    .addresses('a/br0', '10.0.0.1/24')
    .addresses('n1/eth0', '10.0.0.2/24')
    .link('b/tag', 'vlan', { id: 5, link: 'a/br0' })
    .addresses('z/lo', '10.9.9.9/32')
  const { steps } = plan(resources, none)
  const at = (line: string): number => steps.findIndex(({ operation }) => shell(commandOf(operation)).includes(line))
  const wave = (line: string): number => steps[at(line)]?.wave ?? NaN

  test('a bridge opens after its ports, and after everything in namespaces that have nothing to do with it', () => {
    expect(wave('dev p1 master br0')).toBeLessThan(wave('dev br0 up'))
    expect(wave('10.0.0.2/24')).toBeLessThan(wave('dev br0 up'))
    expect(wave('10.9.9.9/32')).toBeLessThan(wave('dev br0 up'))
  })

  test('what needs a bridge that is up comes after that, in other namespaces as well', () => {
    expect(wave('dev br0 up')).toBeLessThan(wave('10.0.0.1/24'))
    expect(wave('dev br0 up')).toBeLessThan(wave('dev tag up'))
  })
})

describe('what the kernel takes along', () => {
  const { resources } = router()

  test('the last address of an interface takes its IPv4 routes', () => {
    const renumbered = without(resources, 'ns0/veth0/192.168.0.2/24')
    const desired = new Map([...renumbered, ...model().addresses('ns0/veth0', '192.168.0.3/24').resources])
    expect(actions(desired, resources)).toEqual({
      'ns0/route/192.168.1.0/24': 'replace',
      'ns0/veth0/192.168.0.3/24': 'create',
      'ns0/veth0/192.168.0.2/24': 'delete',
    })
  })

  test('a primary takes its secondaries, which come back in order', () => {
    const two = model().namespace('a').link('a/d0', 'dummy')
    const live = new Map(two.addresses('a/d0', '10.0.0.1/24', '10.0.0.2/24').resources)
    const desired = model().namespace('a').link('a/d0', 'dummy').addresses('a/d0', '10.0.0.2/24').resources
    expect(actions(desired, live)).toEqual({ 'a/d0/10.0.0.1/24': 'delete', 'a/d0/10.0.0.2/24': 'replace' })
    // The secondary first: where promote_secondaries is set, it would stay.
    expect(commands(desired, live)).toEqual([
      'ip -n a addr del 10.0.0.2/24 dev d0',
      'ip -n a addr del 10.0.0.1/24 dev d0',
      'ip -n a addr add 10.0.0.2/24 dev d0',
    ])
  })

  test('an address takes the IPv4 routes of the main table whose source it is, when nobody else has it', () => {
    const lab = () => model().namespace('a').link('a/d0', 'dummy').link('a/d1', 'dummy')
    const source = (of: Record<string, unknown>, found: Resources): Resources => {
      const [family, to, ip] = of['family'] === 6 ? [6, 'fd09::/16', 'fd00::2'] : [4, '10.9.0.0/16', '10.0.0.2']
      const spec = { to, family, dev: 'd0', src: ip, ...of }
      return new Map<string, Resource>([...found, ['a/r', { id: 'a/r', kind: 'route', namespace: 'a', spec }]])
    }
    const outcome = (of: Record<string, unknown>, d1: readonly string[] = []) => {
      const kept = ['10.0.1.2/24', 'fd00::1/64']
      const build = (...d0: string[]) =>
        source(
          of,
          new Map(
            lab()
              .addresses('a/d0', ...d0, ...kept)
              .addresses('a/d1', ...d1).resources,
          ),
        )
      return actions(build(), build('10.0.0.2/24', 'fd00::2/64'))['a/r']
    }
    expect(outcome({})).toBe('replace')
    expect(outcome({ table: 100 })).toBeUndefined()
    expect(outcome({}, ['10.0.0.2/32'])).toBeUndefined()
    // An IPv6 route stays without its source, if that was the same interface's.
    expect(outcome({ family: 6 })).toBe('update')
    expect(outcome({ family: 6, dev: 'd1' })).toBeUndefined()
  })

  test('another MAC address takes static neighbours, which are put over what has been learnt', () => {
    const spec = { to: '192.168.0.9', dev: 'veth0', family: 4, lladdr: '02:00:00:00:00:99' }
    const id = 'ns0/veth0/neighbor/192.168.0.9'
    const live = new Map<string, Resource>([
      ...router().resources,
      [id, { id, kind: 'neighbor', namespace: 'ns0', spec }],
    ])
    const desired = changed(live, 'ns0/veth0', { mac: '02:00:00:00:00:01' })
    expect(actions(desired, live)).toEqual({ 'ns0/veth0': 'update', [id]: 'replace' })
    expect(commands(desired, live).at(-1)).toBe(
      'ip -n ns0 neigh replace 192.168.0.9 lladdr 02:00:00:00:00:99 dev veth0 nud permanent',
    )
  })

  test('a link set down loses its routes and its IPv6 addresses', () => {
    const live = router().addresses('ns0/veth0', '192.168.0.2/24', 'fd00::2/64').resources
    const desired = without(changed(live, 'ns0/veth0', { up: false }), 'ns0/route/192.168.1.0/24')
    expect(actions(desired, live)).toEqual({
      'ns0/veth0': 'update',
      'ns0/veth0/fd00::2/64': 'replace',
      'ns0/route/192.168.1.0/24': 'delete',
    })
  })

  test('a bridge that is rebuilt gets its ports back', () => {
    const lab = model().namespace('sw').namespace('h').link('sw/br0', 'bridge', { mtu: undefined })
    const desired = lab.veth('h/eth0', 'sw/p').link('sw/p', 'veth', { peer: 'h/eth0', master: 'br0' }).resources
    const rebuilt = makePlan({ lab: 'test', desired, live: desired, replace: new Set(['sw/br0']) })
    expect(rebuilt.changes.map(({ id, action }) => [id, action])).toEqual([
      ['sw/br0', 'replace'],
      ['sw/p', 'update'],
    ])
    expect(rebuilt.steps.map(({ operation }) => shell(commandOf(operation))).slice(-2)).toEqual([
      'ip -n sw link set dev p master br0',
      'ip -n sw link set dev br0 up',
    ])
  })

  test.each(['ns0/veth0', 'ns-router/veth0'])('a cable goes once, by whichever end is to be rebuilt: %s', (end) => {
    const { steps } = makePlan({ lab: 'test', desired: resources, live: resources, replace: new Set([end]) })
    const [netns, dev] = end.split('/')
    expect(steps.map(({ operation }) => shell(commandOf(operation))).filter((line) => line.includes(' del '))).toEqual([
      `ip -n ${netns} link del dev ${dev}`,
    ])
  })

  test('a namespace that goes is one command, and a cable to one that stays is taken out by hand', () => {
    const gone = (id: string): boolean => id === 'ns1' || id.startsWith('ns1/')
    const desired = without(
      resources,
      ...[...resources.keys()].filter(gone),
      'ns-router/veth1',
      'ns-router/veth1/192.168.1.1/24',
    )
    expect(commands(desired, resources)).toEqual(['ip -n ns-router link del dev veth1', 'ip netns del ns1'])
    expect(commands(none, resources)).toEqual(['ip netns del ns0', 'ip netns del ns1', 'ip netns del ns-router'])
  })
})

describe('properties', () => {
  /** Any lab of up to four namespaces with cables, addresses and routes. */
  const labs = fc
    .record({
      size: fc.integer({ min: 1, max: 4 }),
      cables: fc.array(fc.tuple(fc.nat(3), fc.nat(3), fc.nat(2), fc.nat(2), fc.boolean()), { maxLength: 6 }),
      addresses: fc.array(fc.tuple(fc.nat(11), fc.nat(3), fc.nat(2)), { maxLength: 10 }),
      routes: fc.array(fc.tuple(fc.nat(11), fc.nat(3)), { maxLength: 5 }),
    })
    .map(({ size, cables, addresses, routes }) => {
      const lab = model()
      for (let i = 0; i < size; i++) lab.namespace(`n${i}`)
      for (const [a, b, i, j, up] of cables) {
        const ends = [`n${a % size}/e${i}`, `n${b % size}/e${j}`] as const
        if (ends[0] === ends[1] || ends.some((id) => lab.resources.has(id))) continue
        lab.veth(ends[0], ends[1], { up })
      }
      const links = [...lab.resources.values()].filter(({ kind }) => kind === 'veth')
      const cidrs = new Map<string, string[]>()
      for (const [which, subnet, host] of addresses) {
        const link = links[which % Math.max(1, links.length)]
        const cidr = subnet === 3 ? `fd0${subnet}::${host + 1}/64` : `10.0.${subnet}.${host + 1}/24`
        if (link && !cidrs.get(link.id)?.includes(cidr)) cidrs.set(link.id, [...(cidrs.get(link.id) ?? []), cidr])
      }
      for (const [id, list] of cidrs) lab.addresses(id, ...list)
      for (const [which, net] of routes) {
        const link = links[which % Math.max(1, links.length)]
        if (link && link.spec['up'] === true && cidrs.has(link.id))
          lab.route(link.namespace, { family: 4, to: `10.${net + 1}.0.0/16`, dev: link.id.split('/')[1] ?? '' })
      }
      return lab.resources
    })
  const sorted = (resources: Resources) => [...resources].sort(([a], [b]) => (a < b ? -1 : 1))

  test('a plan turns live into desired, and at every step what is needed is there', () =>
    fc.assert(
      fc.property(labs, labs, (desired, live) => {
        for (const made of [ordered(desired, live), plan(desired, live)])
          expect(sorted(predict(made, live, desired))).toEqual(sorted(desired))
      }),
      { numRuns: 500 },
    ))

  test('from itself there is nothing to do, whatever the order of the file', () =>
    fc.assert(
      fc.property(labs, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (desired, random) => {
        const shuffled = [...desired]
          .map((entry) => [random.next().value, entry] as const)
          .sort(([a], [b]) => Number(a) - Number(b))
        expect(plan(new Map(shuffled.map(([, entry]) => entry)), desired).steps).toEqual([])
      }),
      { numRuns: 200 },
    ))

  test('a large lab is made part by part, wherever its cables go', () => {
    const [lab, n] = [model(), 500]
    for (let i = 0; i < n; i++) lab.namespace(`n${i}`)
    for (let i = 0; i < n; i++) {
      const [near, far] = [`n${(i * 7) % n}/a${i}`, `n${(i * 11 + 3) % n}/b${i}`]
      lab
        .veth(near, far)
        .addresses(near, `10.${i >> 8}.${i & 255}.1/24`)
        .addresses(far, `10.${i >> 8}.${i & 255}.2/24`)
    }
    const parts = (desired: Resources): number => {
      const made = plan(desired, none)
      expect(sorted(predict(made, none, desired))).toEqual(sorted(desired))
      const stagesOfWaves = new Map(made.steps.map(({ wave, stage }) => [wave, stage]))
      return [...stagesOfWaves.values()].filter((stage) => stage === 'create links').length
    }
    expect(parts(lab.resources)).toBe(4)
    // What stands on another link waits for all of them.
    expect(parts(lab.link('n0/a0.5', 'vlan', { link: 'n0/a0', id: 5 }).resources)).toBe(2)
  })

  test('planning takes time that grows with the lab, not with its square', () => {
    const chain = (n: number): Resources => {
      const lab = model()
      for (let i = 0; i < n; i++) lab.namespace(`n${i}`)
      for (let i = 1; i < n; i++)
        lab.veth(`n${i - 1}/r`, `n${i}/l`).addresses(`n${i}/l`, `10.${i >> 8}.${i & 255}.1/24`)
      return lab.resources
    }
    const compared: string[] = []
    const count = (n: number): number => {
      const resources = chain(n)
      const counted = new Map(resources)
      let gets = 0
      counted.get = (id) => (gets++, Map.prototype.get.call(counted, id) as Resource | undefined)
      compared.push(String(plan(counted, none).steps.length))
      return gets
    }
    expect(count(1600) / count(400)).toBeLessThan(5)
  })
})

import { breakages } from '../../src/kinds/breaks.ts'
import { broken, drillIn, withDrill } from '../../src/model/drill.ts'
import type { Resource } from '../../src/model/resource.ts'
import { makePlan } from '../../src/plan/make-plan.ts'
import { model } from '../support/resources.ts'

const net = model()
  .namespace('a')
  .namespace('r')
  .link('r/br0', 'bridge')
  .veth('r/p1', 'a/eth0', { master: 'br0' })
  .addresses('a/eth0', '10.0.0.77/24', 'fd00::77/64')
  .addresses('r/br0', '10.0.0.1/24')
  .route('a', { to: 'default', family: 4, via: '10.0.0.1', dev: 'eth0' })
  .sysctl('r', 'net.ipv4.ip_forward', '1').resources
const firewall = (rules: string[]): Resource => ({
  ...{ id: 'r/iptables', kind: 'iptables', namespace: 'r' },
  spec: { tables: { filter: { FORWARD: { policy: 'DROP', rules } } } },
})
const lab = new Map([...net, ['r/iptables', firewall(['-p icmp -j ACCEPT', '-i br0 -j DROP', '-o br0 -j DROP'])]])

test('each breakage is a change of a sound lab, and repaired by one', () => {
  const all = breakages(lab)
  expect(new Set(all.map(({ level }) => level))).toEqual(new Set([1, 2, 3]))
  for (const breakage of all) {
    const { wrong, id, instead } = breakage
    const wreck = broken(lab, breakage)
    const ids = (live: typeof lab, desired: typeof lab): string[] =>
      makePlan({ lab: 'x', live, desired }).changes.map((change) => change.id)
    expect({ wrong, changes: ids(lab, wreck) }).not.toMatchObject({ changes: [] })
    expect({ wrong, changes: ids(wreck, lab).filter((one) => instead.has(one)) }).toMatchObject({
      changes: expect.arrayContaining([id]) as string[],
    })
  }
})

test('what is broken, in words', () => {
  expect(breakages(lab).map(({ level, wrong }) => `${level} ${wrong}`)).toMatchInlineSnapshot(`
    [
      "1 r:br0 is down.",
      "3 r:br0 has an MTU of 1280 instead of 1500.",
      "1 r:p1 is down.",
      "2 r:p1 is no port of br0 any more.",
      "3 r:p1 has an MTU of 1280 instead of 1500.",
      "1 a:eth0 is down.",
      "3 a:eth0 has an MTU of 1280 instead of 1500.",
      "2 a:eth0 has the address 10.0.0.77/32 instead of 10.0.0.77/24.",
      "2 a:eth0 has the address 10.0.0.77/30 instead of 10.0.0.77/24.",
      "2 a:eth0 has the address 10.0.0.77/28 instead of 10.0.0.77/24.",
      "2 a:eth0 has the address fd00::77/128 instead of fd00::77/64.",
      "2 a:eth0 has the address fd00::77/126 instead of fd00::77/64.",
      "2 a:eth0 has the address fd00::77/68 instead of fd00::77/64.",
      "2 r:br0 has the address 10.0.0.1/32 instead of 10.0.0.1/24.",
      "2 r:br0 has the address 10.0.0.1/30 instead of 10.0.0.1/24.",
      "2 r:br0 has the address 10.0.0.1/28 instead of 10.0.0.1/24.",
      "1 a has lost its route to default.",
      "2 The route of a to default goes via 10.0.0.51 instead of 10.0.0.1.",
      "1 net.ipv4.ip_forward of r is 0 instead of 1.",
      "2 The chain FORWARD (filter) of r has lost its rule 1: -p icmp -j ACCEPT",
      "3 The chain FORWARD (filter) of r has its rules 1 and 2 in the wrong order: -p icmp -j ACCEPT",
      "2 The chain FORWARD (filter) of r has lost its rule 2: -i br0 -j DROP",
      "2 The chain FORWARD (filter) of r has lost its rule 3: -o br0 -j DROP",
    ]
  `)
})

test('the mark of a drill is a change of its namespace, which no lab file has', () => {
  const live = withDrill(lab, 'a', { index: 4, hints: 2 })
  expect(drillIn(lab)).toBeUndefined()
  expect(drillIn(live)).toEqual({ namespace: 'a', index: 4, hints: 2 })
  const { changes, steps } = makePlan({ lab: 'x', live, desired: lab })
  expect(changes.map(({ id, action }) => [id, action])).toEqual([['a', 'update']])
  expect(steps.map(({ operation }) => operation)).toEqual([
    { do: 'link.set', place: { netns: 'a' }, name: 'lo', set: { alias: 'netlab:x' } },
  ])
})

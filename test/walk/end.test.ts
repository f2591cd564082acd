import type { LabIndex } from '../../src/checks/lab-index.ts'
import { topologyOf } from '../../src/model/topology.ts'
import { endOfHop, type Knowledge } from '../../src/walk/end.ts'
import { NEIGHBORS_REFUSED } from '../../src/walk/counters.ts'
import type { Hop } from '../../src/walk/hops.ts'

const packet = { protocol: 'icmp', source: '10.0.0.1', destination: '10.0.0.2', bytes: Buffer.alloc(28) }
const visit = {
  ...{ role: 'request', carries: false, family: 'inet', oif: 2, steps: [], mark: 0 },
  reached: new Set(['output-first', 'output-last', 'postrouting-last']),
  states: [{ hook: 'output', packet, mark: 0 }],
}
/** A packet that a is to send by eth0, and that passed all its hooks. */
const hop = { namespace: 'a', role: 'request', points: [], visits: [visit], every: [visit] } as unknown as Hop

/** What is known of it, when these counters have grown in a. */
const known = (...grown: string[]): Knowledge =>
  ({
    labIndex: {
      live: topologyOf(new Map()),
      nodes: new Map([['a', { interfaces: new Map([[2, 'eth0']]) }]]),
    } as unknown as LabIndex,
    sights: {
      ...{ flow: { destination: '10.0.0.2' }, neighbors: [], waiting: [], blind: new Map() },
      counters: new Map([['a', new Map(grown.map((name) => [name, 1]))]]),
    },
    dumps: new Map(),
    rulesOf: () => [],
    askRoute: () => ({ route: { dst: '10.0.0.0/24', dev: 'eth0' } }),
  }) as unknown as Knowledge

test('a packet for a neighbour for whom the kernel had no room', () => {
  expect(endOfHop(hop, known()).reason).toBe('it was to leave by a:eth0, and did not; why is unknown')
  expect(endOfHop(hop, known(NEIGHBORS_REFUSED))).toMatchObject({
    verdict: 'lost',
    reason: expect.stringMatching(
      /^it was to leave by a:eth0, and did not; the kernel had no room for more neighbours/,
    ),
    at: { namespace: 'a', hook: 'postrouting' },
  })
})

test('a packet that is refused, while the reverse path filter drops another one', () => {
  const state = { hook: 'prerouting', packet, mark: 0 }
  const came = { ...visit, iif: 1, reached: new Set(['prerouting-first', 'prerouting-last']), states: [state] }
  const both = known('TcpExt.IPReversePathFilter')
  const labIndex = {
    live: topologyOf(new Map()),
    nodes: new Map([['a', { interfaces: new Map(), forwards: { 4: false, 6: false } }]]),
  } as unknown as LabIndex
  const refused = (errno: number) => () => ({ errno })
  const sights = { ...both.sights, isShared: true }
  const arrived = { ...hop, visits: [came], every: [came] } as unknown as Hop
  const reason = (errno: number): string =>
    endOfHop(arrived, { ...both, sights, labIndex, askRoute: refused(errno) }).reason
  expect(reason(113)).toBe('forwarding is off in a')
  // A blackhole, or the filter.
  expect(reason(22)).toBe('it was lost in a; why is unknown: others were traced at the same time')
})

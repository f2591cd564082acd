import { faultsOf, faultTable, hasFaults, markChain, marksIn, withoutFaults } from '../../src/kinds/fault-marks.ts'
import { impaired, uncut, withoutEffects } from '../../src/kinds/faulted.ts'
import type { FaultMark } from '../../src/model/fault.ts'
import type { Resource } from '../../src/model/resource.ts'

const cut: FaultMark = {
  fault: { kind: 'cut', target: { namespace: 'a', device: 'eth0' }, id: '0a1b2c3d', since: 2 },
  cuts: { eth0: { now: { linkmode: 'dormant' }, before: { linkmode: 'default' } } },
}
const impair = (id: string, since: number, settings: Record<string, string>, to?: string[]): FaultMark => ({
  fault: { kind: 'impair', target: { namespace: 'a', device: 'eth0' }, settings, id, since },
  impairs: { eth0: { settings, ...(to && { to }), before: [] } },
})
/** As nft lists it, with handles. */
const listed = (family: string, mark: FaultMark): string =>
  `table ${family} ${faultTable(mark.fault.id)} { # handle 7\n${markChain(mark)
    .replace(/^(?=.)/gm, '\t')
    .replace(/^\t}/m, '\t}')}}\n`

test('a mark is read as it was written, also with quotes and other scripts in it', () => {
  const odd = { ...cut, cuts: { 'it\'s "é" \\': cut.cuts!['eth0']! } }
  expect(marksIn(listed('netdev', odd))).toEqual([{ ...odd, family: 'netdev' }])
  for (const [, comment = ''] of markChain(odd).matchAll(/comment "(.*)"$/gm)) {
    expect(comment).toMatch(/^[ -~]+$/)
    expect(comment.length).toBeLessThanOrEqual(128)
  }
})

test('faults come by age, each once, and what is no mark is nobody’s fault', () => {
  const own = 'table inet netlab_fault_log {\n\tchain c {\n\t}\n}\n'
  const text = `${own}${listed('netdev', cut)}${listed('inet', impair('ffffffff', 1, { rate: '1mbit' }))}`
  expect(faultsOf([text, text]).map(({ id }) => id)).toEqual(['ffffffff', '0a1b2c3d'])
  expect(withoutFaults(text)).toBe(own)
  expect(hasFaults('table inet web {\n}\n')).toBe(false)
  expect(marksIn(listed('netdev', cut).replace('dormant', "dorm'ant"))).toEqual([])
})

test('what a fault did is taken away from what was read, unless somebody has changed it since', () => {
  const link = (linkmode: string): Resource => ({
    id: 'a/eth0',
    kind: 'veth',
    namespace: 'a',
    spec: { up: true, linkmode },
  })
  expect(withoutEffects([link('dormant')], [cut])).toEqual([{ ...link('dormant'), spec: { up: true } }])
  expect(uncut({ up: false, linkmode: 'dormant' }, [{ now: { up: false }, before: { up: true } }])).toEqual({
    up: true,
    linkmode: 'dormant',
  })
  const rate = (rate: number): Resource => ({
    id: 'a/eth0/qdisc',
    kind: 'qdisc',
    namespace: 'a',
    spec: { dev: 'eth0', rate },
  })
  const mark = impair('ffffffff', 1, { rate: '1mbit' })
  expect(withoutEffects([rate(1e6)], [mark])).toEqual([])
  expect(withoutEffects([rate(2e6)], [mark])).toEqual([rate(2e6)])
})

test('the last fault wins, setting by setting and destination by destination', () => {
  const declared: Resource = {
    id: 'a/eth0/qdisc',
    kind: 'qdisc',
    namespace: 'a',
    spec: { dev: 'eth0', rate: 10e6, delay: 5000 },
  }
  const marks = [
    { settings: { delay: '50ms' }, before: [declared] },
    { settings: { loss: '5%' }, to: ['10.0.0.2/32', '10.0.0.3/32'], before: [declared] },
    { settings: { loss: '7%' }, to: ['10.0.0.3/32'], before: [declared] },
  ]
  const spec = (count: number) => impaired({ namespace: 'a' }, 'eth0', marks.slice(0, count))?.spec
  expect(spec(1)).toMatchObject({ dev: 'eth0', rate: 10e6, delay: 50_000 })
  expect(spec(3)).toMatchObject({
    rate: 10e6,
    delay: 50_000,
    to: {
      '10.0.0.2/32': { rate: 10e6, delay: 50_000, loss: 5, networks: ['10.0.0.2/32'] },
      '10.0.0.3/32': { rate: 10e6, delay: 50_000, loss: 7, networks: ['10.0.0.3/32'] },
    },
  })
  expect(() => impaired({ namespace: 'a' }, 'eth0', [{ settings: { rate: 'fast' }, before: [] }])).toThrow(
    '"fast" is not a rate',
  )
})

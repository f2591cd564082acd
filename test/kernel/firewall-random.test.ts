import fc from 'fast-check'
import { compareIptables } from '../../src/kinds/iptables.ts'
import { compareNft } from '../../src/kinds/nftables.ts'
import { edits } from '../../src/firewall/ordered.ts'
import type { Difference } from '../../src/model/change.ts'
import { firewallIn, nftResource, written, type Firewall } from '../support/firewall.ts'
import { openWorld, type World } from '../support/netns.ts'
import '../support/seed.ts'

let world: World
let fw: Firewall
let count = 0

beforeAll(async () => {
  world = await openWorld()
  fw = firewallIn(world)
})
afterAll(() => world?.close())

const fresh = async (): Promise<string> => {
  const name = `ns${count++}`
  await fw.sh(undefined, `ip netns add ${name}`)
  return name
}

const one = (...options: string[]) => fc.constantFrom('', ...options)
const octet = fc.integer({ min: 0, max: 255 })
const net = fc.tuple(octet, octet, fc.integer({ min: 0, max: 32 })).map(([a, b, length]) => `10.${a}.${b}.7/${length}`)

const rule = fc
  .tuple(
    fc.option(net, { nil: '' }),
    one('eth0', 'veth+', '!docker0'),
    one(
      '-p tcp --dport http',
      '-p udp --sport 1024:65535',
      '-p tcp --syn',
      '-p icmp --icmp-type echo-request',
      '-p 47',
    ),
    one(
      '-m state --state ESTABLISHED,RELATED',
      '-m conntrack --ctstate NEW',
      '-m limit --limit 90/minute',
      '-m mark --mark 0x1',
      `-m comment --comment 'it "is"'`,
      '-m statistic --mode random --probability 0.3',
      '-m multiport -p tcp --dports 22,http',
    ),
    one('-j ACCEPT', '-j DROP', '-j RETURN', '-j ONE', '-g TWO', '-j LOG --log-prefix "x "'),
  )
  .map(([source, iface, protocol, match, target]) => {
    const words = [
      source && `-s ${source}`,
      iface && `${iface.startsWith('!') ? '! ' : ''}-i ${iface.replace('!', '')}`,
    ]
    return [...words, match.includes('multiport') ? '' : protocol, match, target].filter(Boolean).join(' ')
  })
  .filter((text) => text !== '')
const rules = fc.array(rule, { maxLength: 8 })
const ruleSet = fc.record({
  mangle: fc.record({ PREROUTING: rules }),
  filter: fc.record({
    FORWARD: fc.record({ policy: fc.constantFrom('ACCEPT', 'DROP'), rules }),
    INPUT: rules,
    ONE: fc.constantFrom([], ['-j DROP'], ['-p tcp -j TWO', '-j DROP']),
    TWO: fc.constantFrom([], ['-j RETURN']),
  }),
})
// No target may be missing: mangle has no chains of its own here.
const valid = (value: { mangle: { PREROUTING: string[] } }) => !value.mangle.PREROUTING.some((r) => /ONE|TWO/.test(r))

/** How many rules the differences say were removed and inserted. */
const tally = (differences: readonly Difference[]) => ({
  removed: differences.filter(({ at }) => at?.from !== undefined).length,
  inserted: differences.filter(({ at }) => at?.to !== undefined).length,
})

test('random rule sets: live is as written; an edit is exactly that edit, and then nothing is left to do', async () => {
  await fc.assert(
    fc.asyncProperty(ruleSet.filter(valid), ruleSet.filter(valid), async (first, second) => {
      const ns = await fresh()
      for (const value of [first, second]) {
        const before = (await fw.live(ns, 'iptables'))?.spec ?? { tables: {} }
        const [desired] = await fw.canonical(written(ns, value))
        if (!desired) continue
        const differences = await fw.apply(desired)
        const live = (await fw.live(ns, 'iptables'))?.spec
        expect(compareIptables(live, desired.spec)).toEqual([])
        const chain = (spec: typeof live): string[] => spec.tables.filter?.INPUT?.rules ?? []
        const { removed, inserted } = edits(chain(before), chain(desired.spec))
        expect(tally(differences.filter(({ field }) => field === 'filter/INPUT'))).toEqual({ removed: removed.length, inserted: inserted.length }) // prettier-ignore
      }
    }),
    { numRuns: 12 },
  )
})

test('random edits keep the counters of every rule that stays', async () => {
  const ports = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1 })
  await fc.assert(
    fc.asyncProperty(ports, ports, async (first, second) => {
      const ns = await fresh()
      const want = async (list: number[]) => (await fw.canonical(written(ns, { filter: { INPUT: list.map((p) => `-p udp --dport ${p} -j ACCEPT`) } })))[0]! // prettier-ignore
      const counters = async () => new Map([...(await fw.sh(ns, 'iptables-save -c')).matchAll(/^\[(\d+):\d+\] -A INPUT .*--dport (\d+)/gm)].map(([, n, p]) => [Number(p), Number(n)])) // prettier-ignore
      await fw.apply(await want(first))
      await fw.sh(
        ns,
        `ip link set dev lo up; bash -c 'for p in ${first.join(' ')}; do echo x > /dev/udp/127.0.0.1/$p; done' 2>/dev/null`,
      )
      await fw.apply(await want(second))
      const after = await counters()
      expect([...after.keys()]).toEqual(second)
      const { kept } = edits(first.map(String), second.map(String))
      for (const { from } of kept) expect(after.get(first[from]!)).toBe(1)
    }),
    { numRuns: 10 },
  )
})

const nftRule = fc.constantFrom('tcp dport http accept', 'tcp dport { 443, 22 } counter accept', 'ip saddr 10.1.2.3/8 drop', 'ct state established,related accept', 'meta mark 0x1 drop', 'limit rate 90/minute accept', 'jump own', 'ip saddr @nets return', 'log prefix "a { b"', 'iifname "eth*" accept', 'ip6 saddr FE80::/10 drop', 'icmp type echo-request drop', 'counter comment "x # handle 3"', 'tcp dport vmap { 22 : accept, 80 : jump own }', 'meta l4proto { tcp, udp } th dport 53 accept') // prettier-ignore
const elements = fc.subarray(['10.0.0.0/8', '192.168.1.1', '172.16.0.1-172.16.0.9', '1.1.1.0/24'], { minLength: 1 })

test('random nft rule sets likewise', async () => {
  const text = fc
    .tuple(fc.array(nftRule, { maxLength: 8 }), elements, fc.constantFrom('accept', 'drop'), fc.boolean())
    .map(
      ([
        list,
        set,
        policy,
        more,
      ]) => `table inet web {\n set nets { type ipv4_addr; flags interval; elements = { ${set.join(', ')} }\n }
 chain own { ${more ? 'drop' : ''}\n }
 chain input {\n type filter hook input priority filter; policy ${policy};\n ${list.join('\n')}\n }\n}\n${more ? 'table ip6 more {\n chain c {\n return\n }\n}\n' : ''}`,
    )
  await fc.assert(
    fc.asyncProperty(text, text, async (first, second) => {
      const ns = await fresh()
      for (const value of [first, second]) {
        const before = (await fw.live(ns, 'nftables'))?.spec ?? { tables: {} }
        const [desired] = await fw.canonical(nftResource(ns, value))
        const differences = await fw.apply(desired!)
        expect(compareNft((await fw.live(ns, 'nftables'))!.spec, desired!.spec)).toEqual([])
        const chain = (spec: typeof before): string[] => spec.tables['inet web']?.chains.input?.rules ?? []
        const { removed, inserted } = edits(chain(before), chain(desired!.spec))
        expect(tally(differences.filter(({ field }) => field === 'inet web/input'))).toEqual({ removed: removed.length, inserted: inserted.length }) // prettier-ignore
        expect(differences.filter(({ note }) => note !== undefined)).toEqual([])
      }
    }),
    { numRuns: 15 },
  )
})

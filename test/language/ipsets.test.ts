import { diagnose, loadLab } from '../../src/language/load-lab.ts'
import { writeLab } from '../../src/language/write.ts'
import { parseIpsets } from '../../src/firewall/ipset-text.ts'
import { compareIpsets } from '../../src/kinds/ipset.ts'

const lab = (...lines: string[]) => ({
  file: 'lab.yaml',
  text: `name: x\nnamespaces:\n  fw:\n    ${lines.join('\n    ')}\n`,
  readBeside: () => '*filter\n-A INPUT -m set --match-set docker-ext-bridges-v4 dst -j ACCEPT\nCOMMIT\n',
})

test.each([
  [['ipsets: { bad: { type: hash:ip } }', 'iptables: { filter: { INPUT: [-m set --match-set bda src] } }'], 5, 'there is no set bda in fw', 'Did you mean "bad"? Declare it in namespaces.fw: ipsets: { bda: { type: hash:ip, entries: [] } }'], // prettier-ignore
  [['iptables: { restore: docker.iptables-save }'], 2, 'there is no set docker-ext-bridges-v4 in fw', 'Declare it in namespaces.fw: ipsets: { docker-ext-bridges-v4: { type: hash:ip, entries: [] } }'], // prettier-ignore
  [['ipsets: { a: { type: hash:ip, entries: ["10.0.0.1 -file /etc/passwd"] } }'], 4, 'this is not an entry of a set', 'ipset add'], // prettier-ignore
  [
    ['ipsets: { a: { type: hash:ip, entries: ["10.0.0.1\\nflush"] } }'],
    4,
    'this is not an entry of a set',
    'ipset add',
  ],
  [['ipsets: { "-a": { type: hash:ip } }'], 4, '"-a" cannot be the name of a set', '31 bytes'],
  [['ipsets: { netlab.new: { type: hash:ip } }'], 4, 'names of sets that begin with netlab. are netlab’s own', ''],
  [
    ['root: true', 'ipsets: { a: { type: hash:ip } }'],
    5,
    'a lab cannot have sets in a namespace that it does not own',
    'which lab owns it',
  ],
  [
    ['root: true', 'iptables: { filter: { INPUT: [-m set --match-set a src] } }'],
    5,
    'cannot use the set a',
    'A lab cannot own sets there',
  ],
])('%j is refused at its line', (lines, line, summary, detail) => {
  const [first, ...more] = diagnose(lab(...lines))
  expect(more).toEqual([])
  expect(first?.position?.line).toBe(line)
  expect(first?.summary).toContain(summary)
  expect(first?.detail ?? '').toContain(detail)
})

test('sets are written back as they are read', () => {
  const lines = ['ipsets:', '  l: { type: list:set, size: 4, entries: [a] }', '  a: { type: hash:net, family: inet6, counters: true, timeout: 0, entries: ["fd00::/8 nomatch"] }'] // prettier-ignore
  const { resources } = loadLab(lab(...lines))
  expect([...resources.values()].filter(({ kind }) => kind === 'ipset').map(({ id }) => id)).toEqual([
    'fw/ipset/a',
    'fw/ipset/l',
  ])
  const text = writeLab('x', resources)
  const again = loadLab({ file: 'lab.yaml', text }).resources
  for (const [id, { spec }] of resources) expect(again.get(id)?.spec).toEqual(spec)
})

const save = (settings: string, ...entries: string[]) =>
  parseIpsets([`create s hash:net ${settings} bucketsize 12 initval 0x1`, ...entries.map((e) => `add s ${e}`), ''].join('\n'))[0]! // prettier-ignore

test('counters, the size that the kernel chose and what runs out do not count', () => {
  const live = save('family inet hashsize 2048 timeout 9 counters comment', '10.0.0.0/8 timeout 0 packets 4 bytes 9 comment "packets 1 bytes 2"', '10.1.0.0/16 timeout 5 packets 0 bytes 0') // prettier-ignore
  const desired = save('family inet hashsize 1024 timeout 9 counters comment', '10.0.0.0/8 timeout 0 packets 0 bytes 0 comment "packets 1 bytes 2"') // prettier-ignore
  expect(live.entries).toEqual(['10.0.0.0/8 timeout 0 comment "packets 1 bytes 2"'])
  expect(compareIpsets(live, desired)).toEqual([])
  expect(compareIpsets(desired, live).map(({ field }) => field)).toEqual(['hashsize'])
})

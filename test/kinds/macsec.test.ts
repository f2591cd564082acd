import { commandOf } from '../../src/backend/iproute/command-of.ts'
import { kindOf } from '../../src/kinds/index.ts'
import { keyName, type MacsecSpec } from '../../src/kinds/links/macsec-keys.ts'
import { diagnose, loadLab } from '../../src/language/load-lab.ts'
import type { Dump } from '../../src/model/runner.ts'
import { makePlan } from '../../src/plan/make-plan.ts'

const KEY = '00112233445566778899aabbccddeeff'
const lab = (a: string, b = 'rx: [{ peer: a:s0 }]'): string => `
name: secure
namespaces:
  a: { interfaces: { s0: { type: macsec, link: eth0, mac: "02:00:00:00:00:0a", ${a} } } }
  b: { interfaces: { s0: { type: macsec, link: eth0, mac: "02:00:00:00:00:0B", port: 258, ${b} } } }
links: [{ endpoints: [a:eth0, b:eth0] }]
`
const keyFile = (path: string) => ({ path: `/keys/${path}`, text: `${KEY}\n` })
const load = (a: string, b?: string) => loadLab({ file: 'lab.yaml', text: lab(a, b), keyFile }).resources
const keysOf = (resources: ReturnType<typeof load>, id = 'a/s0/macsec') =>
  resources.get(id)?.spec as unknown as MacsecSpec
const commands = (from: string, to: string): string[] =>
  makePlan({ lab: 'secure', live: load(from), desired: load(to) }).steps.map(({ operation }) =>
    commandOf(operation).argv.join(' '),
  )

test('a channel is named by the MAC address and the port; a peer’s channel and keys are known from the lab', () => {
  const resources = load('rx: [{ peer: b:s0 }]')
  expect([resources.get('a/s0')?.spec['sci'], resources.get('b/s0')?.spec['sci']]).toEqual([
    '02000000000a0001',
    '02000000000b0102',
  ])
  const [a, b] = [keysOf(resources), keysOf(resources, 'b/s0/macsec')]
  expect(Object.keys(a.rx)).toEqual(['02000000000b0102'])
  expect(a.rx['02000000000b0102']?.sas['0']?.key_id).toBe(b.tx['0']?.key_id)
  expect(a.tx['0']?.key_id).not.toBe(b.tx['0']?.key_id)
})

test('no key is in what is planned: it goes from its file to ip', () => {
  const { changes, steps } = makePlan({
    lab: 'secure',
    live: new Map(),
    desired: load('tx: [{ key_file: k }], rx: []'),
  })
  expect(JSON.stringify([changes, steps])).not.toContain(KEY)
  expect(JSON.stringify(steps)).toContain('/keys/k')
  expect(keysOf(load('tx: [{ key_file: k }], rx: []')).tx['0']?.key_id).toBe(keyName(KEY))
})

test('keys change in place', () => {
  const rx = (more: string) => `rx: [{ sci: 02000000000C0001, sas: [{ key_file: k, key_id: "01" }${more}] }]`
  expect(commands(rx(''), `${rx('').replace('key_id: "01"', 'key_id: "01", active: false')}`)).toEqual([
    'ip macsec set s0 rx sci 02000000000c0001 sa 0 off',
  ])
  expect(commands(rx(', { sa: 1, key_file: k }'), rx(''))).toEqual([
    'ip macsec set s0 rx sci 02000000000c0001 sa 1 off',
    'ip macsec del s0 rx sci 02000000000c0001 sa 1',
  ])
  expect(commands(rx(''), 'rx: []')).toEqual(['ip macsec del s0 rx sci 02000000000c0001'])
  const other = commands(rx(''), rx('').replace('"01"', '"02"'))
  expect(other.slice(0, 2)).toEqual([
    'ip macsec set s0 rx sci 02000000000c0001 sa 0 off',
    'ip macsec del s0 rx sci 02000000000c0001 sa 0',
  ])
  expect(other[2]).toMatch(/^sh -c .* sh s0 rx sci 02000000000c0001 sa 0 on 020{30} \/keys\/k$/s)
})

test('what ip prints is read', () => {
  const sa = { an: 0, active: true, key: '01000000000000000000000000000000' }
  const macsec = [{ ifname: 's0', sa_list: [sa], rx_sc: [{ sci: '0x200000000010001', active: false, sa_list: [sa] }] }]
  const [found] = kindOf('macsec-keys').read({ macsec } as unknown as Dump, { namespace: 'a', lab: 'secure' })
  const own = { key_id: sa.key, active: true }
  expect(found?.spec).toEqual({
    dev: 's0',
    tx: { 0: own },
    rx: { '0200000000010001': { active: false, sas: { 0: own } } },
  })
})

test.each([
  ['end_station: true', /end_station needs send_sci: false/],
  ['sci: 02000000000a0001', /unknown field|has no sci/],
  ['rx: [{ peer: b:s1 }]', /there is no MACsec interface b:s1/],
  ['rx: [{ peer: a:s0 }]', /cannot be its own peer/],
  ['rx: [{ peer: b:s0 }, { peer: b:s0 }]', /listed already/],
  ['cipher: gcm-aes-256, rx: [{ peer: b:s0 }]', /another cipher/],
  ['cipher: gcm-aes-256, tx: [{ key_file: k }]', /k does not contain a key.*64 hexadecimal digits/],
  ['rx: [{ sci: 02000000000c0001, sas: [{}] }]', /needs key_file/],
  ['tx: [{ sa: 1 }, { sa: 1 }]', /there is a key 1 already/],
])('%s', (settings, words) => {
  const [first] = diagnose({ file: 'lab.yaml', text: lab(settings, 'tx: [{}]'), keyFile })
  expect(`${first?.summary} ${first?.detail ?? ''}`).toMatch(words)
})

test('a device has each channel once in each direction', () => {
  const on = (second: string): string => `
name: secure
namespaces:
  a: { interfaces: { s0: { type: macsec, link: eth0, mac: "02:00:00:00:00:0a", rx: [{ peer: b:s0 }] }, ${second} } }
  b: { interfaces: { s0: { type: macsec, link: eth0, tx: [{}] } } }
links: [{ endpoints: [a:eth0, b:eth0] }, { endpoints: [a:eth1, b:eth1] }]
`
  const first = (second: string) => diagnose({ file: 'lab.yaml', text: on(second), keyFile })[0]?.summary
  expect(first('s1: { type: macsec, link: eth0, rx: [{ peer: b:s0 }] }')).toBe('a:s0 already receives on this channel')
  expect(first('s1: { type: macsec, link: eth1, rx: [{ peer: b:s0 }] }')).toBeUndefined()
  expect(first('s1: { type: macsec, link: eth0, mac: "02:00:00:00:00:0a" }')).toBe('a:s0 already sends on this channel')
  expect(first('s1: { type: macsec, link: eth0, mac: "02:00:00:00:00:0a", port: 2 }')).toBeUndefined()
})

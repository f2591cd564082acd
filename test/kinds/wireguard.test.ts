import { commandOf } from '../../src/backend/iproute/command-of.ts'
import { generatedKey, isKey, parseWgDump, publicKey, wg, type WgSpec } from '../../src/kinds/links/wireguard.ts'
import { loadLab } from '../../src/language/load-lab.ts'
import type { Resource } from '../../src/model/resource.ts'
import { planContext } from '../support/resources.ts'

/** A pair that `wg genkey` and `wg pubkey` made for this test. */
const PRIVATE = 'AGT518PwsKeHoVL0mC+QBHfJ/vyTGADypwP+PW+dem0='
const PUBLIC = '2rFBoqzE6K8qoKXx23u6FOH+sekRVlDW+wAQBbf1xTs='

test('public keys are those of X25519', () => {
  expect(publicKey(PRIVATE)).toBe(PUBLIC)
})

test('generated keys are keys, always the same, and others for other interfaces and labs', () => {
  const key = generatedKey('lab', 'h1', 'wg0')
  expect(isKey(key)).toBe(true)
  expect(Buffer.from(key, 'base64')).toHaveLength(32)
  expect(Buffer.from(key, 'base64').toString('base64')).toBe(key)
  expect(generatedKey('lab', 'h1', 'wg0')).toBe(key)
  expect(new Set([key, generatedKey('lab', 'h1', 'wg1'), generatedKey('lab2', 'h1', 'wg0')]).size).toBe(3)
})

test('what wg dumps is read without its secrets', () => {
  const other = publicKey(generatedKey('lab', 'h2', 'wg0'))
  const dump = [
    ['wg0', PRIVATE, PUBLIC, '51820', 'off'],
    ['wg0', PUBLIC, PRIVATE, '10.1.1.1:444', 'fd00::/64,10.0.0.0/24', '0', '0', '0', '25'],
    ['wg0', other, '(none)', '(none)', '(none)', '0', '0', '0', 'off'],
    ['wg1', PRIVATE, PUBLIC, '0', 'off'],
  ]
  const found = parseWgDump(dump.map((words) => `${words.join('\t')}\n`).join(''))
  const first = {
    endpoint: '10.1.1.1:444',
    allowed_ips: ['10.0.0.0/24', 'fd00::/64'],
    keepalive: 25,
    preshared_key: expect.stringMatching(/^[0-9a-f]{16}$/),
  }
  expect(found).toEqual([
    { dev: 'wg0', public_key: PUBLIC, listen_port: 51820, peers: { [PUBLIC]: first, [other]: { allowed_ips: [] } } },
    { dev: 'wg1', public_key: PUBLIC, peers: {} },
  ])
  expect(JSON.stringify(found)).not.toContain(PRIVATE)
})

const lab = (peers: string, more = '') => `
name: t
namespaces:
  h1:
    interfaces:
      wg0: { type: wireguard${more}, peers: [${peers}] }
  h2:
    interfaces:
      wg0: { type: wireguard, listen_port: 51820, addresses: [10.9.0.2/24] }
`
const load = (text: string) =>
  loadLab({ file: 'lab.yaml', text, keyFile: (path) => ({ path: `/keys/${path}`, text: `${PRIVATE}\n` }) })
const spec = (text: string) => load(text).resources.get('h1/wg0/wg')!.spec

test('a peer in the lab has the public key that its interface gets', () => {
  const text = lab('{ peer: "h2:wg0", endpoint: "10.0.0.2:51820", allowed_ips: [10.9.0.7/24, "FD00::1/64"] }')
  const key = publicKey(generatedKey('t', 'h2', 'wg0'))
  expect(spec(text)['peers']).toEqual({
    [key]: { endpoint: '10.0.0.2:51820', allowed_ips: ['10.9.0.0/24', 'fd00::/64'] },
  })
  expect(load(text).resources.get('h2/wg0/wg')!.spec).toMatchObject({ public_key: key, listen_port: 51820 })
})

test('keys from files are in no resource and in no command', () => {
  const text = lab('{ peer: "h2:wg0", preshared_key_file: psk }', ', private_key_file: key')
  const resource = load(text).resources.get('h1/wg0/wg') as Resource<any> as Resource<WgSpec>
  expect(resource.spec).toMatchObject({ public_key: PUBLIC, private_key_file: '/keys/key' })
  const context = planContext('t')
  const commands = wg.create(resource, context).map(({ operation }) => commandOf(operation))
  expect(commands[0]).toEqual({ argv: ['wg', 'set', 'wg0', 'private-key', '/keys/key'], netns: 'h1' })
  expect(JSON.stringify([resource, commands])).not.toContain(PRIVATE.slice(0, 20))
})

test.each([
  ['{ allowed_ips: [10.0.0.0/8] }', 'a peer has either peer or public_key'],
  ['{ peer: "h2:wg1" }', 'there is no WireGuard interface h2:wg1'],
  ['{ peer: "h1:wg0" }', 'an interface cannot be its own peer'],
  ['{ public_key: short }', 'this is not a public key'],
  ['{ peer: "h2:wg0", endpoint: "host:1" }', '"host:1" is not an endpoint'],
  ['{ peer: "h2:wg0", allowed_ips: [x] }', '"x" is not a network'],
  ['{ peer: "h2:wg0" }, { peer: "h2:wg0" }', 'this peer is listed already'],
])('refuses %s', (peers, summary) => {
  expect(() => load(lab(peers))).toThrow(summary)
})

import { unwrittenKeys } from '../../src/import/keys-left.ts'
import { generatedKey, publicKey, wgId } from '../../src/kinds/links/wireguard.ts'
import type { Resource } from '../../src/model/resource.ts'

const wg = (public_key: string, preshared = {}): [string, Resource] => {
  const id = wgId('h1', 'wg0')
  const peers = { PEER: { allowed_ips: [], ...preshared } }
  return [id, { id, kind: 'wg', namespace: 'h1', spec: { dev: 'wg0', public_key, peers } }]
}

test('keys that the lab cannot make are not written, and the file says how to keep them', () => {
  const own = publicKey(generatedKey('lab', 'h1', 'wg0'))
  expect(unwrittenKeys('lab', new Map([wg(own)]))).toEqual([])
  const at = ['namespaces', 'h1', 'interfaces', 'wg0']
  expect(unwrittenKeys('other', new Map([wg(own, { preshared_key: 'a fingerprint' })]))).toEqual([
    {
      at,
      text: 'Not written, because it is secret: the private key. To keep it: (umask 077; ip netns exec h1 wg show wg0 private-key >h1-wg0.key) and private_key_file',
    },
    { at, text: 'Not written: the preshared key of PEER (ip netns exec h1 wg show wg0 preshared-keys)' },
  ])
})

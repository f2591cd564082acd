import { cryptography, sha256 } from '../../model/digest.ts'
import type { Kind } from '../../model/kind.ts'
import type { LinkType } from '../../model/link-type.ts'
import type { Difference, Emission } from '../../model/change.ts'
import { linkId, type Resource } from '../../model/resource.ts'
import { within } from '../common.ts'
import { ofInterface, without } from '../lab-entry.ts'

/** One peer of a WireGuard interface, as it can be shown to anybody. */
export interface WgPeer {
  /** `10.0.0.1:51820`, `[fd00::1]:51820` */
  readonly endpoint?: string
  /** Canonical, sorted. */
  readonly allowed_ips: readonly string[]
  /** Seconds. */
  readonly keepalive?: number
  /** A fingerprint of the preshared key. */
  readonly preshared_key?: string
  /** Desired only: the file that holds it. */
  readonly preshared_key_file?: string
}

/** What `wg` sets: no secret is in it. */
export type WgSpec = {
  readonly dev: string
  readonly public_key: string
  readonly listen_port?: number
  /** The mark of the outer packets; absent: none. */
  readonly fwmark?: number
  /** By public key. */
  readonly peers: Readonly<Record<string, WgPeer>>
  /** Desired only: the file that holds the private key; absent: it is generated. */
  readonly private_key_file?: string
}

/** `h1/wg0/wg` */
export const wgId = (namespace: string, dev: string): string => `${linkId(namespace, dev)}/wg`

const KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/
/** Whether a text is 32 bytes in base64, as wg(8) writes keys. */
export const isKey = (text: string): boolean => KEY.test(text)

/** The seed of a generated key. It is no secret: the names of the lab and the interface suffice to make the key. */
const seed = (lab: string, namespace: string, dev: string): string => `netlab ${lab} ${linkId(namespace, dev)}`

/** A generated private key: 42 hexadecimal digits of a SHA-256, which are base64 as they stand (a shell makes it, too). */
export const generatedKey = (lab: string, namespace: string, dev: string): string =>
  `${sha256(seed(lab, namespace, dev)).slice(0, 42)}A=`

/** What precedes the 32 bytes of an X25519 private key in PKCS #8 (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex')

/** The public key of a private key, both in base64. */
export function publicKey(privateKey: string): string {
  const { createPrivateKey, createPublicKey } = cryptography()
  const der = Buffer.concat([PKCS8, Buffer.from(privateKey, 'base64')])
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  return key.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')
}

/** Tells one preshared key from another without telling it. */
export const fingerprint = (key: string): string => sha256(key).slice(0, 16)

const apart = (schema: Readonly<Record<string, unknown>>) => ({ schema, apart: true as const })
const text = (description: string, ...examples: string[]) => ({ type: 'string', description, examples })

/** An encrypted tunnel over UDP (wg(8)). */
export const wireguard: LinkType = {
  name: 'wireguard',
  description: 'One end of encrypted tunnels over UDP (WireGuard).',
  example:
    'interfaces:\n  wg0:\n    type: wireguard\n    listen_port: 51820\n    addresses: [10.9.0.1/24]\n    peers:\n      - { peer: h2:wg0, endpoint: 10.0.0.2:51820, allowed_ips: [10.9.0.2/32] }',
  fields: {
    listen_port: apart({
      type: 'integer',
      minimum: 1,
      maximum: 65535,
      description: 'UDP port to listen on. Default: chosen by the kernel.',
    }),
    fwmark: apart({
      type: 'integer',
      minimum: 1,
      maximum: 4294967295,
      description: 'Mark of the outer packets, for `rules`. Default: none.',
    }),
    private_key_file: apart(
      text(
        'File with the private key, relative to the lab file. Default: netlab derives one from the names of the lab and the interface, which is no secret.',
      ),
    ),
    peers: apart({
      type: 'array',
      description: 'The peers.',
      items: {
        type: 'object',
        additionalProperties: false,
        properties: {
          peer: text(
            'Another WireGuard interface of the lab, as NAMESPACE:INTERFACE. netlab fills in its public key.',
            'h2:wg0',
          ),
          public_key: text('The public key of a peer that is not in the lab.'),
          endpoint: text('Address and UDP port of the peer.', '10.0.0.2:51820', '[fd00::2]:51820'),
          allowed_ips: {
            type: 'array',
            items: { type: 'string' },
            description: 'Networks behind the peer, as CIDRs.',
          },
          keepalive: {
            type: 'integer',
            minimum: 1,
            maximum: 65535,
            description: 'Seconds between keepalive packets.',
          },
          preshared_key_file: text('File with the preshared key, relative to the lab file.'),
        },
      },
    }),
  },
  mtu: () => 1420,
  noMac: () => true,
  noArp: true,
  layer3: true,
  multicast: false, // wg_setup in drivers/net/wireguard/device.c
  feature: { module: 'wireguard', config: 'CONFIG_WIREGUARD', probe: 'ip link add name x0 type wireguard' },
  byType: true,
}

/** The keys, the port and the peers of a WireGuard interface. Changed in place; keys pass from files to `wg` alone. */
export const wg: Kind<WgSpec> = {
  name: 'wg',

  read: (dump, { namespace, borrowed }) =>
    (dump.wireguard ?? []).map(({ dev, ...rest }): Resource<WgSpec> => ({
      ...{ id: wgId(namespace, dev), kind: 'wg', namespace, ...(borrowed && { borrowed }) },
      spec: { dev, ...rest },
    })),

  toLab(r, resources) {
    const { dev, listen_port, fwmark, private_key_file, peers } = r.spec
    const listed = Object.entries(peers).map(([public_key, peer]) => ({
      public_key,
      ...without(peer, 'preshared_key'),
    }))
    return ofInterface(r, dev, resources, {
      ...{ listen_port, fwmark, private_key_file },
      ...(listed.length > 0 && { peers: listed }),
    })
  },
  describe: ({ public_key, listen_port, peers }) =>
    [
      `public key ${public_key}`,
      ...(listen_port === undefined ? [] : [`port ${listen_port}`]),
      `${Object.keys(peers).length} peers`,
    ].join(', '),

  compare(live, desired) {
    const differences: Difference[] = []
    const check = (field: string, from: unknown, to: unknown): void => {
      if (JSON.stringify(from) !== JSON.stringify(to))
        differences.push({ field, ...(from !== undefined && { from }), ...(to !== undefined && { to }) })
    }
    check('public_key', live.public_key, desired.public_key)
    if (desired.listen_port !== undefined) check('listen_port', live.listen_port, desired.listen_port)
    check('fwmark', live.fwmark, desired.fwmark)
    for (const key of new Set([...Object.keys(desired.peers), ...Object.keys(live.peers)]))
      check(`peer ${key}`, shown(live.peers[key]), shown(desired.peers[key], live.peers[key]))
    return differences
  },

  // wg(8) is asked for what an interface is, too.
  requires: () => ['wg'],
  needs: ({ namespace, spec }) => [linkId(namespace, spec.dev)],
  lostWith: ({ namespace, spec }) => [namespace, linkId(namespace, spec.dev)],
  // It goes with its interface, and never alone.
  automatic: () => true,

  create: (r, { lab }) => [
    privateKey(r, lab),
    ...port(r),
    ...(r.spec.fwmark === undefined ? [] : mark(r)),
    ...Object.entries(r.spec.peers).map(([key, peer]) => set(r, ...peerWords(key, peer))),
  ],
  update: ({ live, desired, differences }, { lab }) =>
    differences.flatMap(({ field }): Emission[] => {
      if (field === 'public_key') return [privateKey(desired, lab)]
      if (field === 'listen_port') return port(desired)
      if (field === 'fwmark') return mark(desired)
      const key = field.slice('peer '.length)
      const peer = desired.spec.peers[key]
      if (!peer) return [set(desired, 'peer', key, 'remove')]
      // Only a peer that is made again forgets where the old one was, and its preshared key.
      const old = live.spec.peers[key]
      const forgets = old?.preshared_key !== undefined && peer.preshared_key === undefined
      return [...(forgets ? [set(desired, 'peer', key, 'remove')] : []), set(desired, ...peerWords(key, peer))]
    }),
  remove: () => [],
}

/** The settings of a peer that are compared. An endpoint that the lab does not set is the peer's last known address. */
function shown(peer: WgPeer | undefined, live?: WgPeer): unknown {
  if (!peer) return undefined
  const { preshared_key_file: _, endpoint = live?.endpoint, ...rest } = peer
  return { ...(endpoint !== undefined && { endpoint }), ...rest }
}

const emit = (r: Resource<WgSpec>, ...argv: string[]): Emission => ({
  stage: 'set links',
  operation: within(r, ...argv),
})
const set = (r: Resource<WgSpec>, ...words: string[]): Emission => emit(r, 'wg', 'set', r.spec.dev, ...words)
const port = (r: Resource<WgSpec>): Emission[] =>
  r.spec.listen_port === undefined ? [] : [set(r, 'listen-port', String(r.spec.listen_port))]

const mark = (r: Resource<WgSpec>): Emission[] => [set(r, 'fwmark', String(r.spec.fwmark ?? 0))]

/** The key goes from its file, or from where it is made, to `wg`: it is in no argument and in no plan. */
const privateKey = (r: Resource<WgSpec>, lab: string): Emission =>
  r.spec.private_key_file !== undefined
    ? set(r, 'private-key', r.spec.private_key_file)
    : emit(
        r,
        ...['sh', '-c', `printf '%.42sA=' "$(printf %s "$2" | sha256sum)" | wg set "$1" private-key /dev/stdin`, 'sh'],
        ...[r.spec.dev, seed(lab, r.namespace, r.spec.dev)],
      )

const peerWords = (key: string, peer: WgPeer): string[] => [
  ...['peer', key],
  ...(peer.preshared_key_file === undefined ? [] : ['preshared-key', peer.preshared_key_file]),
  ...(peer.endpoint === undefined ? [] : ['endpoint', peer.endpoint]),
  ...['persistent-keepalive', String(peer.keepalive ?? 0)],
  ...['allowed-ips', peer.allowed_ips.join(',')],
]

const absent = (word: string | undefined): boolean => !word || word === '(none)' || word === 'off' || word === '0'

/** What `wg show all dump` prints, without the private keys and with fingerprints of the preshared ones. */
export function parseWgDump(dump: string): WgSpec[] {
  const found = new Map<string, WgSpec & { peers: Record<string, WgPeer> }>()
  for (const line of dump.split('\n')) {
    const words = line.split('\t')
    const [dev = ''] = words
    if (words.length === 5) {
      const [, , key = '', listening, marked] = words
      const listen_port = absent(listening) ? {} : { listen_port: Number(listening) }
      const fwmark = absent(marked) ? {} : { fwmark: Number(marked) }
      found.set(dev, { dev, public_key: key, ...listen_port, ...fwmark, peers: {} })
    } else if (words.length === 9) {
      const [, key = '', preshared = '', endpoint, allowed = '', , , , keepalive] = words
      const interface_ = found.get(dev)
      if (interface_)
        interface_.peers[key] = {
          ...(!absent(endpoint) && { endpoint: endpoint ?? '' }),
          allowed_ips: absent(allowed) ? [] : allowed.split(',').sort(),
          ...(!absent(keepalive) && { keepalive: Number(keepalive) }),
          ...(!absent(preshared) && { preshared_key: fingerprint(preshared) }),
        }
    }
  }
  return [...found.values()]
}

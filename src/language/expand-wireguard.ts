import { canonicalAddress, parseCidr, subnetOf } from '../model/cidr.ts'
import { nameOf, namespaceOf, type Resource } from '../model/resource.ts'
import {
  fingerprint,
  generatedKey,
  isKey,
  publicKey,
  wgId,
  type WgPeer,
  type WgSpec,
} from '../kinds/links/wireguard.ts'
import { interfacesOfType, type Expansion } from './expansion.ts'
import { suggest } from './report.ts'
import type { Path } from './yaml/source.ts'

/** Reads a file with a key, and returns its full path and contents. Throws as `readFileSync` does. */
export type KeyFile = (path: string) => { readonly path: string; readonly text: string }

/** The settings of WireGuard among those of an interface. They have passed the schema. */
interface WgFile {
  readonly type?: string
  readonly listen_port?: number
  readonly fwmark?: number
  readonly private_key_file?: string
  readonly peers?: readonly PeerFile[]
}

interface PeerFile {
  readonly peer?: string
  readonly public_key?: string
  readonly endpoint?: string
  readonly allowed_ips?: readonly string[]
  readonly keepalive?: number
  readonly preshared_key_file?: string
}

interface Found {
  readonly settings: WgFile
  readonly path: Path
  readonly key: string
  readonly file?: string
}

/** Reads the key file that is named at the path. */
export type KeyAt = (path: Path, name: string) => ReturnType<KeyFile>

/** Adds what `wg` sets on every WireGuard interface. Private keys are read only to derive the public ones, and are not kept. */
export function expandWireguard(x: Expansion, keyFile: KeyAt): void {
  const found = new Map<string, Found>()
  for (const { namespace, name, path, settings, link } of interfacesOfType<WgFile>(x, 'wireguard')) {
    const named = settings.private_key_file
    const given = named === undefined ? undefined : readKey(x, keyFile, named, [...path, 'private_key_file'])
    if (named !== undefined && !given) continue
    const key = publicKey(given?.key ?? generatedKey(x.lab, namespace, name))
    found.set(link.id, { settings, path, key, ...(given && { file: given.path }) })
  }
  for (const [id, { settings, path, key, file }] of found) {
    const peers: Record<string, WgPeer> = {}
    settings.peers?.forEach((settings, i) => {
      const where = [...path, 'peers', i]
      const other = keyOfPeer(x, found, id, settings, where)
      if (other === undefined) return
      if (peers[other])
        return x.report.error('given-twice', where, 'this peer is listed already', 'Each peer can have only one entry.')
      const made = peer(x, keyFile, settings, where)
      if (made) peers[other] = made
    })
    const [namespace, dev] = [namespaceOf(id), nameOf(id)]
    const { listen_port: port, fwmark } = settings
    const spec: WgSpec = {
      ...{ dev, public_key: key, peers },
      ...(port !== undefined && { listen_port: port }),
      ...(fwmark !== undefined && { fwmark }),
      ...(file !== undefined && { private_key_file: file }),
    }
    x.add({ id: wgId(namespace, dev), kind: 'wg', namespace, spec } as Resource<any>, path, 'key')
  }
}

/** What a key file must have, and what to say when it has not. */
interface KeyForm {
  readonly is: (text: string) => boolean
  readonly detail: string
}
const wgForm: KeyForm = { is: isKey, detail: 'A key is one line of 44 characters: wg genkey >FILE' }

/** The key in a file that is named at the path, and the file's full path; undefined after an error. */
export function readKey(
  x: Expansion,
  keyFile: KeyAt,
  name: string,
  path: Path,
  { is, detail }: KeyForm = wgForm,
): { readonly path: string; readonly key: string } | undefined {
  try {
    const { path: full, text } = keyFile(path, name)
    if (is(text.trim())) return { path: full, key: text.trim() }
    x.report.error('unreadable-file', path, `${name} does not contain a key`, detail)
  } catch (error) {
    x.report.error('unreadable-file', path, `cannot read ${name}`, (error as Error).message)
  }
  return undefined
}

function keyOfPeer(
  x: Expansion,
  found: ReadonlyMap<string, Found>,
  id: string,
  { peer, public_key }: PeerFile,
  path: Path,
): string | undefined {
  if ((peer === undefined) === (public_key === undefined))
    return void x.report.error(
      'senseless-field',
      path,
      'a peer has either peer or public_key',
      'peer: NAMESPACE:INTERFACE of this lab.',
    )
  if (public_key !== undefined) {
    if (isKey(public_key)) return public_key
    return void x.report.error(
      'bad-value',
      [...path, 'public_key'],
      'this is not a public key',
      'A key has 44 characters.',
    )
  }
  const name = peer ?? ''
  const other = name.replace(':', '/')
  const names = [...found.keys()].map((known) => known.replace('/', ':'))
  if (other === id)
    return void x.report.error('senseless-field', [...path, 'peer'], 'an interface cannot be its own peer')
  const key = found.get(other)?.key
  if (key === undefined)
    x.report.error('unknown-reference', [...path, 'peer'], `there is no WireGuard interface ${name}`, () =>
      suggest(name, names),
    )
  return key
}

function peer(x: Expansion, keyFile: KeyAt, settings: PeerFile, path: Path): WgPeer | undefined {
  const { endpoint, allowed_ips = [], keepalive, preshared_key_file } = settings
  const allowed = allowed_ips.map((text, i) => {
    const cidr = parseCidr(text)
    if (!cidr)
      x.report.error('bad-value', [...path, 'allowed_ips', i], `"${text}" is not a network`, 'Write it as 10.0.0.0/24.')
    return cidr && subnetOf(cidr)
  })
  const at = endpoint === undefined ? undefined : canonicalEndpoint(endpoint)
  if (endpoint !== undefined && at === undefined)
    x.report.error(
      'bad-value',
      [...path, 'endpoint'],
      `"${endpoint}" is not an endpoint`,
      'Write it as 10.0.0.2:51820.',
    )
  const shared =
    preshared_key_file === undefined
      ? undefined
      : readKey(x, keyFile, preshared_key_file, [...path, 'preshared_key_file'])
  if (preshared_key_file !== undefined && !shared) return undefined
  return {
    ...(at !== undefined && { endpoint: at }),
    allowed_ips: allowed.filter((cidr) => cidr !== undefined).sort(),
    ...(keepalive !== undefined && { keepalive }),
    ...(shared && { preshared_key: fingerprint(shared.key), preshared_key_file: shared.path }),
  }
}

/** The endpoint as wg prints it; undefined if the text is not one. */
function canonicalEndpoint(text: string): string | undefined {
  const [, v6, v4, port] = /^(?:\[([^\]]+)\]|([\d.]+)):(\d{1,5})$/.exec(text) ?? []
  const address = canonicalAddress(v6 ?? v4 ?? '')
  if (address === undefined || Number(port) < 1 || Number(port) > 65535) return undefined
  return v6 === undefined ? `${address}:${port}` : `[${address}]:${port}`
}

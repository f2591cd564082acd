import { generatedMac } from '../kinds/common.ts'
import {
  generatedSak,
  keyName,
  macsecKeysId,
  type MacsecSpec,
  type RxChannel,
  type Sa,
} from '../kinds/links/macsec-keys.ts'
import { nameOf, namespaceOf, type Resource } from '../model/resource.ts'
import { readKey, type KeyAt } from './expand-wireguard.ts'
import { interfacesOfType, type Expansion } from './expansion.ts'
import { suggest } from './report.ts'
import type { Path } from './yaml/source.ts'

/** Settings of MACsec among those of an interface. They have passed the schema. */
interface MacsecFile {
  readonly type?: string
  readonly mac?: string
  readonly port?: number
  readonly cipher?: string
  readonly encodingsa?: number
  readonly tx?: readonly SaFile[]
  readonly rx?: readonly RxFile[]
}

interface SaFile {
  readonly sa?: number
  readonly key_file?: string
  readonly key_id?: string
  readonly active?: boolean
}

interface RxFile {
  readonly peer?: string
  readonly sci?: string
  readonly active?: boolean
  readonly sas?: readonly SaFile[]
}

interface Found {
  readonly settings: MacsecFile
  readonly path: Path
  readonly sci: string
  /** The id of its lower device. */
  readonly lower: unknown
  /** Hexadecimal digits of a key. */
  readonly digits: number
  readonly tx: Readonly<Record<string, Sa>>
}

/** Gives every MACsec interface the name of its channel, and adds the keys that `ip macsec` sets. Keys are read only to name them. */
export function expandMacsec(x: Expansion, keyFile: KeyAt): void {
  const found = new Map<string, Found>()
  for (const { path, settings, link } of interfacesOfType<MacsecFile>(x, 'macsec')) {
    const { id } = link
    const { port = 1, tx, rx, encodingsa = 0 } = settings
    const mac = settings.mac?.toLowerCase() ?? generatedMac(x.lab, id)
    const sci = `${mac.replaceAll(':', '')}${port.toString(16).padStart(4, '0')}`
    x.resources.set(id, { ...link, spec: { ...link.spec, sci } })
    const digits = settings.cipher === 'gcm-aes-256' ? 64 : 32
    const own = tx ?? (rx ? [{ sa: encodingsa }] : [])
    found.set(id, {
      settings,
      path,
      sci,
      lower: link.spec['link'],
      digits,
      tx: associations(x, keyFile, own, [...path, 'tx'], digits, id),
    })
  }
  // A device takes each channel once in each direction (sci_exists and create_rx_sc in drivers/net/macsec.c).
  const used = new Map<string, string>()
  const use = (way: 'sends' | 'receives', id: string, sci: string, path: Path): void => {
    const key = `${way} ${sci} ${String(found.get(id)?.lower)}`
    const other = used.get(key)
    if (other === undefined) used.set(key, id)
    else if (other !== id)
      x.report.error('given-twice', path, `${other.replace('/', ':')} already ${way} on this channel`, 'A device has each channel once in each direction: give another port, or another lower device.') // prettier-ignore
  }
  for (const [id, { settings, path, sci, tx, digits }] of found) {
    use('sends', id, sci, path)
    if (!settings.tx && !settings.rx) continue
    const rx: Record<string, RxChannel> = {}
    settings.rx?.forEach((entry, i) => {
      const where = [...path, 'rx', i]
      const channel = channelOf(x, keyFile, found, id, entry, where, digits)
      if (!channel) return
      if (rx[channel.sci]) x.report.error('given-twice', where, 'this channel is listed already', 'It has one entry.')
      rx[channel.sci] = channel.rx
      use('receives', id, channel.sci, where)
    })
    const [namespace, dev] = [namespaceOf(id), nameOf(id)]
    const spec: MacsecSpec = { dev, tx, rx }
    x.add({ id: macsecKeysId(namespace, dev), kind: 'macsec-keys', namespace, spec } as Resource<any>, path, 'key')
  }
}

/** `owner`: the id of the interface whose keys they are; undefined for others', which have files. */
function associations(
  x: Expansion,
  keyFile: KeyAt,
  list: readonly SaFile[],
  path: Path,
  digits: number,
  owner?: string,
): Record<string, Sa> {
  const all: Record<string, Sa> = {}
  list.forEach(({ sa = 0, key_file, key_id, active = true }, i) => {
    const where = [...path, i]
    if (all[sa]) return x.report.error('given-twice', where, `there is a key ${sa} already`, 'Each has its own sa.')
    const file =
      key_file === undefined ? undefined : readKey(x, keyFile, key_file, [...where, 'key_file'], sakOf(digits))
    if (key_file === undefined && owner === undefined)
      x.report.error('missing-field', where, 'the key of somebody else needs key_file', 'A file with the key.')
    if (!file && (key_file !== undefined || owner === undefined)) return
    const key_of = `${owner}/tx/${sa}`
    all[sa] = {
      key_id: (key_id ?? keyName(file?.key ?? generatedSak(x.lab, key_of, digits))).toLowerCase().padEnd(32, '0'),
      active,
      ...(file ? { key_file: file.path } : { key_of, digits }),
    }
  })
  return all
}

/** What a key file must have. */
const sakOf = (digits: number) => ({
  is: (text: string) => text.length === digits && /^[0-9A-Fa-f]+$/.test(text),
  detail: `A key is one line of ${digits} hexadecimal digits: openssl rand -hex ${digits / 2} >FILE`,
})

function channelOf(
  x: Expansion,
  keyFile: KeyAt,
  found: ReadonlyMap<string, Found>,
  id: string,
  { peer, sci, sas, active = true }: RxFile,
  path: Path,
  digits: number,
): { readonly sci: string; readonly rx: RxChannel } | undefined {
  if ((peer === undefined) === (sci === undefined))
    return void x.report.error('senseless-field', path, 'a channel has either peer or sci', 'peer: NAMESPACE:INTERFACE of this lab.') // prettier-ignore
  if (sci !== undefined) {
    if (!sas) return void x.report.error('missing-field', path, 'a channel with sci needs sas, its keys')
    return { sci: sci.toLowerCase(), rx: { active, sas: associations(x, keyFile, sas, [...path, 'sas'], digits) } }
  }
  const name = peer ?? ''
  const refuse = (summary: string, detail?: string | (() => string | undefined)): undefined =>
    void x.report.error('unknown-reference', [...path, 'peer'], summary, detail)
  if (sas) return void x.report.error('senseless-field', [...path, 'sas'], 'the keys of a peer are its tx', 'Leave sas out.', 'key') // prettier-ignore
  const other = found.get(name.replace(':', '/'))
  if (!other) return refuse(`there is no MACsec interface ${name}`, () => suggest(name, [...found.keys()].map((known) => known.replace('/', ':')))) // prettier-ignore
  if (name.replace(':', '/') === id) return refuse('an interface cannot be its own peer')
  if (other.digits !== digits) return refuse(`${name} has another cipher`, 'Both ends have the same.')
  if (!other.settings.tx && !other.settings.rx) return refuse(`${name} has no keys`, `Give ${name} tx or rx.`)
  return { sci: other.sci, rx: { active, sas: other.tx, peer: name.replace(':', '/') } }
}

import { linkTypes } from '../../kinds/links/link-types.ts'
import { portTable } from '../../kinds/links/port.ts'
import type { Field, LinkAttribute, LinkType } from '../../model/link-type.ts'
import { addressText, attributes, linkLayer } from './answer.ts'

/** Settings of a link, as iproute2's JSON has them. */
export type Data = Record<string, unknown>

/** Reads a value into the settings. `interfaceAt`: the name of the interface with an index. */
type Read = (bytes: Buffer, at: number, end: number, interfaceAt: (index: number) => string, into: Data) => void

const numbers: Readonly<Partial<Record<LinkAttribute['as'], (bytes: Buffer, at: number) => number>>> = {
  u8: (bytes, at) => bytes[at] ?? 0,
  u16: (bytes, at) => bytes.readUInt16LE(at),
  u32: (bytes, at) => bytes.readUInt32LE(at),
  u64: (bytes, at) => bytes.readUInt32LE(at),
  be16: (bytes, at) => bytes.readUInt16BE(at),
  be32: (bytes, at) => bytes.readUInt32BE(at),
}

const dotted = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
const hex = (value: number): string => (value ? `0x${value.toString(16)}` : '0')

/** Turns a number into what iproute2's JSON has for it; undefined where it prints nothing. */
function printed({ words, print }: LinkAttribute): (value: number) => unknown {
  const byNumber = words && new Map(Object.entries(words).map(([word, number]) => [number, word]))
  switch (print) {
    case 'boolean':
      return (value) => value !== 0
    case 'true':
      return (value) => value !== 0 || undefined
    case 'hex':
      return hex
    case 'hex or nothing':
      return (value) => (value ? hex(value) : undefined)
    case 'or nothing':
      return (value) => (value && byNumber ? byNumber.get(value) : value || undefined)
    case 'on or off':
      return (value) => (value ? 'on' : 'off')
    case 'or null':
      return (value) => (value ? (byNumber?.get(value) ?? value) : null)
    case 'bracketed':
      return (value) => `[${value}]`
    case 'dotted':
      return dotted
    case 'dotted or nothing':
      return (value) => (value ? dotted(value) : undefined)
    default:
      return (value) => (byNumber ? byNumber.get(value) : value)
  }
}

/** The reader of an attribute; undefined where only iproute2 can decode it. */
function reading(name: string, from: LinkAttribute): Read | undefined {
  const { under } = from
  const put = (into: Data, value: unknown, as = name): void => {
    if (value !== undefined) (under === undefined ? into : ((into[under] ??= {}) as Data))[as] = value
  }
  switch (from.as) {
    case 'mac':
      return (bytes, at, end, _, into) => put(into, linkLayer(bytes, at, end, 0))
    case 'address':
      return (bytes, at, end, _, into) => {
        if (bytes.subarray(at, end).every((byte) => byte === 0)) return
        const text = addressText(bytes, at, end)
        const isGroup = /^(22[4-9]|23\d|ff..:)/.test(text)
        if (from.multicast === undefined || from.multicast === isGroup)
          put(
            into,
            text,
            end - at === 4 || from.number6 === undefined || from.number6 === from.number ? name : `${name}6`,
          )
      }
    case 'addresses':
      return (bytes, at, end, _, into) => {
        const all: string[] = []
        attributes(bytes, at, end, (_, from, to) => all.push(addressText(bytes, from, to)))
        if (all.length) put(into, all)
      }
    case 'device':
      return (bytes, at, _, interfaceAt, into) => {
        const index = bytes.readUInt32LE(at)
        if (index) put(into, interfaceAt(index))
      }
    case 'present':
      return (_, __, ___, ____, into) => put(into, true)
    case 'text':
    case 'user':
      return undefined
  }
  const number = numbers[from.as]
  const print = printed(from)
  if (!number) return undefined
  const { bit } = from
  if (bit !== undefined) {
    if (from.print !== 'list')
      return (bytes, at, _, __, into) => put(into, print((number(bytes, at) & bit) !== 0 ? 1 : 0))
    return (bytes, at, _, __, into) => {
      const list = (into['flags'] ??= []) as string[]
      if ((number(bytes, at) & bit) !== 0) list.push(name.toUpperCase())
    }
  }
  if (from.print === 'name') return (bytes, at, _, __, into) => put(into, true, String(print(number(bytes, at))))
  return (bytes, at, _, __, into) => put(into, print(number(bytes, at)))
}

/** How the settings of a type are decoded. */
interface Decoder {
  readonly reads: ReadonlyMap<number, readonly Read[]>
  /** Attributes that only iproute2 can decode. */
  readonly undecoded: ReadonlySet<number>
  /** Settings that exist only if a bit of another attribute is set. */
  readonly conditions: readonly (readonly [number: number, bit: number, name: string])[]
  /** Objects of settings, each only there with a `type`. */
  readonly objects: readonly string[]
  /** Some fields have no attribute in the table, so iproute2 is always asked. */
  readonly partial: boolean
  /** It contains indexes of interfaces, which mean different interfaces in different namespaces. */
  readonly local: boolean
}

function decoder(fields: Readonly<Record<string, Field>>, type?: LinkType): Decoder {
  const reads = new Map<number, Read[]>()
  const undecoded = new Set<number>()
  const conditions: [number, number, string][] = []
  const objects = new Set<string>()
  const add = (name: string, attribute: LinkAttribute): void => {
    const read = reading(name, attribute)
    for (const number of [attribute.number, attribute.number6 ?? attribute.number])
      if (!read) undecoded.add(number)
      else if (!reads.get(number)?.includes(read)) reads.set(number, [...(reads.get(number) ?? []), read])
  }
  let partial = false
  let local = type?.lowerAttribute !== undefined
  for (const [name, { attribute, json = name, apart }] of Object.entries(fields))
    if (attribute) {
      add(json, attribute)
      if (attribute.under !== undefined) objects.add(attribute.under)
      if (attribute.with) conditions.push([attribute.with.number, attribute.with.bit, json])
      local ||= attribute.as === 'device'
    } else if (!apart) partial = true
  for (const [name, attribute] of Object.entries(type?.state ?? {})) add(name, attribute)
  if (type?.lowerAttribute !== undefined) add('link', { number: type.lowerAttribute, as: 'device' })
  return { reads, undecoded, conditions, objects: [...objects], partial, local }
}

const byKind = new Map(linkTypes.map((type) => [type.kind ?? type.name, decoder(type.fields, type)]))
/** What the spanning tree lets a port do (BR_STATE_… of if_bridge.h). */
const PORT_STATES = { disabled: 0, listening: 1, learning: 2, forwarding: 3, blocking: 4 }
/** Of the ports of a bond there is only the address that they have without it (IFLA_BOND_SLAVE_PERM_HWADDR). */
const ofPorts = new Map([
  ['bridge', decoder({ ...portTable, state: { attribute: { number: 1, as: 'u8', words: PORT_STATES } } })],
  ['bond', decoder({ perm_hwaddr: { attribute: { number: 4, as: 'mac' } } })],
])
/** The kinds of ports of which settings are read. */
export const portKinds: { readonly has: (kind: string) => boolean } = ofPorts

function decode(
  { reads, undecoded, conditions, objects, partial }: Decoder,
  bytes: Buffer,
  from: number,
  to: number,
  interfaceAt: (index: number) => string,
): { readonly data: Data; readonly isWhole: boolean } {
  const data: Data = {}
  const absent: string[] = []
  let isWhole = !partial
  attributes(bytes, from, to, (number, at, end) => {
    if (undecoded.has(number)) isWhole = false
    for (const read of reads.get(number) ?? []) read(bytes, at, end, interfaceAt, data)
    for (const [other, bit, name] of conditions)
      if (other === number && (bytes.readUInt16BE(at) & bit) === 0) absent.push(name)
  })
  for (const name of absent) delete data[name]
  for (const name of objects) if ((data[name] as Data | undefined)?.['type'] === undefined) delete data[name]
  return { data, isWhole }
}

/** The settings of a link. */
export interface Info {
  readonly data: Data
  /**
   * Present where only iproute2 can decode some of them. Links with the same key have the same settings (if `local`, only within
   * one namespace), so iproute2 is asked about one of them.
   */
  readonly undecoded?: { readonly key: string; readonly local: boolean }
}

/**
 * The settings in `info_data`, as iproute2 prints them. Empty for kinds that no lab can describe.
 */
export function infoData(
  bytes: Buffer,
  kind: string,
  from: number,
  to: number,
  interfaceAt: (index: number) => string,
): Info {
  const known = byKind.get(kind)
  if (!known) return { data: {} }
  const { data, isWhole } = decode(known, bytes, from, to, interfaceAt)
  const { local } = known
  return isWhole ? { data } : { data, undecoded: { key: `${kind} ${bytes.toString('latin1', from, to)}`, local } }
}

/** The settings in `info_slave_data` of a port, as iproute2 prints them. */
export function portData(
  bytes: Buffer,
  kind: string,
  from: number,
  to: number,
  interfaceAt: (index: number) => string,
): Data {
  const known = ofPorts.get(kind)
  return known ? decode(known, bytes, from, to, interfaceAt).data : {}
}

import { familyOf } from '../../model/cidr.ts'
import type { Field, LinkAttribute } from '../../model/link-type.ts'
import { attribute, nest, toBe16, toBe32, toU16, toU32, toU8, type Attribute } from './message.ts'
import { bytesOf, isDevice, isNumber, macOf } from './values.ts'

/** The bytes of numbers, and the largest that there is. */
const numbers: Readonly<Partial<Record<LinkAttribute['as'], readonly [(n: number) => Uint8Array, number]>>> = {
  u8: [toU8, 0xff],
  u16: [toU16, 0xffff],
  u32: [toU32, 0xffffffff],
  u64: [(n) => Uint8Array.of(...toU32(n), 0, 0, 0, 0), 0xffffffff],
  be16: [toBe16, 0xffff],
  be32: [toBe32, 0xffffffff],
}

/** The number that a value is to the kernel. */
function numberOf({ words }: LinkAttribute, value: unknown): unknown {
  if (words) return typeof value === 'string' && Object.hasOwn(words, value) ? words[value] : undefined
  return typeof value === 'boolean' ? Number(value) : value
}

/** The attribute of a value; undefined for one that is left to `ip`. */
export function encodeValue(to: LinkAttribute, value: unknown): Attribute | undefined {
  const bytes = (found: Uint8Array | undefined): Attribute | undefined => found && attribute(to.number, found)
  switch (to.as) {
    case 'mac':
      return bytes(macOf(String(value)))
    case 'text':
      return bytes(textBytes(value))
    case 'address':
      return addressAttribute(to, String(value))
    case 'addresses': {
      const all = (Array.isArray(value) ? value : []).map((text, i) => addressAttribute({ number: i, number6: i, as: 'address' }, String(text))) // prettier-ignore
      return all.every((one) => one !== undefined) ? nest(to.number, all) : undefined
    }
    case 'device':
      if (value === '') return bytes(toU32(0))
      return typeof value === 'string' && isDevice(value) ? { type: to.number, device: value } : undefined
    case 'present':
      return value === true ? bytes(new Uint8Array()) : undefined
    case 'user':
      return undefined
    default: {
      const [make, most] = numbers[to.as] ?? []
      const number = numberOf(to, value)
      return make && isNumber(number, most) ? bytes(make(number)) : undefined
    }
  }
}

/** Without the zero at its end, as iproute2 sends it; an empty one takes an alias away. */
function textBytes(value: unknown): Uint8Array | undefined {
  const bytes = Buffer.from(String(value))
  return bytes.length > 255 || bytes.includes(0) ? undefined : bytes
}

function addressAttribute({ number, number6, multicast }: LinkAttribute, value: string): Attribute | undefined {
  const bytes = bytesOf(value)
  if (!bytes) return undefined
  const [first = 0] = bytes
  const isFour = familyOf(value) === 4
  if (multicast !== undefined && (isFour ? first >= 224 && first < 240 : first === 255) !== multicast) return undefined
  const type = isFour ? number : number6
  return type === undefined ? undefined : attribute(type, bytes)
}

/** A number that several fields share, and which of its bits are spoken of. */
interface Shared {
  readonly as: LinkAttribute['as']
  readonly masked: boolean
  on: number
  mask: number
}

/**
 * The attributes of settings by field; undefined when one is left to `ip`. `whole`: these are all that there are, and what has
 * to be said is.
 */
export function encodeFields(
  fields: Readonly<Record<string, Field>>,
  data: Readonly<Record<string, unknown>>,
  whole: boolean,
): Attribute[] | undefined {
  const attributes: Attribute[] = []
  const shared = new Map<number, Shared>()
  const setBit = (number: number, as: LinkAttribute['as'], bit: number, masked: boolean, on: boolean): void => {
    let one = shared.get(number)
    if (!one) shared.set(number, (one = { as, masked, on: 0, mask: 0 }))
    one.mask |= bit
    if (on) one.on |= bit
  }
  if (Object.keys(data).some((name) => !Object.hasOwn(fields, name))) return undefined
  for (const [name, { attribute: to, fallback, required, apart }] of Object.entries(fields)) {
    if (apart) continue
    let value = data[name]
    if (value === undefined && whole && required) return undefined
    if (value === undefined && whole && to?.always) value = fallback
    if (value === undefined) continue
    if (!to) return undefined
    if (to.bit !== undefined) setBit(to.number, to.as, to.bit, to.masked === true, value === true)
    else {
      const one = encodeValue(to, value)
      if (!one) return undefined
      attributes.push(one)
      if (to.with) setBit(to.with.number, to.with.as, to.with.bit, false, true)
    }
  }
  for (const [number, { as, masked, on, mask }] of shared) {
    const make = numbers[as]?.[0] ?? toU32
    attributes.push(attribute(number, masked ? Uint8Array.of(...make(on), ...make(mask)) : make(on)))
  }
  return attributes
}

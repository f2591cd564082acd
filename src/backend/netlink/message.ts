import ipaddr from 'ipaddr.js'

/** A stretch of bytes among others. */
export interface Slice {
  readonly from: number
  readonly to: number
}

/** A place in a message for what only the kernel's state at that moment tells. */
export interface Patch {
  /** Where the 32 bits go, in bytes from the start of the message. */
  readonly at: number
  /** The interface, in the namespace that the message is sent to, whose index goes there. */
  readonly device?: string
  /** The namespace a descriptor of which goes there. */
  readonly netns?: string
}

/** What is inside a message or a nested attribute: a fixed header, then attributes. */
export interface Body {
  readonly header: Uint8Array
  /** An interface whose index goes into the header, `at` bytes from its start. */
  readonly device?: { readonly name: string; readonly at: number }
  readonly attributes: readonly Attribute[]
}

/** netlink(7), rtnetlink(7): a type, and a value. */
export type Attribute = { readonly type: number } & (
  { readonly bytes: Uint8Array } | { readonly device: string } | { readonly netns: string } | Body
)

/** A request to the kernel, not yet encoded. */
export interface Message extends Body {
  readonly type: number
  readonly flags: number
}

/** A request as it is sent, but for its patches. */
export interface Encoded {
  readonly bytes: Uint8Array
  readonly patches: readonly Patch[]
}

const NLM_F_REQUEST = 1
/** Flags of a message (linux/netlink.h). */
export const flags = { dump: 0x300, replace: 0x100, excl: 0x200, create: 0x400, append: 0x800 } as const

/** Integers as the attributes and headers of x64 and arm64 hold them: little-endian. */
export const toU8 = (value: number): Uint8Array => Uint8Array.of(value)
export const toU16 = (value: number): Uint8Array => Uint8Array.of(value & 255, (value >> 8) & 255)
export const toU32 = (value: number): Uint8Array =>
  Uint8Array.of(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, (value >>> 24) & 255)
/** … and in network byte order. */
export const toBe16 = (value: number): Uint8Array => toU16(value).reverse()
export const toBe32 = (value: number): Uint8Array => toU32(value).reverse()

export const attribute = (type: number, bytes: Uint8Array): Attribute => ({ type, bytes })
/** A name: the kernel wants the zero at its end. */
export const text = (type: number, value: string): Attribute => ({ type, bytes: Buffer.from(`${value}\0`) })
export const nest = (type: number, attributes: readonly Attribute[]): Attribute => ({
  type,
  header: new Uint8Array(0),
  attributes,
})

/** An IP address, in the kernel's form: 4 or 16 bytes. It must be one. */
export const addressBytes = (address: string): Uint8Array => Uint8Array.from(ipaddr.parse(address).toByteArray())

const aligned = (length: number): number => (length + 3) & ~3
/** nlmsghdr: length, type, flags, sequence number, port. */
const HEADER = 16
/** nlattr: length, type. */
const ATTRIBUTE = 4

function sizeOf({ header, attributes }: Body): number {
  return attributes.reduce((sum, a) => aligned(sum) + ATTRIBUTE + payload(a), header.length)
}

const payload = (a: Attribute): number => ('bytes' in a ? a.bytes.length : 'attributes' in a ? sizeOf(a) : 4)

/** The message as bytes. */
export function encode(message: Message): Encoded {
  const patches: Patch[] = []
  const bytes = Buffer.alloc(aligned(HEADER + sizeOf(message)))
  bytes.writeUInt32LE(HEADER + sizeOf(message), 0)
  bytes.writeUInt16LE(message.type, 4)
  bytes.writeUInt16LE(message.flags | NLM_F_REQUEST, 6)
  write(message, HEADER)
  // Namespaces first: of several things that are not there, iproute2 complains about them first.
  return {
    bytes,
    patches: [...patches.filter((p) => p.netns !== undefined), ...patches.filter((p) => p.device !== undefined)],
  }

  function write({ header, device, attributes }: Body, start: number): void {
    bytes.set(header, start)
    if (device) patches.push({ at: start + device.at, device: device.name })
    let at = start + header.length
    for (const a of attributes) {
      at = aligned(at)
      bytes.writeUInt16LE(ATTRIBUTE + payload(a), at)
      bytes.writeUInt16LE(a.type, at + 2)
      at += ATTRIBUTE
      if ('bytes' in a) bytes.set(a.bytes, at)
      else if ('attributes' in a) write(a, at)
      else patches.push('netns' in a ? { at, netns: a.netns } : { at, device: a.device })
      at += payload(a)
    }
  }
}

/** Gathers messages into one stretch of memory, which can be handed to the thread without copying. */
export function collector() {
  const parts: Uint8Array[] = []
  let length = 0
  return {
    add: (part: Uint8Array): Slice => {
      parts.push(part)
      return { from: length, to: (length += part.length) }
    },
    bytes: (): Uint8Array => {
      const all = new Uint8Array(length)
      let at = 0
      for (const part of parts) {
        all.set(part, at)
        at += part.length
      }
      return all
    },
  }
}

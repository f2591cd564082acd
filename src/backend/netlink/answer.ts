import type { Slice } from './message.ts'

/** An answer has something that is not known here: the programs read it. */
export class NotUnderstood extends Error {}

/** A message of an answer: its type, and where its header and attributes are. */
export type Visit = (type: number, at: number, end: number) => void

/** Goes through the messages of an answer; `at` is where a message's own header starts. */
export function messages(bytes: Buffer, { from, to }: Slice, visit: Visit): void {
  for (let at = from; at + 16 <= to;) {
    const length = bytes.readUInt32LE(at)
    visit(bytes.readUInt16LE(at + 4), at + 16, at + length)
    at += (length + 3) & ~3
  }
}

/** Goes through attributes; `at` and `end` enclose the value. */
export function attributes(bytes: Buffer, from: number, to: number, visit: Visit): void {
  for (let at = from; at + 4 <= to;) {
    const length = bytes.readUInt16LE(at)
    if (length < 4) return
    visit(bytes.readUInt16LE(at + 2) & 0x3fff, at + 4, at + length)
    at += (length + 3) & ~3
  }
}

/**
 * `decode`, except that answers with the same bytes share one result, which must not depend on anything else: of rules and
 * sysctls, most namespaces of a lab have the same.
 */
export function decodedOnce<T>(decode: (bytes: Buffer, answer: Slice) => T): (bytes: Buffer, answer: Slice) => T {
  const met = new Map<string, T>()
  return (bytes, answer) => {
    const key = bytes.toString('latin1', answer.from, answer.to)
    let result = met.get(key)
    if (result === undefined) met.set(key, (result = decode(bytes, answer)))
    return result
  }
}

/** Where the value of the first attribute of a type begins; -1: there is none. */
export function valueOf(bytes: Buffer, from: number, to: number, type: number): number {
  for (let at = from; at + 4 <= to;) {
    const length = bytes.readUInt16LE(at)
    if (length < 4) return -1
    if ((bytes.readUInt16LE(at + 2) & 0x3fff) === type) return at + 4
    at += (length + 3) & ~3
  }
  return -1
}

/** Where the value of an attribute ends that begins here. */
export const endOf = (bytes: Buffer, value: number): number => value - 4 + bytes.readUInt16LE(value - 4)

/** A string of the kernel's, without the zero at its end. */
export const string = (bytes: Buffer, at: number, end: number): string =>
  bytes.toString('utf8', at, end > at && bytes[end - 1] === 0 ? end - 1 : end)

const hexes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const hex = (byte: number | undefined): string => hexes[byte ?? 0] ?? ''

/** ARPHRD_* of tunnels, whose link-layer addresses are IP addresses (linux/if_arp.h). */
const tunnels4 = new Set([768, 776, 778])
const tunnels6 = new Set([769, 823])

/** A link-layer address, as iproute2 writes that of a link of this type. */
export function linkLayer(bytes: Buffer, at: number, end: number, type: number): string {
  const length = end - at
  if ((length === 4 && tunnels4.has(type)) || (length === 16 && tunnels6.has(type))) return addressText(bytes, at, end)
  let text = ''
  for (let i = at; i < end; i++) text += i === at ? hex(bytes[i]) : `:${hex(bytes[i])}`
  return text
}

/** IPv6 addresses that were written already, by their bytes: every namespace has some of the same. */
const written = new Map<string, string>()

/** An IP address, as inet_ntop(3) writes it. */
export function addressText(bytes: Buffer, at: number, end: number): string {
  if (end - at === 4) return dotted(bytes, at)
  const key = bytes.toString('latin1', at, end)
  let text = written.get(key)
  if (text === undefined) written.set(key, (text = colons(bytes, at)))
  return text
}

const dotted = (bytes: Buffer, at: number): string => `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`

function colons(bytes: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + 2 * i))
  let [start, length] = [-1, 1]
  for (let i = 0, run = 0; i < 8; i++) {
    run = groups[i] === 0 ? run + 1 : 0
    if (run > length) [start, length] = [i - run + 1, run]
  }
  if (start === 0 && (length === 6 || (length === 5 && groups[5] === 0xffff)))
    return `::${length === 5 ? 'ffff:' : ''}${dotted(bytes, at + 12)}`
  const words = groups.map((group) => group.toString(16))
  if (start < 0) return words.join(':')
  return `${words.slice(0, start).join(':')}::${words.slice(start + length).join(':')}`
}

/** Finds the words for the bits that are set. Few values come up, again and again. */
export function bits(words: readonly (readonly [number, string])[]): (value: number) => readonly string[] {
  const met = new Map<number, readonly string[]>()
  return (value) => {
    let set = met.get(value)
    if (!set) met.set(value, (set = words.flatMap(([bit, word]) => ((value & bit) !== 0 ? [word] : []))))
    return set
  }
}

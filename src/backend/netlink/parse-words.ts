import { isDevice } from './values.ts'
import { canonicalAddress } from '../../model/cidr.ts'

/** The command has a word that is not known here: the real program carries it out. */
export class NotUnderstood extends Error {}

/** Takes words from the front of a command. */
export interface Words {
  /** Whether words are left. */
  more(): boolean
  /** The next word, taken away. */
  next(): string
  /** Takes the word away if it is the next one. */
  skip(word: string): boolean
}

export function wordsOf(argv: readonly string[]): Words {
  let at = 0
  return {
    more: () => at < argv.length,
    next() {
      const word = argv[at++]
      if (word === undefined) throw new NotUnderstood()
      return word
    },
    skip(word) {
      if (argv[at] !== word) return false
      at++
      return true
    },
  }
}

/** Reads words to the end with a table of what each means. */
export function parse(words: Words, table: Readonly<Record<string, (words: Words) => void>>): void {
  while (words.more()) {
    const word = words.next()
    const known = Object.hasOwn(table, word) ? table[word] : undefined
    if (!known) throw new NotUnderstood()
    known(words)
  }
}

/** A whole number, decimal, from `least` to `most`. */
export function number(word: string, most = 0xffffffff, least = 0): number {
  const value = /^(0|[1-9]\d{0,9})$/.test(word) ? Number(word) : NaN
  if (!(value >= least && value <= most)) throw new NotUnderstood()
  return value
}

/** One of the words of a table. */
export function choice<T>(table: Readonly<Record<string, T>>, word: string): T {
  if (!Object.hasOwn(table, word)) throw new NotUnderstood()
  return table[word] as T
}

/** The name of an interface. */
export function device(word: string): string {
  if (!isDevice(word)) throw new NotUnderstood()
  return word
}

/** The name of a namespace under /run/netns; iproute2 takes a pid as well, which this is not. */
export function namespaceName(word: string): string {
  if (!/^[^/\0]{1,255}$/.test(word) || /^\d+$/.test(word) || word === '.' || word === '..') throw new NotUnderstood()
  return word
}

/** A MAC address of six bytes. */
export function mac(word: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(word)) throw new NotUnderstood()
  return Uint8Array.from(word.split(':'), (byte) => parseInt(byte, 16))
}

/** `::10.0.0.9` is not `::ffff:10.0.0.9`, which is what the parser makes of it. */
const compatible = /^::\d+\./

/** An IP address, canonical. */
export function host(word: string): string {
  const address = compatible.test(word) ? undefined : canonicalAddress(word)
  if (address === undefined) throw new NotUnderstood()
  return address
}

/** What follows is `on` or `off`. */
export const onOff = (words: Words): boolean => choice({ on: true, off: false }, words.next())

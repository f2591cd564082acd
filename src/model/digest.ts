import type * as Crypto from 'node:crypto'
import { createRequire } from 'node:module'

/** Node's cryptography, loaded on demand: loading it takes Node 10 ms. */
export const cryptography = (): typeof Crypto => createRequire(__filename)('node:crypto') as typeof Crypto

/** So many digests take as long here as loading Node's cryptography, which is then faster. */
const FEW = 100
let count = 0
let ofNode: ((text: string) => string) | undefined

/** The SHA-256 of a text, as 64 hexadecimal digits. */
export function sha256(text: string): string {
  if (count < FEW) {
    count++
    return digest(text)
  }
  ofNode ??= loaded()
  return ofNode(text)
}

/** `crypto.hash`, which Node has since 20.12, creates no stream and takes a sixth of the time. */
function loaded(): (text: string) => string {
  const { createHash, hash } = cryptography()
  return typeof hash === 'function'
    ? (text) => hash('sha256', text)
    : (text) => createHash('sha256').update(text).digest('hex')
}

const primes = [2]
for (let n = 3; primes.length < 64; n += 2) if (primes.every((prime) => n % prime !== 0)) primes.push(n)
/** The first 32 bits of the fraction of a number. */
const fraction = (x: number): number => Math.floor((x - Math.floor(x)) * 2 ** 32)
const rounds = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)))
const start = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)))

/** The same, as FIPS 180-4 describes it. */
export function digest(text: string): string {
  const length = Buffer.byteLength(text)
  const bytes = Buffer.alloc(((length + 8) >> 6) * 64 + 64)
  bytes.write(text)
  bytes[length] = 0x80
  bytes.writeUInt32BE(length * 8, bytes.length - 4)
  const result = Buffer.alloc(32)
  const state = start.slice()
  for (let at = 0; at < bytes.length; at += 64) compress(state, bytes.subarray(at))
  state.forEach((word, i) => result.writeInt32BE(word, 4 * i))
  return result.toString('hex')
}

/** Takes the next 64 bytes into the state (6.2.2). Written out: it is run before V8 has optimized anything. */
function compress(state: Int32Array, bytes: Buffer): void {
  const words = new Int32Array(64)
  for (let i = 0; i < 16; i++) words[i] = bytes.readInt32BE(4 * i)
  for (let i = 16; i < 64; i++) {
    const x = words[i - 15]!
    const y = words[i - 2]!
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
    words[i] = words[i - 16]! + s0 + words[i - 7]! + s1
  }
  const was = state.slice()
  for (let i = 0; i < 64; i++) {
    const a = state[0]!
    const e = state[4]!
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const t1 = state[7]! + s1 + ((e & state[5]!) ^ (~e & state[6]!)) + rounds[i]! + words[i]!
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const t2 = s0 + ((a & state[1]!) ^ (a & state[2]!) ^ (state[1]! & state[2]!))
    state.copyWithin(1, 0)
    state[4]! += t1
    state[0] = t1 + t2
  }
  for (let i = 0; i < 8; i++) state[i]! += was[i]!
}

import type * as Crypto from 'node:crypto'
import { createRequire } from 'node:module'

/** Node's cryptography, loaded on demand: loading it takes Node 5 ms and more. */
export const cryptography = (): typeof Crypto => createRequire(__filename)('node:crypto') as typeof Crypto

let hasher: ((data: string | Uint8Array) => string) | undefined
/** The SHA-256 of a text or of bytes, as 64 hexadecimal digits. */
export const sha256 = (data: string | Uint8Array): string => (hasher ??= loaded())(data)

/** `crypto.hash`, which Node has since 20.12, creates no stream and takes a sixth of the time. */
function loaded(): (data: string | Uint8Array) => string {
  const { createHash, hash } = cryptography()
  return typeof hash === 'function'
    ? (data) => hash('sha256', data)
    : (data) => createHash('sha256').update(data).digest('hex')
}

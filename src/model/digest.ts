import type * as Crypto from 'node:crypto'
import { createRequire } from 'node:module'

/** Node's cryptography, loaded on demand: loading it takes Node 5 ms and more. */
export const cryptography = (): typeof Crypto => createRequire(__filename)('node:crypto') as typeof Crypto

let hasher: ((text: string) => string) | undefined
/** The SHA-256 of a text, as 64 hexadecimal digits. */
export const sha256 = (text: string): string => (hasher ??= loaded())(text)

/** `crypto.hash`, which Node has since 20.12, creates no stream and takes a sixth of the time. */
function loaded(): (text: string) => string {
  const { createHash, hash } = cryptography()
  return typeof hash === 'function'
    ? (text) => hash('sha256', text)
    : (text) => createHash('sha256').update(text).digest('hex')
}

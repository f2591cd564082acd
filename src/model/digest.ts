import { createHash, hash } from 'node:crypto'

/**
 * The SHA-256 of a text, as 64 hexadecimal digits. `hash` leaves no stream behind and takes a sixth of the time; Node has it
 * since 20.12.
 */
export const sha256: (text: string) => string =
  typeof hash === 'function'
    ? (text) => hash('sha256', text)
    : (text) => createHash('sha256').update(text).digest('hex')

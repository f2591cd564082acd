import { deserialize, serialize } from 'node:v8'

/** A value with maps and bytes in it, as text. */
export type Packed<T> = string & { readonly holds?: T }

/** Packs a value. */
export const pack = <T>(value: T): Packed<T> => serialize(value).toString('base64')

/** The value that was packed. */
export const unpack = <T>(packed: Packed<T>): T => deserialize(Buffer.from(packed, 'base64')) as T

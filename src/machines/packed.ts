import { deserialize, serialize } from 'node:v8'
import type { Fields } from '../model/fields.ts'
import { machineIn } from '../model/other-machine.ts'

/** A value with maps and bytes in it, as text. */
export type Packed<T> = string & { readonly holds?: T }

/** Packs a value. */
export const pack = <T>(value: T): Packed<T> => serialize(value).toString('base64')

/** The value that was packed. */
export const unpack = <T>(packed: Packed<T>): T => deserialize(Buffer.from(packed, 'base64')) as T

/** The same data as another machine takes it: in its own namespace, places are not named. */
export function asThere<T>(value: T): T {
  if (Array.isArray(value)) return value.map(asThere) as T
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [key, asThere<unknown>(one)])) as T
  if (Object.prototype.toString.call(value) !== '[object Object]') return value
  const fields = Object.entries(value as Fields).filter(([key, one]) => key !== 'netns' || !machineIn(one as string))
  return Object.fromEntries(fields.map(([key, one]) => [key, asThere(one)])) as T
}

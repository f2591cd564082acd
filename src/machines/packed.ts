import { deserialize, serialize } from 'node:v8'
import type { Fields } from '../model/fields.ts'
import { machineIn, pathThere } from '../model/other-machine.ts'

/** A value with maps and bytes in it, as text. */
export type Packed<T> = string & { readonly holds?: T }

/** Packs a value. */
export const pack = <T>(value: T): Packed<T> => serialize(value).toString('base64')

/** The value that was packed. */
export const unpack = <T>(packed: Packed<T>): T => deserialize(Buffer.from(packed, 'base64')) as T

/** The same data as another machine takes it: namespaces that have no name have their paths there, and its own has none. */
export function asThere<T>(value: T): T {
  if (Array.isArray(value)) return value.map(asThere) as T
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [key, asThere<unknown>(one)])) as T
  if (Object.prototype.toString.call(value) !== '[object Object]') return value
  const fields = Object.entries(value as Fields).flatMap(([key, one]) => {
    if (key !== 'netns' || !machineIn(one as string)) return [[key, asThere(one)]]
    const path = pathThere(one as string)
    return path === undefined ? [] : [[key, path]]
  })
  return Object.fromEntries(fields) as T
}

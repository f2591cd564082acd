import type { LabEntry } from '../model/kind.ts'
import { linkId, type Resource, type Resources } from '../model/resource.ts'

/** The entry that sets fields of the resource's namespace. */
export const ofNamespace = ({ namespace }: Resource<any>, set: LabEntry['set']): LabEntry[] => [
  { at: ['namespaces', namespace], set },
]

/** The entry that sets fields of an interface in the resource's namespace. */
export const ofInterface = (
  { namespace }: Resource<any>,
  dev: string,
  resources: Resources,
  set: LabEntry['set'],
): LabEntry[] => [
  { at: ['namespaces', namespace, isBridge(resources, namespace, dev) ? 'bridges' : 'interfaces', dev], set },
]

/** Whether an interface belongs under `bridges` in a lab file: it is a bridge, perhaps one of the machine's own. */
export function isBridge(resources: Resources, namespace: string, dev: string): boolean {
  const link = resources.get(linkId(namespace, dev))
  return link?.kind === 'bridge' || link?.spec['bridge'] === true
}

/** The settings without some of them. */
export const without = <S extends object>(spec: S, ...names: (keyof S & string)[]): Partial<S> =>
  Object.fromEntries(Object.entries(spec).filter(([name]) => !(names as string[]).includes(name))) as Partial<S>

/** Whether a text is a MAC address in lower case. */
export const isMac = (text: string): boolean => /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(text)

/** Whether a MAC address is of a group of stations: a bit of its first byte says so. */
export const isGroupMac = (mac: string): boolean => (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1

/** The error for a text that is not a MAC address. */
export const badMac = (text: unknown): [summary: string, detail: string] => [
  `"${String(text)}" is not a MAC address`,
  'Six pairs of hexadecimal digits: 02:00:00:00:00:01.',
]

import { isDeepStrictEqual } from 'node:util'
import { kindOf } from '../kinds/index.ts'
import { linkId, type Resource, type Resources } from '../model/resource.ts'
import { defaults } from '../model/sysctls.ts'
import { isLink } from '../model/topology.ts'
import type { LabFile } from '../language/lab-file.ts'
import { shortForms, usualSettings } from './short-forms.ts'

/** A part of a lab that keeps its long form: the id of a namespace or of an interface. */
export type Stays = (id: string) => boolean

/** Changes a lab file, which is the function's own, into one that says the same in fewer words, but for what `stays`. */
export type ShortForm = (file: LabFile, stays: Stays) => LabFile

/** How often a short form is tried again without the places where it has changed what the file asks for. */
const TRIES = 4

/**
 * A lab file that asks for the same resources in the words of a person. Pure. `load` expands a file, and throws where the file has
 * errors. Every short form is tried: where the lab is another one with it, the long form stays. A namespace that `isAlone` becomes no
 * part of a range.
 */
export function shorten(
  file: LabFile,
  load: (file: LabFile) => Resources,
  isAlone: (namespace: string) => boolean = () => false,
): LabFile {
  const wanted = load(file)
  let short = file
  for (const form of shortForms) {
    const long = new Set<string>()
    for (let n = 0; n < TRIES; n++) {
      const tried = form(structuredClone(short), (id) => long.has(id) || isAlone(id))
      if (JSON.stringify(tried) === JSON.stringify(short)) break
      const changed = placesThatDiffer(wanted, tried, load)
      if (changed?.size === 0) {
        short = tried
        break
      }
      if (!changed) break
      for (const id of changed) long.add(id)
    }
  }
  return short
}

/** The ids of the interfaces, or else the namespaces, of resources that are others now; undefined when the file has errors. */
function placesThatDiffer(
  wanted: Resources,
  file: LabFile,
  load: (file: LabFile) => Resources,
): Set<string> | undefined {
  let found: Resources
  try {
    found = load(file)
  } catch {
    return undefined
  }
  const places = new Set<string>()
  for (const id of new Set([...wanted.keys(), ...found.keys()])) {
    const [from, to] = [wanted.get(id), found.get(id)]
    if (from && to ? asksForTheSame(from, to) : !from && to && isDefault(to)) continue
    const r = (from ?? to) as Resource
    const dev = r.spec['dev'] ?? r.spec['port']
    if (isLink(r)) {
      places.add(r.id)
      if (typeof r.spec['peer'] === 'string') places.add(r.spec['peer'])
    } else places.add(typeof dev === 'string' && r.kind !== 'route' ? linkId(r.namespace, dev) : r.namespace)
  }
  return places
}

/** Whether two resources of the desired side ask for the same. */
function asksForTheSame(long: Resource, short: Resource): boolean {
  if (long.kind !== short.kind || long.borrowed !== short.borrowed) return false
  const [a, b] = [meant(long), meant(short)]
  if (isDeepStrictEqual(a, b)) return true
  const kind = kindOf(long.kind)
  if (isLink(long)) {
    // Above a bridge nobody knows the MTU: the kernel gives it that of the bridge.
    if (b['mtu'] === undefined && a['mtu'] === USUAL_MTU && a['link'] !== undefined) delete a['mtu']
    return kind.compare(a, b).length + kind.compare(b, a).length === 0
  }
  return long.kind === 'ipset' && kind.compare(withUsual(a), withUsual(b)).length === 0
}

/** A sysctl with the value that it has anyway: `forwarding: ipv4` says of IPv6 that it does not forward. */
const isDefault = ({ kind, spec }: Resource): boolean =>
  kind === 'sysctl' && spec['value'] === defaults.get(String(spec['key']))

const USUAL_MTU = 1500

/** What a resource asks for, without how it is written. */
const meant = ({ spec: { written: _, ...spec } }: Resource): Record<string, unknown> => spec

/** A set with the settings that ipset gives it: only the program knows them. */
const withUsual = (set: Record<string, unknown>): Record<string, unknown> => ({
  ...set,
  settings: { ...usualSettings, ...(set['settings'] as object) },
})

import type { LabFile, LinkFile } from '../language/lab-file.ts'
import { isFields } from '../model/fields.ts'
import type { ShortForm } from './shorten.ts'

type Map = Record<string, unknown>
type Namespace = { interfaces?: Record<string, Map> }

/** `ns:eth0` → `['ns', 'eth0']` */
const partsOf = (end: string): [string, string] => {
  const colon = end.indexOf(':')
  return [end.slice(0, colon), end.slice(colon + 1)]
}

/** The settings of the interface in which a link ends, taken from its namespace. */
function take(file: LabFile, end: string): Map {
  const [namespace, name] = partsOf(end)
  const { interfaces } = (file.namespaces[namespace] ?? {}) as Namespace
  const settings = interfaces?.[name] ?? {}
  if (interfaces) delete interfaces[name]
  return settings
}

/** The settings of both ends of a cable are beside the ends. */
export const atTheCables: ShortForm = (file) => ({
  ...file,
  ...(file.links && {
    links: file.links.map((link): LinkFile => {
      const ends = link.endpoints as readonly string[]
      const settings = ends.map((end) => take(file, end))
      if (settings.every((one) => Object.keys(one).length === 0)) return link
      const written = ends.map((end, n) => [end, Object.keys(settings[n] ?? {}).length ? settings[n] : null])
      return { ...link, ...shared(Object.fromEntries(written) as Record<string, Map | null>) }
    }),
  }),
})

/** Settings that count for both ends are beside them, where both have the same. */
function shared(endpoints: Record<string, Map | null>): LinkFile {
  const ends = Object.values(endpoints)
  const both: Map = {}
  for (const name of ['mtu', 'up']) {
    const [value] = ends.map((settings) => settings?.[name])
    if (value === undefined || !ends.every((settings) => settings?.[name] === value)) continue
    both[name] = value
    for (const settings of ends) delete settings?.[name]
  }
  for (const [end, settings] of Object.entries(endpoints))
    if (settings && Object.keys(settings).length === 0) endpoints[end] = null
  return { endpoints: endpoints, ...both }
}

/** A port that is called as netlab calls it is an end at its bridge: `sw:br0` for `sw:h1~eth0` with `bridge: br0`. */
export const withoutPortNames: ShortForm = (file, stays) => ({
  ...file,
  ...(file.links && { links: file.links.map((link) => ({ ...link, endpoints: atBridges(link.endpoints, stays) })) }),
})

function atBridges(endpoints: LinkFile['endpoints'], stays: (id: string) => boolean): LinkFile['endpoints'] {
  if (Array.isArray(endpoints)) return endpoints as readonly string[]
  const all = Object.entries(endpoints as Record<string, Map | null>)
  const written = all.map(([end, settings]) => {
    const [namespace] = partsOf(end)
    if (!settings || !isFields(settings) || typeof settings['bridge'] !== 'string' || stays(end.replace(':', '/')))
      return [end, settings] as const
    const { bridge, ...rest } = settings
    return [`${namespace}:${String(bridge)}`, Object.keys(rest).length ? rest : null] as const
  })
  if (new Set(written.map(([end]) => end)).size < all.length) return endpoints
  if (written.every(([, settings]) => settings === null)) return written.map(([end]) => end)
  return Object.fromEntries(written)
}

import type { Kind, PlanContext } from '../model/kind.ts'
import type { Operation } from '../model/operation.ts'
import { marked } from '../model/owner.ts'
import type { Emission } from '../model/change.ts'
import { placeOf } from '../model/place.ts'
import { oncePer, type Resource } from '../model/resource.ts'
import { defaults, isSpread, isUntold, spreadFrom } from '../model/sysctls.ts'
import type { NamespaceSpec } from './namespace.ts'
import { ofNamespace } from './lab-entry.ts'
import { writtenSysctl } from './sysctl-lab.ts'

export type SysctlSpec = {
  /** In the form of sysctl(8): dots between the parts, `/` for a dot within a part. */
  readonly key: string
  /** Numbers separated by single spaces, or text. */
  readonly value: string
  /** The interface, for a setting of one. */
  readonly dev?: string
}

/** `ns0/sysctl/net.ipv4.ip_forward` */
export const sysctlId = (namespace: string, key: string): string => `${namespace}/sysctl/${key}`

/** The resource of a sysctl; `dev` is taken from keys such as `net.ipv4.conf.eth0.rp_filter`. */
export function sysctlResource(namespace: string, key: string, value: string): Resource<SysctlSpec> {
  const dev = /^net\.(?:ipv4|ipv6|mpls)\.(?:conf|neigh)\.([^.]+)\./.exec(key)?.[1]?.replaceAll('/', '.')
  const spec = { key, value, ...(dev !== undefined && dev !== 'all' && dev !== 'default' && { dev }) }
  return { id: sysctlId(namespace, key), kind: 'sysctl', namespace, spec }
}

/** A sysctl of a namespace: one that the lab sets, or one of those for which netlab has defaults. */
export const sysctl: Kind<SysctlSpec> = {
  name: 'sysctl',
  read: (dump, { namespace, borrowed }) =>
    [...dump.sysctls]
      .filter(([key, value]) => !isUntold(key, value))
      .map(([key, value]) => ({
        ...sysctlResource(namespace, key, value.trim().replace(/\s+/g, ' ')),
        ...(borrowed && { borrowed }),
      })),
  describe: ({ value }) => `= ${value}`,
  fromLab(value: string | number | boolean, context) {
    const said = writtenSysctl(value, context)
    return said && sysctlResource(context.namespace, ...said).spec
  },
  toLab: (r) => ofNamespace(r, { sysctls: { [r.spec.key]: r.spec.value } }),
  compare: (live, desired) =>
    live.value === desired.value ? [] : [{ field: 'value', from: live.value, to: desired.value }],
  needs: ({ namespace, spec }) => [spec.dev === undefined ? namespace : `${namespace}/${spec.dev}`],
  lostWith: ({ namespace, spec }) => [namespace, ...(spec.dev === undefined ? [] : [`${namespace}/${spec.dev}`])],
  disturbs: ({ desired: { namespace, spec } }, topology) => {
    const reaches = reachOf(spec.key)
    return (reaches ? topology.within(namespace) : []).flatMap((r) =>
      r.kind === 'sysctl' && r.spec['value'] !== spec.value && reaches?.(String(r.spec['key'])) ? [r.id] : [],
    )
  },
  // A sysctl that is not desired is no drift: `pinned` in src/observe adds the defaults to the desired side.
  automatic: () => true,
  create: (r, context) => [...note(r, context), ...write(r)],
  update: ({ desired }, context) => [...note(desired, context), ...write(desired)],
  remove: () => [],
}

/**
 * Which other sysctls a write to this one changes; undefined: none. A stable secret switches the interface to addresses made from
 * it; that of `default` does so on every interface (addrconf_sysctl_stable_secret in net/ipv6/addrconf.c).
 */
function reachOf(key: string): ((other: string) => boolean) | undefined {
  if (isSpread(key)) return (other) => spreadFrom(other) === key
  if (!/^net\.ipv6\.conf\..*\.stable_secret$/.test(key)) return undefined
  const own = key.replace(/stable_secret$/, 'addr_gen_mode')
  return (other) => other === own || (key.includes('.default.') && other.endsWith('.addr_gen_mode'))
}

const write = (r: Resource<SysctlSpec>): Emission[] => [
  {
    stage: r.spec.dev !== undefined ? 'set link sysctls' : isSpread(r.spec.key) ? 'set sysctls of all' : 'set sysctls',
    operation: { do: 'sysctl.set', place: placeOf(r), key: r.spec.key, value: r.spec.value },
  },
]

/** The keys that a lab sets, by namespace, without pinned ones, which are compared in any case. */
const settingsOf = oncePer((desired): ReadonlyMap<string, readonly string[]> => {
  const byNamespace = new Map<string, string[]>()
  for (const { kind, borrowed, implied, spec, namespace: home } of desired.values()) {
    const key = String(spec['key'])
    if (kind === 'sysctl' && !borrowed && !implied && !defaults.has(key))
      byNamespace.set(home, [...(byNamespace.get(home) ?? []), key])
  }
  return byNamespace
})

/**
 * Writes into the mark of the namespace which sysctls the lab sets, so that one which is later dropped from the file is known to
 * be the lab's. The note is written before the first sysctl is set, and again after the last one is set back.
 */
function note({ id, namespace, borrowed, implied }: Resource<SysctlSpec>, context: PlanContext): Emission[] {
  const { lab, live, desired, goes } = context
  const settled = goes(namespace) ? undefined : (live.get(namespace)?.spec as NamespaceSpec | undefined)
  const noted = settled?.sysctls ?? []
  const { drill } = (desired.get(namespace)?.spec ?? {}) as NamespaceSpec
  const wanted = settingsOf(desired).get(namespace) ?? []
  const changes = (key: string): boolean => {
    const one = sysctlId(namespace, key)
    return goes(one) || live.get(one)?.spec['value'] !== desired.get(one)?.spec['value']
  }
  const added = wanted.filter((key) => !noted.includes(key) && changes(key))
  const dropped = noted.filter((key) => !wanted.includes(key) && changes(key))
  const marking = (sysctls: readonly string[]): Operation => ({
    do: 'link.set',
    place: { netns: namespace },
    name: 'lo',
    set: { alias: marked(lab, { adopted: settled?.adopted === true, sysctls, drill }) },
  })
  if (borrowed) return []
  if (!implied && id === sysctlId(namespace, added[0] ?? ''))
    return [{ stage: 'set sysctls', operation: marking([...new Set([...noted, ...wanted])]) }]
  if (implied && id === sysctlId(namespace, dropped.at(-1) ?? ''))
    return [{ stage: 'set link sysctls', operation: marking(wanted) }]
  return []
}

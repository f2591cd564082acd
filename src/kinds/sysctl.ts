import type { Kind } from '../model/kind.ts'
import type { Resource } from '../model/resource.ts'
import { within } from './common.ts'

export type SysctlSpec = {
  /** As in the lab file: dots between the parts, a `/` for a dot inside a part (sysctl(8)). */
  readonly key: string
  /** Numbers separated by single spaces, or text. */
  readonly value: string
  /** The interface whose setting it is. */
  readonly dev?: string
}

/** `ns0/sysctl/net.ipv4.ip_forward` */
export const sysctlId = (namespace: string, key: string): string => `${namespace}/sysctl/${key}`

/** The resource for a sysctl; the interface is taken from keys like `net.ipv4.conf.eth0.rp_filter`. */
export function sysctlResource(namespace: string, key: string, value: string): Resource<SysctlSpec> {
  const dev = /^net\.(?:ipv4|ipv6|mpls)\.(?:conf|neigh)\.([^.]+)\./.exec(key)?.[1]?.replaceAll('/', '.')
  const spec = { key, value, ...(dev !== undefined && dev !== 'all' && dev !== 'default' && { dev }) }
  return { id: sysctlId(namespace, key), kind: 'sysctl', namespace, spec }
}

/** A kernel setting of a namespace. The reader reads those that the lab, or netlab's own defaults, speak of. */
export const sysctl: Kind<SysctlSpec> = {
  name: 'sysctl',
  read: (dump, { namespace, root }) =>
    [...dump.sysctls].map(([key, value]) => ({
      ...sysctlResource(namespace, key, value.trim().replace(/\s+/g, ' ')),
      ...(root && { root }),
    })),
  describe: ({ value }) => `= ${value}`,
  compare: (live, desired) =>
    live.value === desired.value ? [] : [{ field: 'value', from: live.value, to: desired.value }],
  needs: ({ namespace, spec }) => [spec.dev === undefined ? namespace : `${namespace}/${spec.dev}`],
  lostWith: ({ namespace, spec }) => [namespace, ...(spec.dev === undefined ? [] : [`${namespace}/${spec.dev}`])],
  // What nobody asks for any more is the kernel's again.
  automatic: () => true,
  create: (r) => write(r),
  update: ({ desired }) => write(desired),
  remove: () => [],
}

const write = (r: Resource<SysctlSpec>) => [
  {
    stage: r.spec.dev === undefined ? ('set sysctls' as const) : ('set link sysctls' as const),
    command: within(r, 'sysctl', '-qw', `${r.spec.key}=${r.spec.value}`),
  },
]

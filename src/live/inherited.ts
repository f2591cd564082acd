import { defaults } from '../kinds/defaults.ts'
import { sysctlId, sysctlResource, type SysctlSpec } from '../kinds/sysctl.ts'
import { linkId, type Resources } from '../model/resource.ts'
import type { Dump, Runner } from '../model/runner.ts'

/** The sysctls that are pinned to the kernel's defaults unless the lab says otherwise. */
export const inheritable: readonly string[] = [...defaults.keys()]

/** Those of them that labs set most: which families are forwarded. */
export const forwarding: readonly string[] = ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding']

/** The sysctls that say something: those that the lab sets, and those that are not as a lab has them by default. */
export const telling = (values: Dump['sysctls'], declared: readonly string[] = []): Dump['sysctls'] =>
  new Map([...values].filter(([key, value]) => declared.includes(key) || defaults.get(key) !== value))

/** The values that these sysctls have in a namespace that is made now: read in one that is gone again when this returns. */
export async function fresh(
  runner: Runner,
  keys: readonly string[] = inheritable,
): Promise<ReadonlyMap<string, string>> {
  const files = new Map(keys.map((key) => [`/proc/sys/${pathOf(key)}`, key]))
  const { stdout } = await runner.capture({ argv: ['unshare', '--net', 'grep', '-sH', '', ...files.keys()] })
  return new Map(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => [files.get(line.slice(0, line.indexOf(':'))) ?? '', line.slice(line.indexOf(':') + 1)]),
  )
}

/** `net.ipv4.conf.eth0/1.rp_filter` → `net/ipv4/conf/eth0.1/rp_filter` */
const pathOf = (key: string): string => key.replace(/[./]/g, (c) => (c === '.' ? '/' : '.'))

/**
 * The desired resources, and for every live sysctl that the lab does not set its default: the kernel's own for those that
 * are pinned, and for those that an earlier apply had set, by id, what a new namespace would have.
 * `live` decides which exist on this kernel. The machine's own namespace is left alone; in one that was taken over only
 * forwarding is pinned: a lab that does not say it does not forward.
 */
export function pinned(
  desired: Resources,
  live: Resources,
  dropped: ReadonlyMap<string, string> = new Map(),
): Resources {
  const result = new Map(desired)
  const having = (wanted: string): Set<string> =>
    new Set([...desired.values()].flatMap(({ kind, namespace }) => (kind === wanted ? [namespace] : [])))
  const [bridged, tunnelled] = [having('bridge'), having('wireguard')]
  for (const r of live.values()) {
    if (r.kind !== 'sysctl' || r.root || desired.has(r.id) || !desired.has(r.namespace)) continue
    const { key, dev } = r.spec as SysctlSpec
    const adopted = live.get(r.namespace)?.spec['adopted'] === true
    // What concerns bridged frames matters where the lab has a bridge. WireGuard turns redirects off when it is set up
    // (wg_open in drivers/net/wireguard/device.c).
    const idle =
      (key.startsWith('net.bridge.') && !bridged.has(r.namespace)) ||
      (key === 'net.ipv4.conf.all.send_redirects' && tunnelled.has(r.namespace))
    const kept = idle ? undefined : defaults.get(key)
    // An interface begins with what the namespace says by default.
    const general = dev === undefined ? undefined : desired.get(sysctlId(r.namespace, ofEvery(key)))
    const value =
      kept !== undefined && (!adopted || /forward/.test(key))
        ? kept
        : dropped.has(r.id)
          ? String(general?.spec['value'] ?? dropped.get(r.id))
          : undefined
    const gone = dev !== undefined && !desired.has(linkId(r.namespace, dev))
    if (value !== undefined && !gone) result.set(r.id, { ...sysctlResource(r.namespace, key, value), implied: true })
  }
  return result
}

/** `net.ipv4.conf.eth0.rp_filter` → `net.ipv4.conf.default.rp_filter` */
const ofEvery = (key: string): string => key.replace(/^(net\.\w+\.(?:conf|neigh)\.)[^.]+/, '$1default')

/** What sysctls that an earlier apply set would be without it, by id. */
export async function without(
  runner: Runner,
  set: ReadonlyMap<string, readonly string[]>,
): Promise<ReadonlyMap<string, string>> {
  const generals = new Map(
    [...set].flatMap(([namespace, keys]) =>
      keys.map((key) => {
        const { id, spec } = sysctlResource(namespace, key, '')
        return [id, spec.dev === undefined ? key : ofEvery(key)] as const
      }),
    ),
  )
  if (!generals.size) return generals
  const values = await fresh(runner, [...new Set(generals.values())])
  return new Map(
    [...generals].flatMap(([id, key]) => {
      const value = values.get(key)
      return value === undefined ? [] : [[id, value.trim().replace(/\s+/g, ' ')]]
    }),
  )
}

import { sysctlId, sysctlResource, type SysctlSpec } from '../kinds/sysctl.ts'
import { linkId, type Resources } from '../model/resource.ts'
import type { Live } from './read.ts'
import type { IpAddress } from '../model/ip-address.ts'
import type { Dump, Runner } from '../model/runner.ts'
import { defaults, general, occasional, ofInterfaces, spread } from '../model/sysctls.ts'

/** The sysctls that are pinned to the kernel's defaults unless the lab says otherwise. */
export const inheritable: readonly string[] = [...defaults.keys()]

/** Those of them that matter in a lab without a bridge. */
export const ofUnbridged: readonly string[] = inheritable.filter((key) => !key.startsWith('net.bridge.'))

/** Those of them that labs set most often: forwarding of both families. */
export const forwarding: readonly string[] = ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding']

/** What differs among values: namespaces with the same share them. */
const differing = new WeakMap<Dump['sysctls'], readonly string[]>()

/** The sysctls that the lab sets (`declared`), and those whose values are not netlab's defaults. */
export function sysctlsThatDiffer(values: Dump['sysctls'], declared: readonly string[] = []): Map<string, string> {
  let different = differing.get(values)
  if (!different) {
    const usual = (key: string) => values.get(spread.get(key) ?? '') ?? defaults.get(key) ?? occasional.get(key)
    different = [...values].flatMap(([key, value]) => (usual(key) === value ? [] : [key]))
    differing.set(values, different)
  }
  const keys =
    declared.length === 0
      ? different
      : [...values.keys()].filter((key) => declared.includes(key) || different.includes(key))
  return new Map(keys.map((key) => [key, values.get(key) ?? '']))
}

/**
 * The settings of interfaces: the usual value, the sysctl of `default` that a new interface copies, and the sysctl of `all`
 * that the kernel writes to every interface, if it does.
 */
const settings = [...ofInterfaces].map(([setting, usual]) => {
  const begin = keyOf('default', setting)
  return { setting, usual, begin, all: spread.get(begin) }
})
const beginnings = new Map(settings.map(({ setting, begin }) => [setting, begin]))
/** The settings that new interfaces copy, by the sysctl that they copy. */
const copied = new Map(settings.flatMap((one) => (one.all ? [] : [[one.begin, one]])))
/** What the kernel writes to every interface, by setting: namespaces with the same sysctls share it. */
const ofEvery = new WeakMap<Dump['sysctls'], ReadonlyMap<string, string>>()

/**
 * The sysctls of single interfaces that differ from what the interface would have by itself. Those that the kernel writes to all
 * interfaces are compared with `all`; the others with the kernel's defaults, or with `default` where that is among `told`, the
 * sysctls that differ in the namespace. An interface without an IPv4 address follows `default` (devinet_copy_dflt_conf in
 * net/ipv4/devinet.c); lo exists before `default` can be set.
 */
export function interfaceSysctlsThatDiffer({ sysctls, conf, addresses }: Dump, told: Dump['sysctls']): Dump['sysctls'] {
  const result = new Map<string, string>()
  let ofAll = ofEvery.get(sysctls)
  if (!ofAll) {
    ofAll = new Map(settings.flatMap(({ setting, all }) => (all ? [[setting, sysctls.get(all) ?? '0']] : [])))
    ofEvery.set(sysctls, ofAll)
  }
  const varied = [...told.keys()].some((key) => copied.has(key))
    ? settings.filter(({ begin }) => copied.has(begin) && told.has(begin))
    : []
  let addressed: Set<string> | undefined // made on demand: most namespaces do not need it
  for (const [dev, own] of conf) {
    for (const setting of Object.keys(own)) {
      const value = own[setting] ?? ''
      // lo has these from the start (inetdev_init in net/ipv4/devinet.c).
      if (dev === 'lo' && value === '1' && /^ipv4\.disable_(policy|xfrm)$/.test(setting)) continue
      const every = ofAll.get(setting)
      if (every === undefined ? !follows(dev, setting, value) : every !== value) result.set(keyOf(dev, setting), value)
    }
    for (const { setting, usual } of varied)
      if (usual !== undefined && own[setting] === undefined && !follows(dev, setting, usual))
        result.set(keyOf(dev, setting), usual)
  }
  return result

  function follows(dev: string, setting: string, value: string): boolean {
    addressed ??= new Set(addresses.flatMap((a) => (a.addr_info.some(is4) ? [a.ifname] : [])))
    return dev === 'lo' || (!addressed.has(dev) && value === sysctls.get(beginnings.get(setting) ?? ''))
  }
}

const is4 = ({ family }: IpAddress): boolean => family === 'inet'

/** `net.ipv4.conf.eth0/1.rp_filter` for `ipv4.rp_filter` of `eth0.1` */
function keyOf(dev: string, setting: string): string {
  const [family, name] = setting.split('.')
  return `net.${family}.conf.${dev.replaceAll('.', '/')}.${name}`
}

/**
 * The desired resources, together with what the kernel created and somebody removed (`lost`), and a default for each live
 * sysctl that the lab does not set: the kernel's default for pinned sysctls, and for those that an earlier apply set, the value
 * of a new namespace (`dropped`, by id). `live` decides which sysctls exist on this kernel. A borrowed namespace is
 * left alone. In an adopted namespace only forwarding is pinned, so that a lab which does not ask for forwarding does not
 * forward.
 */
export function pinned(
  desired: Resources,
  live: Resources,
  { dropped, lost }: Pick<Live, 'dropped' | 'lost'> = { dropped: new Map(), lost: new Map() },
): Resources {
  const result = new Map(desired)
  for (const r of lost.values()) if (desired.has(r.namespace)) result.set(r.id, { implied: true, ...r })
  const [bridged, tunnelled] = [new Set<string>(), new Set<string>()]
  for (const { kind, namespace } of desired.values()) {
    if (kind === 'bridge') bridged.add(namespace)
    if (kind === 'wireguard') tunnelled.add(namespace)
  }
  /** The value that the lab sets for this sysctl, or else for the one that it follows. */
  const said = (namespace: string, key: string): string | undefined => {
    const resource = desired.get(sysctlId(namespace, key))
    const every = general(key)
    return resource ? String(resource.spec['value']) : every && said(namespace, every)
  }
  for (const r of live.values()) {
    if (r.kind !== 'sysctl' || r.borrowed || desired.has(r.id) || !desired.has(r.namespace)) continue
    const { key, dev } = r.spec as SysctlSpec
    // Daemons change settings of interfaces: keepalived does for an address with a MAC address of its own.
    const link = dev === undefined ? undefined : linkId(r.namespace, dev)
    const keeps = (id: string): boolean => desired.get(id)?.spec['others'] === 'keep'
    if (link !== undefined && !dropped.has(r.id) && (keeps(r.namespace) || keeps(link))) continue
    const adopted = live.get(r.namespace)?.spec['adopted'] === true
    // net.bridge.* matters only where the lab has a bridge. The kernel turns redirects off when a WireGuard interface is set
    // up (wg_open in drivers/net/wireguard/device.c).
    const idle =
      (key.startsWith('net.bridge.') && !bridged.has(r.namespace)) ||
      (key.endsWith('.send_redirects') && tunnelled.has(r.namespace))
    const kept = idle ? undefined : (said(r.namespace, key) ?? defaults.get(key) ?? defaults.get(general(key) ?? ''))
    const value =
      kept !== undefined && (!adopted || /forward/.test(key))
        ? kept
        : dropped.has(r.id)
          ? (said(r.namespace, key) ?? dropped.get(r.id))
          : undefined
    // The interface has this value from `default`, and a new one would have it too: there is nothing to list.
    const settled = dev !== undefined && !dropped.has(r.id) && value === r.spec['value']
    const gone = link !== undefined && !desired.has(link)
    if (value !== undefined && !settled && !gone)
      result.set(r.id, { implied: true, ...sysctlResource(r.namespace, key, value) })
  }
  return result
}

/** The values that sysctls set by an earlier apply would have in a new namespace, by id. */
export async function valuesWithoutLab(
  runner: Runner,
  set: ReadonlyMap<string, readonly string[]>,
): Promise<ReadonlyMap<string, string>> {
  const generals = new Map(
    [...set].flatMap(([namespace, keys]) =>
      keys.map((key) => {
        const { id, spec } = sysctlResource(namespace, key, '')
        return [id, spec.dev === undefined ? key : (general(key) ?? key)] as const
      }),
    ),
  )
  if (!generals.size) return generals
  const values = await runner.inherited([...new Set(generals.values())])
  return new Map(
    [...generals].flatMap(([id, key]) => {
      const value = values.get(key)
      return value === undefined ? [] : [[id, value.trim().replace(/\s+/g, ' ')]]
    }),
  )
}

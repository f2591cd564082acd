import { writtenNft } from '../firewall/nft-layout.ts'
import { generatedMac } from '../kinds/common.ts'
import { kindOf } from '../kinds/index.ts'
import { typesByName } from '../kinds/links/link-types.ts'
import { sysctlId, sysctlResource, type SysctlSpec } from '../kinds/sysctl.ts'
import { isTcResource } from '../kinds/tc.ts'
import { joinWords } from '../kinds/tc-words.ts'
import type { NftSpec } from '../model/firewall.ts'
import { linkId, type Resource, type Resources } from '../model/resource.ts'
import { defaults, general, occasional, ofInterfaces } from '../model/sysctls.ts'
import { pinned } from './inherited.ts'

/** Stands for the value of a sysctl that only a kernel knows. */
const UNKNOWN = 'the kernel’s default'

/**
 * Two files of a lab as the sides of a plan: the first as if it were live, exactly as it says, and the second as what is
 * desired. The kernel is not asked. Rules, sets, traffic control and sysctls are therefore compared as they are written.
 */
export function asIfLive(lab: string, before: Resources, after: Resources): Record<'live' | 'desired', Resources> {
  const [first, second] = inWords(before, after)
  const live = new Map<string, Resource>()
  for (const r of first.values()) {
    live.set(r.id, withUsualMac(lab, r))
    for (const provided of kindOf(r.kind).provides?.(r) ?? [])
      if (!first.has(provided.id)) live.set(provided.id, provided)
  }
  const add = (namespace: string, key: string, value: string): void => {
    const r = sysctlResource(namespace, key, value)
    if (!live.has(r.id)) live.set(r.id, r)
  }
  for (const r of second.values()) {
    if (r.kind !== 'sysctl' || r.borrowed || !live.has(r.namespace)) continue
    const { key, dev } = r.spec as SysctlSpec
    if (dev === undefined || live.has(linkId(r.namespace, dev))) add(r.namespace, key, valueIn(live, r.namespace, key))
  }
  const addressed = interfacesWithIpv4(first)
  for (const { kind, namespace, borrowed, spec } of [...live.values()]) {
    // An interface with an IPv4 address keeps what it once had from `default` (devinet_copy_dflt_conf in net/ipv4/devinet.c).
    const [, family, name] = /^net\.(ipv[46])\.conf\.default\.(\w+)$/.exec(String(spec['key'])) ?? []
    if (kind !== 'sysctl' || borrowed || name === undefined || !ofInterfaces.get(`${family}.${name}`)) continue
    for (const dev of addressed.get(namespace) ?? [])
      add(namespace, `net.${family}.conf.${dev.replaceAll('.', '/')}.${name}`, String(spec['value']))
  }
  const dropped = new Map([...first].flatMap(([id, { kind, spec }]) => (kind === 'sysctl' ? [[id, usual(spec)]] : [])))
  return { live, desired: pinned(second, live, { dropped, lost: new Map() }) }
}

/** The value of a sysctl in a new namespace. */
const usual = ({ key }: Resource['spec']): string =>
  defaults.get(String(key)) ?? occasional.get(String(key))?.replace('\t', ' ') ?? UNKNOWN

/** The value that a sysctl has in a lab that does not set it. */
function valueIn(live: Resources, namespace: string, key: string): string {
  const every = general(key)
  const set = every === undefined ? undefined : live.get(sysctlId(namespace, every))
  return set ? String(set.spec['value']) : every === undefined ? usual({ key }) : valueIn(live, namespace, every)
}

/** The interfaces that have an address of IPv4, without lo, by namespace. */
function interfacesWithIpv4(resources: Resources): ReadonlyMap<string, ReadonlySet<string>> {
  const result = new Map<string, Set<string>>()
  for (const { kind, namespace, spec } of resources.values()) {
    if (kind !== 'address' || spec['family'] !== 4 || spec['dev'] === 'lo') continue
    const names = result.get(namespace) ?? new Set()
    result.set(namespace, names.add(String(spec['dev'])))
  }
  return result
}

/** An interface with the MAC address that it would have if the lab gave it none. */
function withUsualMac(lab: string, r: Resource): Resource {
  const type = typesByName.get(r.kind)
  const { mac } = r.spec
  if (!type || mac === undefined || r.borrowed || (type.addWords && !type.macOfPorts)) return r
  const usualMac = type.macOfPorts ? 'that of a port' : generatedMac(lab, r.id)
  return mac === usualMac ? r : { ...r, spec: { ...r.spec, usualMac } }
}

/** Both sides with what tools would print in the words of the files, as far as both can be divided into parts. */
function inWords(before: Resources, after: Resources): [Resources, Resources] {
  const tables = (r: Resource): NftSpec | undefined => {
    const other = (before.get(r.id) === r ? after : before).get(r.id)
    const [mine, theirs] = [r, other].map((one) => one && writtenNft(String(one.spec['text'] ?? '')))
    return other && !theirs ? undefined : mine
  }
  const worded = (r: Resource): Resource => {
    if (r.kind === 'nftables' && r.spec['text'] !== undefined) {
      const spec = tables(r)
      return spec ? { ...r, spec: spec as unknown as Resource['spec'] } : r
    }
    return isTcResource(r) && r.spec.text === undefined
      ? { ...r, spec: { ...r.spec, text: joinWords(r.spec.words) } }
      : r
  }
  const all = (resources: Resources): Resources => new Map([...resources].map(([id, r]) => [id, worded(r)]))
  return [all(before), all(after)]
}

import type { Code } from '../model/diagnostic-codes.ts'
import { sysctl, sysctlResource } from '../kinds/sysctl.ts'
import { dotted, FORWARDING, wellFormed } from '../kinds/sysctl-lab.ts'
import { HERE_NAME } from '../model/place.ts'
import { linkId, nameOf } from '../model/resource.ts'
import { isLink, type Topology } from '../model/topology.ts'
import { labContext, type Expansion } from './expansion.ts'
import type { NamespaceFile } from './lab-file.ts'
import { suggest } from './report.ts'
import type { Path } from './yaml/source.ts'

/** The sysctls that a namespace of the file sets: known as soon as the file has the right shape. */
export const sysctlKeys = (fields: NamespaceFile | null | undefined): string[] => [
  ...(fields?.forwarding === undefined ? [] : FORWARDING),
  ...Object.keys(fields?.sysctls ?? {})
    .map(dotted)
    .filter((key) => wellFormed.test(key)),
]

/** Sysctls of every namespace: `forwarding` and `sysctls`. */
export function expandSettings(x: Expansion): void {
  for (const [namespace, fields] of Object.entries(x.file.namespaces)) {
    const path = ['namespaces', namespace]
    const put = (key: string, value: string, where: Path): void =>
      x.add(sysctlResource(namespace, key, value), where, 'key')
    const { forwarding } = fields ?? {}
    if (forwarding !== undefined) {
      put(FORWARDING[0], forwarding === true || forwarding === 'ipv4' ? '1' : '0', [...path, 'forwarding'])
      put(FORWARDING[1], forwarding === true || forwarding === 'ipv6' ? '1' : '0', [...path, 'forwarding'])
    }
    for (const [written, value] of secretsFirst(Object.entries(fields?.sysctls ?? {}))) {
      const where = [...path, 'sysctls', written]
      const spec = sysctl.fromLab?.(value, labContext(x, namespace, written, where))
      if (spec) put(spec.key, spec.value, where)
    }
  }
}

/** Addresses are made of a secret only when there is one (addrconf_sysctl_addr_gen_mode in net/ipv6/addrconf.c). */
const secretsFirst = <T>(entries: [string, T][]): [string, T][] => {
  const isSecret = ([key]: [string, T]): boolean => /stable_secret$/.test(key)
  return [...entries.filter(isSecret), ...entries.filter((entry) => !isSecret(entry))]
}

/** Sysctls of interfaces that are not there, and IPv6 addresses where IPv6 is off. Everything has been expanded. */
export function checkSettings(x: Expansion, { links }: Topology): void {
  const isDevice = (id: string): boolean => {
    const found = x.resources.get(id)
    return found !== undefined && isLink(found)
  }
  const isMade = (id: string): boolean => isDevice(id) && x.resources.get(id)?.kind !== 'existing'
  const devices = (namespace: string): string[] => links(namespace).map(({ id }) => nameOf(id))
  for (const { kind, namespace, spec, borrowed, source } of x.resources.values()) {
    if (kind !== 'sysctl' && kind !== 'address') continue
    const dev = String(spec['dev'])
    const complain = (code: Code, summary: string, detail: string): void => {
      if (source && !x.report.isBroken(namespace)) x.report.at(code, source(), summary, detail)
    }
    if (kind === 'sysctl' && borrowed && borrowed !== HERE_NAME && !isMade(linkId(namespace, dev)))
      complain(
        'not-the-labs',
        `${String(spec['key'])} of ${namespace} is its owner’s`,
        'A lab sets only those of its own interfaces there (net.ipv4.conf.IF.…). podman and docker have an option: --sysctl net.ipv4.ip_forward=1.',
      )
    if (spec['dev'] === undefined) continue
    if (kind === 'sysctl' && !borrowed && !isDevice(linkId(namespace, dev)))
      complain(
        'unknown-reference',
        `there is no interface ${dev} in ${namespace}`,
        suggest(dev, devices(namespace)) ?? 'In a sysctl, write / for a dot in the name of an interface.',
      )
    if (kind !== 'address' || spec['family'] !== 6) continue
    const off = ['all', dev.replaceAll('.', '/')].find(
      (scope) => x.resources.get(`${namespace}/sysctl/net.ipv6.conf.${scope}.disable_ipv6`)?.spec['value'] === '1',
    )
    if (off !== undefined)
      complain('ipv6-off', `IPv6 is off on ${dev}`, `net.ipv6.conf.${off}.disable_ipv6 is 1 in ${namespace}.`)
  }
}

import { canonicalAddress } from '../model/cidr.ts'
import { isFields, type Fields } from '../model/fields.ts'
import { namespaceName } from '../language/valid-names.ts'
import { freeAddress, type ComposeNetwork } from './compose-networks.ts'
import { asList, mapOf, type ForeignFile } from './foreign-file.ts'

/** How a service is in a network. */
export interface Membership {
  readonly network: ComposeNetwork
  readonly address: string
  readonly address6?: string
  readonly mac?: string
  /** Other names by which the members of the network find it. */
  readonly aliases: readonly string[]
}

/** A port of the host that leads to a service. */
export interface Published {
  readonly protocol: string
  readonly published: number
  readonly target: number
  /** The address of the host that takes it; absent: all. */
  readonly host?: string
}

/** A service as a namespace. */
export interface ComposeService {
  readonly name: string
  /** Another namespace that it shares: that of a service, or the host. */
  readonly shares?: string
  readonly members: readonly Membership[]
  readonly ports: readonly Published[]
  /** Lines for its /etc/hosts: names → address. */
  readonly extra: readonly (readonly [name: string, address: string])[]
  readonly fields: Fields
}

/** What is said elsewhere, or is only about other services. */
const READ = new Set([
  ...[
    'networks',
    'network_mode',
    'ports',
    'hostname',
    'dns',
    'extra_hosts',
    'sysctls',
    'mac_address',
    'links',
    'container_name',
  ],
  ...['expose'],
])
const PROGRAM = 'it is about the program, which is not part of a lab'

/** Why a key of a service is left out. */
const WHY: Readonly<Record<string, string>> = {
  volumes: 'files are not part of the network',
  depends_on: 'it is about the order of programs',
  privileged: 'it is about rights',
  cap_add: 'it is about rights',
  cap_drop: 'it is about rights',
  deploy: 'a service is one namespace',
  scale: 'a service is one namespace',
  dns_search: 'labs have no search domains',
  external_links: 'they lead out of the file',
  profiles: 'every service is imported, whatever its profile',
  extends: 'netlab reads this file alone',
}

/** Whether a service is in `default`, because it says nothing of networks. */
export const isInDefault = (fields: unknown): boolean =>
  !isFields(fields) || (fields['networks'] === undefined && fields['network_mode'] === undefined)

/** A service of a compose file. `hostName` is the namespace of the host. */
export function serviceOf(
  source: ForeignFile,
  name: string,
  networks: ReadonlyMap<string, ComposeNetwork>,
  hostName: string,
): ComposeService {
  const path = ['services', name]
  if (!namespaceName.test(name))
    throw source.wrong(path, `no namespace can be called "${name}"`, 'Give the service another name.')
  const services = source.value['services'] as Fields
  const given = isFields(services[name]) ? services[name] : {}
  for (const key of Object.keys(given)) if (!READ.has(key)) source.leave([...path, key], WHY[key] ?? PROGRAM)
  const shares = sharedWith(source, name, given['network_mode'], hostName)
  const none = ![undefined, 'bridge', 'default'].includes(given['network_mode'] as string | undefined)
  const called =
    given['container_name'] === undefined || given['container_name'] === name ? [] : [given['container_name']]
  const second = called.flatMap((one) => asHostName(source, [...path, 'container_name'], one))
  const members = (none ? [] : membershipsOf(source, name, given, networks)).map((member) => ({
    ...member,
    aliases: [...member.aliases, ...second],
  }))
  const [first] = members
  const ports = first ? asList(given['ports']).flatMap((port, n) => portsOf(source, [...path, 'ports', n], port)) : []
  if (!first && given['ports'] !== undefined)
    source.leave([...path, 'ports'], 'the service is in no network of its own')
  const resolver = asList(given['dns']).map(String)
  const isOurs = ([key]: [string, unknown]): boolean => key.startsWith('net.')
  const asked = Object.entries(mapOf(given['sysctls']))
  for (const [key] of asked.filter((one) => !isOurs(one)))
    source.leave([...path, 'sysctls'], `${key} is not a setting of the network`)
  const sysctls = Object.fromEntries(asked.filter(isOurs))
  return {
    name,
    ...(shares !== undefined && { shares }),
    members,
    ports,
    extra: [...links(source, name, given), ...extraHosts(source, path, given['extra_hosts'])],
    fields: {
      ...(typeof given['hostname'] === 'string' && shares === undefined && { hostname: given['hostname'] }),
      ...(resolver.length > 0 && shares === undefined && { resolver }),
      ...(Object.keys(sysctls).length > 0 && shares === undefined && { sysctls }),
    },
  }
}

/** The namespace that a service shares, by its `network_mode`. */
function sharedWith(source: ForeignFile, name: string, mode: unknown, hostName: string): string | undefined {
  if (mode === undefined || mode === 'none' || mode === 'bridge' || mode === 'default') return undefined
  if (mode === 'host') return hostName
  const [, kind, other = ''] = /^(service|container):(.+)$/.exec(String(mode)) ?? []
  const services = source.value['services'] as Fields
  const found = Object.keys(services).find(
    (one) =>
      one === other || (kind === 'container' && isFields(services[one]) && services[one]['container_name'] === other),
  )
  if (kind !== undefined && found !== undefined && found !== name) return found
  source.leave(
    ['services', name, 'network_mode'],
    `there is no service ${other || String(mode)} in the file: it is in no network`,
  )
  return undefined
}

function membershipsOf(
  source: ForeignFile,
  name: string,
  given: Fields,
  networks: ReadonlyMap<string, ComposeNetwork>,
): Membership[] {
  const path = ['services', name, 'networks']
  const asked: Fields = Array.isArray(given['networks'])
    ? Object.fromEntries(given['networks'].map((one) => [String(one), null]))
    : isFields(given['networks'])
      ? given['networks']
      : { default: null }
  return Object.entries(asked).map(([key, value], n) => {
    const network = networks.get(key)
    if (!network)
      throw source.wrong([...path, key], `there is no network ${key}`, 'networks at the top of the file lists them.')
    const settings = isFields(value) ? value : {}
    const { ipv4_address, ipv6_address, aliases, mac_address, ...rest } = settings
    for (const other of Object.keys(rest)) source.leave([...path, key, other], 'no lab has this setting')
    for (const [field, address] of Object.entries({ ipv4_address, ipv6_address }))
      if (address !== undefined && canonicalAddress(String(address)) === undefined)
        throw source.wrong([...path, key, field], `"${String(address)}" is not an address`)
    const address = ipv4_address === undefined ? freeAddress(network, 4) : String(ipv4_address)
    const mac = mac_address ?? (n === 0 ? given['mac_address'] : undefined)
    network.taken.add(address)
    return {
      network,
      address,
      ...(network.subnet6 !== undefined && {
        address6: ipv6_address === undefined ? freeAddress(network, 6) : String(ipv6_address),
      }),
      ...(typeof mac === 'string' && { mac }),
      aliases: asList(aliases).flatMap((alias, m) => asHostName(source, [...path, key, 'aliases', m], alias)),
    }
  })
}

/** A name for /etc/hosts. */
function asHostName(source: ForeignFile, path: readonly (string | number)[], name: unknown): string[] {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(String(name))) return [String(name)]
  source.leave(path, 'it is not the name of a host')
  return []
}

/** Adds the addresses that services ask for to those that are taken, before others get one. */
export function takeAddresses(services: Fields, networks: ReadonlyMap<string, ComposeNetwork>): void {
  for (const service of Object.values(services))
    for (const [key, settings] of Object.entries(
      isFields(service) && isFields(service['networks']) ? service['networks'] : {},
    ))
      for (const field of ['ipv4_address', 'ipv6_address'])
        if (isFields(settings) && settings[field] !== undefined) networks.get(key)?.taken.add(String(settings[field]))
}

const LARGEST = 65535

/** `8080:80`, `127.0.0.1:8080:80/udp`, `9090-9091:80-81`, or a map. */
function portsOf(source: ForeignFile, path: readonly (string | number)[], port: unknown): Published[] {
  const fields = isFields(port) ? port : undefined
  const text = fields ? '' : String(port)
  const match = /^(?:(\[[^\]]+\]|[^:]+):)?(?:(\d*(?:-\d+)?):)?(\d+(?:-\d+)?)(?:\/(tcp|udp|sctp))?$/.exec(text)
  // A single number before a colon is a port, not an address.
  const isBare = match && match[2] === undefined && match[1] !== undefined && /^\d+(-\d+)?$/.test(match[1])
  const host = fields ? fields['host_ip'] : isBare ? undefined : match?.[1]
  const published = fields ? fields['published'] : isBare ? match[1] : match?.[2]
  const target = fields ? fields['target'] : match?.[3]
  const protocol = String((fields ? fields['protocol'] : match?.[4]) ?? 'tcp')
  if (!/^(tcp|udp|sctp)$/.test(protocol))
    throw source.wrong(path, `"${protocol}" is not a protocol of a port`, 'tcp, udp or sctp')
  if (target === undefined) throw source.wrong(path, `"${text}" is not a port`, 'Ports are written "8080:80".')
  if (published === undefined || published === '') {
    source.leave(path, `Docker chooses a port of the host for ${String(target)}: give one to publish it`)
    return []
  }
  if (host === '127.0.0.1' || host === '[::1]') {
    source.leave(path, 'it is published on the loopback of the host alone, which Docker does with a program')
    return []
  }
  const [from, to] = [rangeOf(published), rangeOf(target)]
  if (!from || !to || from.length !== to.length || ![...from, ...to].every((n) => n > 0 && n <= LARGEST))
    throw source.wrong(
      path,
      `"${text || JSON.stringify(port)}" is not a port`,
      'Ports are written "8080:80", from 1 to 65535.',
    )
  const address = host === undefined || host === '0.0.0.0' || host === '[::]' ? undefined : String(host)
  if (address !== undefined) source.leave(path, `it is published on every address of the host, not on ${address} alone`)
  return from.map((number, n) => ({ protocol, published: number, target: to[n] ?? number }))
}

function rangeOf(value: unknown): number[] | undefined {
  const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(String(value)) ?? []
  if (from === undefined) return undefined
  const length = Number(to ?? from) - Number(from) + 1
  return length > 0 && length <= LARGEST ? Array.from({ length }, (_, n) => Number(from) + n) : undefined
}

/** `links: ["db:database"]`: another name for a service; it is resolved when all addresses are known. */
function links(source: ForeignFile, name: string, given: Fields): (readonly [string, string])[] {
  return asList(given['links']).flatMap((link, n) => {
    const [service = '', alias = service] = String(link).split(':')
    const path = ['services', name, 'links', n]
    if (Object.hasOwn(source.value['services'] as Fields, service))
      return asHostName(source, path, alias).map((one) => [one, `service:${service}`] as const)
    source.leave(path, `there is no service ${service}`)
    return []
  })
}

/** `extra_hosts`: names with an address; `host-gateway` is the host. */
function extraHosts(source: ForeignFile, path: readonly string[], value: unknown): (readonly [string, string])[] {
  const entries = isFields(value)
    ? Object.entries(value)
    : asList(value).map((one) => {
        const [, name = '', address = ''] = /^([^:=]+)[:=](.*)$/.exec(String(one)) ?? []
        return [name, address] as const
      })
  return entries.flatMap(([name, address]) => {
    const text = String(address).replace(/^\[(.*)\]$/, '$1')
    if (text === 'host-gateway' || canonicalAddress(text) !== undefined)
      return asHostName(source, [...path, 'extra_hosts'], name).map((one) => [one, text] as const)
    source.leave([...path, 'extra_hosts'], `"${text}" is not an address`)
    return []
  })
}

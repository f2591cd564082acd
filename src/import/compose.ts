import { isFields, type Fields } from '../model/fields.ts'
import { firewallOf } from './compose-firewall.ts'
import { networksOf, type ComposeNetwork } from './compose-networks.ts'
import { isInDefault, serviceOf, takeAddresses, type ComposeService, type Membership } from './compose-services.ts'
import { foreignFile, type ForeignFile, type FromFile } from './foreign-file.ts'
import { checksOf, OUTSIDE, UPLINK } from './compose-checks.ts'

/** What is said at the top of a compose file and does not concern the network. */
const TOP: Readonly<Record<string, string>> = {
  volumes: 'files are not part of the network',
  configs: 'files are not part of the network',
  secrets: 'files are not part of the network',
  include: 'netlab reads this file alone',
}

/**
 * A lab with the networks of a compose file: a namespace for each service, and one for the host, with a bridge for each network and
 * the rules that Docker writes. Throws a UserError for what it cannot read.
 */
export function fromCompose(file: string, text: string): FromFile {
  const source = withVariables(foreignFile(file, text))
  const services = source.value['services']
  if (!isFields(services)) throw source.wrong(['services'], `${file} has no services`)
  for (const key of Object.keys(source.value))
    if (!['services', 'networks', 'name', 'version'].includes(key) && !key.startsWith('x-'))
      source.leave([key], TOP[key] ?? 'netlab does not know it')
  const isBridged = (one: unknown): boolean => isFields(one) && one['network_mode'] === 'bridge'
  const networks = networksOf(
    source,
    Object.values(services).some((one) => isInDefault(one) || isBridged(one)),
  )
  takeAddresses(services, networks)
  const host = ['host', 'docker', 'the-host'].find((name) => !Object.hasOwn(services, name)) ?? 'docker-host'
  const all = Object.keys(services).map((name) => serviceOf(source, name, networks, host))
  const used = [...networks.values()].filter((network) =>
    all.some(({ members }) => members.some((m) => m.network === network)),
  )
  const outside = used.some(({ isInternal }) => !isInternal) || all.some(({ shares }) => shares === host)
  const outsideName = ['outside', 'internet'].find((name) => !Object.hasOwn(services, name)) ?? 'out-there'
  return {
    lab: {
      name: labNameOf(source),
      description: `The networks of ${file.split('/').at(-1) ?? file}`,
      namespaces: {
        [host]: hostFields(used, all),
        ...Object.fromEntries(all.map((service) => [service.name, fieldsOf(service, all, networks)])),
        ...(outside && { [outsideName]: null }),
      },
      links: [
        ...all.flatMap((service) => service.members.map((member, n) => linkOf(service, member, n, host))),
        ...(outside
          ? [
              {
                endpoints: { [`${host}:${UPLINK.dev}`]: `${UPLINK.host}/24`, [`${outsideName}:eth0`]: `${OUTSIDE}/24` },
              },
            ]
          : []),
      ],
      checks: checksOf(all, outside ? outsideName : undefined, host),
    },
    leftOut: source.leftOut,
  }
}

/** The host: bridges, forwarding and Docker's rules. */
const hostFields = (networks: readonly ComposeNetwork[], services: readonly ComposeService[]): Fields => ({
  ...(networks.length > 0 && { forwarding: networks.some(({ subnet6 }) => subnet6 !== undefined) ? true : 'ipv4' }),
  ...(networks.length > 0 && {
    bridges: Object.fromEntries(
      networks.map(({ bridge, gateway, gateway6, subnet, subnet6, mtu }) => {
        const addresses = [`${gateway}/${lengthOf(subnet)}`, ...(gateway6 ? [`${gateway6}/${lengthOf(subnet6)}`] : [])]
        return [bridge, mtu === undefined ? (addresses.length > 1 ? addresses : addresses[0]) : { addresses, mtu }]
      }),
    ),
    iptables: firewallOf(networks, services),
  }),
})

const lengthOf = (subnet: string | undefined): string => subnet?.split('/')[1] ?? ''

const linkOf = ({ name }: ComposeService, { network, address, address6, mac }: Membership, n: number, host: string) => {
  const addresses = [
    `${address}/${lengthOf(network.subnet)}`,
    ...(address6 === undefined ? [] : [`${address6}/${lengthOf(network.subnet6)}`]),
  ]
  return {
    endpoints: {
      [`${name}:eth${n}`]: mac === undefined ? (addresses.length > 1 ? addresses : addresses[0]) : { addresses, mac },
      [`${host}:${network.bridge}`]: null,
    },
    ...(network.mtu !== undefined && { mtu: network.mtu }),
  }
}

function fieldsOf(
  service: ComposeService,
  all: readonly ComposeService[],
  networks: ReadonlyMap<string, ComposeNetwork>,
): Fields | null {
  if (service.shares !== undefined) return { shares: service.shares }
  const way = service.members.find(({ network }) => !network.isInternal)
  const hosts = hostsFor(service, all, networks)
  const fields = {
    ...service.fields,
    ...(way && {
      routes: [
        { to: 'default', via: way.network.gateway },
        ...(way.network.gateway6 === undefined ? [] : [{ to: 'default', via: way.network.gateway6 }]),
      ],
    }),
    ...(hosts !== undefined && { files: { '/etc/hosts': { content: hosts } } }),
  }
  return Object.keys(fields).length ? fields : null
}

/**
 * The /etc/hosts of a service that knows others by more than their names; undefined where the names of the lab are enough: what is in
 * one network with it, by its name and its aliases there.
 */
function hostsFor(
  service: ComposeService,
  all: readonly ComposeService[],
  networks: ReadonlyMap<string, ComposeNetwork>,
): string | undefined {
  const mine = new Map(service.members.map((member) => [member.network, member]))
  const lines: string[] = []
  let hasMore = service.extra.length > 0
  for (const other of all)
    for (const { network, address, aliases } of other.members) {
      if (!mine.has(network)) continue
      const links = service.extra.flatMap(([name, to]) => (to === `service:${other.name}` ? [name] : []))
      hasMore ||= aliases.length > 0
      lines.push([address, ...new Set([other.name, ...aliases, ...links])].join(' '))
    }
  if (!hasMore) return undefined
  const [first] = [...mine.keys(), ...networks.values()]
  for (const [name, address] of service.extra)
    if (!address.startsWith('service:'))
      lines.push(`${address === 'host-gateway' ? (first?.gateway ?? '') : address} ${name}`)
  return ['127.0.0.1 localhost', '::1 localhost', ...lines, ''].join('\n')
}

const labNameOf = ({ value, file }: ForeignFile): string => {
  const folder = file.split('/').at(-2) ?? 'compose'
  const name = String(value['name'] ?? folder)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 32)
  return name === '' ? 'compose' : name
}

const VARIABLE = /\$(?:\$|\{([A-Za-z_]\w*)(?:(:?[-?+])([^}]*))?\}|([A-Za-z_]\w*))/g

/** The file with its variables replaced by their defaults: `${PORT:-8080}`. */
function withVariables(source: ForeignFile): ForeignFile {
  const missing = new Set<string>()
  const fill = (value: unknown, path: readonly (string | number)[]): unknown => {
    if (typeof value === 'string')
      return value.replace(VARIABLE, (whole: string, name?: string, how?: string, other?: string, bare?: string) => {
        if (whole === '$$') return '$'
        if (how?.endsWith('-')) return other ?? ''
        const key = name ?? bare ?? ''
        if (!missing.has(key) && isOfNetwork(path)) source.leave(path, `${key} has no value here`)
        missing.add(key)
        return ''
      })
    if (Array.isArray(value)) return value.map((one, n) => fill(one, [...path, n]))
    if (!isFields(value)) return value
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fill(one, [...path, key])]))
  }
  return { ...source, value: fill(source.value, []) as Fields }
}

/** Whether a value is read at all. */
const isOfNetwork = (path: readonly (string | number)[]): boolean =>
  path[0] === 'networks' || ['ports', 'networks', 'network_mode', 'extra_hosts', 'hostname'].includes(String(path[2]))

import { canonicalAddress, parseCidr, subnetOf } from '../model/cidr.ts'
import { sha256 } from '../model/digest.ts'
import { isFields, type Fields } from '../model/fields.ts'
import { mapOf, type ForeignFile } from './foreign-file.ts'

/** A network of a compose file, as a bridge of the host. */
export interface ComposeNetwork {
  readonly name: string
  readonly bridge: string
  readonly subnet: string
  readonly gateway: string
  /** IPv6, where the network has it. */
  readonly subnet6?: string
  readonly gateway6?: string
  readonly isInternal: boolean
  readonly mtu?: number
  /** The addresses that are taken. */
  readonly taken: Set<string>
}

const KNOWN = new Set(['driver', 'ipam', 'internal', 'enable_ipv6', 'driver_opts', 'name'])
const BRIDGE_NAME = 'com.docker.network.bridge.name'
const MTU = 'com.docker.network.driver.mtu'
/** Networks without a subnet get 172.18.0.0/16, 172.19.0.0/16 … as from Docker. */
const FIRST = 18

/** The networks of a compose file, and `default` where a service needs it. */
export function networksOf(source: ForeignFile, needsDefault: boolean): Map<string, ComposeNetwork> {
  const { networks } = source.value
  const all = new Map(Object.entries(isFields(networks) ? networks : {}))
  if (needsDefault && !all.has('default')) all.set('default', null)
  const given = [...all.values()].flatMap((one) => subnetsIn(one).map(({ subnet }) => subnet))
  let next = FIRST
  const free = (): string => {
    for (;;) {
      const subnet = `172.${next++}.0.0/16`
      if (!given.includes(subnet)) return subnet
    }
  }
  return new Map(
    [...all].map(([name, fields]) => [name, networkOf(source, name, isFields(fields) ? fields : {}, free)]),
  )
}

function networkOf(source: ForeignFile, name: string, fields: Fields, free: () => string): ComposeNetwork {
  const path = ['networks', name]
  const options = mapOf(fields['driver_opts'])
  for (const [key, value] of Object.entries(fields)) {
    if (KNOWN.has(key)) continue
    source.leave(
      [...path, key],
      key === 'external' && value !== false
        ? 'the network is somebody else’s: here it is a bridge of the lab'
        : 'it is not about the network',
    )
  }
  const driver = fields['driver'] ?? 'bridge'
  if (driver !== 'bridge')
    source.leave([...path, 'driver'], `the network is a bridge of one host, not ${String(driver)}`)
  for (const key of Object.keys(options))
    if (key !== BRIDGE_NAME && key !== MTU) source.leave([...path, 'driver_opts', key], 'no lab has this option')
  const subnets = subnetsIn(fields)
  const v4 = subnets.find(({ subnet }) => !subnet.includes(':')) ?? { subnet: free(), gateway: undefined }
  const v6 = subnets.find(({ subnet }) => subnet.includes(':'))
  for (const [n, { subnet, extra }] of subnets.entries()) {
    if (!parseCidr(subnet)) throw source.wrong([...path, 'ipam', 'config', n, 'subnet'], `"${subnet}" is not a subnet`)
    for (const key of extra)
      source.leave([...path, 'ipam', 'config', n, key], 'addresses are chosen from the whole subnet')
  }
  const gateway = v4.gateway ?? nthAddress(v4.subnet, 1)
  for (const address of [gateway, v6?.gateway])
    if (address !== undefined && canonicalAddress(address) === undefined)
      throw source.wrong([...path, 'ipam'], `the gateway "${address}" is not an address`)
  const mtu = Number(options[MTU])
  return {
    name,
    bridge: bridgeName(String(options[BRIDGE_NAME] ?? `br-${name}`)),
    subnet: subnetOf(parseCidr(v4.subnet) ?? { family: 4, address: '0.0.0.0', prefix: 0 }),
    gateway,
    ...(v6 && { subnet6: v6.subnet, gateway6: v6.gateway ?? nthAddress(v6.subnet, 1) }),
    isInternal: fields['internal'] === true,
    ...(Number.isInteger(mtu) && mtu > 0 && { mtu }),
    taken: new Set([gateway, ...(v6 ? [v6.gateway ?? nthAddress(v6.subnet, 1)] : [])]),
  }
}

const subnetsIn = (fields: unknown): { subnet: string; gateway?: string; extra: string[] }[] => {
  const config = isFields(fields) && isFields(fields['ipam']) ? fields['ipam']['config'] : undefined
  return (Array.isArray(config) ? config : [])
    .filter(isFields)
    .flatMap(({ subnet, gateway, ...rest }: Fields) =>
      typeof subnet === 'string'
        ? [{ subnet, ...(typeof gateway === 'string' && { gateway }), extra: Object.keys(rest) }]
        : [],
    )
}

/** A name for a bridge, of at most 15 bytes that a lab takes. */
export function bridgeName(wanted: string): string {
  const name = wanted.replace(/[^A-Za-z0-9_.~-]/g, '-')
  return name.length <= 15 ? name : `${name.slice(0, 8)}-${sha256(wanted).slice(0, 6)}`
}

/** The address of a subnet with this number. */
export function nthAddress(subnet: string, n: number): string {
  const cidr = parseCidr(subnet)
  const base = cidr ? (subnetOf(cidr).split('/')[0] ?? '') : ''
  if (base.includes(':')) return `${base.replace(/::?0?$/, '')}::${n.toString(16)}`
  const number = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) + n
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')
}

/** The next address of a network that nobody has; of IPv6 where `family` is 6. */
export function freeAddress(network: ComposeNetwork, family: 4 | 6): string {
  const subnet = family === 4 ? network.subnet : (network.subnet6 ?? '')
  for (let n = 2; ; n++) {
    const address = nthAddress(subnet, n)
    if (network.taken.has(address)) continue
    network.taken.add(address)
    return address
  }
}

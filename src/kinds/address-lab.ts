import { linkId, type Resource, type Resources } from '../model/resource.ts'
import { usualAddressScope, type AddressSpec } from '../model/address-spec.ts'
import { canonicalAddress, familyOf, formatCidr, isMulticast, parseCidr, subnetOf, type Cidr } from '../model/cidr.ts'
import type { LabContext, LabPath } from '../model/kind.ts'
import { settings } from './address-settings.ts'

/** An address in a lab file: a CIDR, or a CIDR with settings. */
export type AddressFile =
  | string
  | (Readonly<Record<'home' | 'mngtmpaddr' | 'noprefixroute', boolean | undefined>> & {
      readonly address: string
      readonly peer?: string
      readonly scope?: string
      readonly label?: string
      readonly broadcast?: string
      readonly metric?: number
      readonly preferred_lft?: 0
    })

/** The value of an address in a lab file: a CIDR if it has no other settings. */
export function addressValue({ namespace, spec }: Resource<AddressSpec>, resources: Resources): unknown {
  const { address, dev, remote } = spec
  // On an interface of the machine's own the metric is the lab's mark.
  const isMarked = resources.get(linkId(namespace, dev))?.kind === 'existing'
  const said = settings.filter((name) => spec[name] !== undefined && !(isMarked && name === 'metric'))
  if (remote === undefined && said.length === 0) return address
  return {
    address,
    ...(remote !== undefined && { peer: remote }),
    ...Object.fromEntries(said.map((name) => [name, spec[name]])),
  }
}

/** The settings that an address of a lab file asks for, without `primary`; undefined after reporting an error. */
export function addressFromLab(entry: AddressFile, context: LabContext): AddressSpec | undefined {
  const { name: dev, error, warning } = context
  const more = typeof entry === 'string' ? undefined : entry
  const path = more ? ['address'] : []
  const text = typeof entry === 'string' ? entry : entry.address
  const cidr = parseCidr(text)
  if (!cidr)
    return void error(
      'bad-value',
      path,
      `"${text}" is not an address with a prefix length`,
      several(text) ?? 'Write it as 192.168.0.2/24 or fd00::2/64.',
    )
  if (!text.includes('/') && more?.peer === undefined)
    warning(
      'no-prefix-length',
      path,
      `${text} has no prefix length: it is ${formatCidr(cidr)}, an address without a subnet`,
      'Write the subnet’s prefix length, such as /24.',
    )
  const spec = more ? detailed(cidr, text, more, context) : plain(dev, cidr)
  if (spec) hostAddress(cidr, path, context)
  return spec
}

/** The hint for several addresses in one text. */
function several(text: string): string | undefined {
  const parts = text.split(/[\s,;]+/)
  return parts.length > 1 && parts.every((part) => parseCidr(part))
    ? `Write a list: [${parts.map((part) => (part.includes(':') ? `"${part}"` : part)).join(', ')}].`
    : undefined
}

const plain = (dev: string, cidr: Cidr): AddressSpec => ({ dev, address: formatCidr(cidr), family: cidr.family })

/** An address with settings; undefined after reporting an error. */
function detailed(
  cidr: Cidr,
  text: string,
  more: Exclude<AddressFile, string>,
  { name: dev, error }: LabContext,
): AddressSpec | undefined {
  const wrong = (field: string, summary: string, detail?: string): undefined =>
    void error('bad-value', [field], summary, detail)
  const { family } = cidr
  for (const field of family === 6 ? (['scope', 'label', 'broadcast'] as const) : (['home', 'mngtmpaddr'] as const))
    if (more[field] !== undefined && more[field] !== false)
      return wrong(field, `${text} has no ${field}`, `Only addresses of IPv${family === 6 ? 4 : 6} have one.`)
  const peer = more.peer === undefined ? undefined : parseCidr(more.peer)
  if (more.peer !== undefined && peer?.family !== family)
    return wrong('peer', `"${more.peer}" is not an address of IPv${family}`)
  const lengths = [text, more.peer].flatMap((t) => (t?.includes('/') ? [t.slice(t.indexOf('/'))] : []))
  if (peer && new Set(lengths).size > 1)
    return wrong(
      'peer',
      `${text} and its peer ${more.peer} differ in their prefix lengths`,
      'There is one network: the peer’s.',
    )
  const prefix = peer && more.peer?.includes('/') ? peer.prefix : cidr.prefix
  const { scope, label, metric, preferred_lft } = more
  if (label !== undefined && !(label.startsWith(dev) && /^[\w.:~-]{1,15}$/.test(label)))
    return wrong(
      'label',
      `"${label}" is not a label of ${dev}`,
      `It begins with the name of the interface: ${dev}:1. At most 15 letters.`,
    )
  const broadcast = more.broadcast === '+' ? lastOf({ ...cidr, prefix }) : more.broadcast
  if (broadcast !== undefined && (canonicalAddress(broadcast) === undefined || familyOf(broadcast) !== 4))
    return wrong('broadcast', `"${broadcast}" is not an address of IPv4`, 'Write + for the last address of the subnet.')
  return {
    ...plain(dev, { ...cidr, prefix }),
    ...(peer && peer.address !== cidr.address && { remote: peer.address }),
    ...(scope !== undefined && scope !== usualAddressScope(cidr.address) && { scope }),
    ...(label !== undefined && label !== dev && { label }),
    ...(broadcast !== undefined && { broadcast }),
    ...(metric ? { metric } : {}),
    ...(preferred_lft !== undefined && { preferred_lft }),
    ...(more.noprefixroute && { noprefixroute: true }),
    ...(more.home && { home: true }),
    ...(more.mngtmpaddr && { mngtmpaddr: true }),
  }
}

/** The last address of an IPv4 subnet. */
function lastOf({ address, prefix }: Cidr): string {
  const number = address.split('.').reduce((n, part) => n * 256 + Number(part), 0)
  const hosts = 2 ** (32 - prefix)
  const last = Math.floor(number / hosts) * hosts + hosts - 1
  return [24, 16, 8, 0].map((shift) => Math.floor(last / 2 ** shift) % 256).join('.')
}

/** Why no interface can have the address (measured: the kernel refuses some; it accepts 0.0.0.0 and does not list it). */
function unusable({ address }: Cidr): string | undefined {
  if (address === '0.0.0.0' || address === '::') return 'means no address at all'
  if (address === '255.255.255.255') return 'is the broadcast address of every network'
  if (isMulticast(address)) return 'is a multicast address'
  return undefined
}

/** Reports addresses that cannot be a host's. */
function hostAddress(cidr: Cidr, path: LabPath, { error, warning }: LabContext): void {
  const never = unusable(cidr)
  if (never !== undefined)
    return error('network-address', path, `${formatCidr(cidr)} ${never}`, 'An interface needs an address of its own.')
  if (cidr.family === 6 || cidr.prefix >= 31) return
  const network = subnetOf(cidr).split('/')[0]
  const last = cidr.address.split('.').reduce((n, part) => n * 256 + Number(part), 0)
  const hosts = 2 ** (32 - cidr.prefix)
  if (cidr.address === network)
    warning(
      'network-address',
      path,
      `${formatCidr(cidr)} is the address of the network itself`,
      'A host needs another one of that subnet.',
    )
  else if (last % hosts === hosts - 1)
    warning(
      'network-address',
      path,
      `${formatCidr(cidr)} is the broadcast address of its subnet`,
      'A host needs another one.',
    )
}

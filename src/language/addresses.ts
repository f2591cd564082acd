import { addressId, primaries } from '../kinds/address-settings.ts'
import { nameOfAddress, usualAddressScope, type AddressSpec } from '../model/address-spec.ts'
import { canonicalAddress, familyOf, formatCidr, parseCidr, subnetOf, type Cidr } from '../model/cidr.ts'
import { nameOf, namespaceOf } from '../model/resource.ts'
import type { Expansion } from './expansion.ts'
import type { AddressFile } from './lab-file.ts'
import type { Path } from './yaml/source.ts'

/** The kernel takes IPv6 from an interface below this, in bytes (RFC 8200, section 5). */
const LEAST_IPV6 = 1280

/** The addresses of an interface, whose MTU is given in bytes where it is known; `mark`: the metric that says that they are the lab's. */
export function addresses(
  x: Expansion,
  link: string,
  written: { value: unknown; path: Path } | undefined,
  mtu: number | undefined,
  mark?: number,
): void {
  if (!written) return
  const [namespace, dev] = [namespaceOf(link), nameOf(link)]
  const listed = Array.isArray(written.value) ? (written.value as AddressFile[]) : []
  // A bare CIDR in the short form has no index of its own.
  const pathOf = (i: number): Path => [...written.path, i]
  const parsed = listed.flatMap((item, i) => {
    const more = typeof item === 'string' ? undefined : item
    const path = more ? [...pathOf(i), 'address'] : pathOf(i)
    const text = typeof item === 'string' ? item : item.address
    const cidr = parseCidr(text)
    if (!cidr) {
      x.report.error(path, `"${text}" is no address with a prefix length`, 'Write it as 192.168.0.2/24 or fd00::2/64.')
      return []
    }
    if (!text.includes('/') && more?.peer === undefined)
      x.report.warning(
        path,
        `${text} has no prefix length: it is ${formatCidr(cidr)}, an address without a subnet`,
        'Write the subnet’s prefix length, such as /24.',
      )
    const spec = more ? detailed(x, dev, cidr, text, more, pathOf(i)) : plain(dev, cidr)
    return spec ? [{ cidr, spec, path }] : []
  })
  const earlier = primaries(parsed.map(({ spec }) => nameOfAddress(spec)))
  for (const { cidr, spec: said, path } of parsed) {
    hostAddress(x, cidr, path)
    if (cidr.family === 6 && mtu !== undefined && mtu < LEAST_IPV6)
      x.report.error(
        path,
        `${dev} has an MTU of ${mtu}, and IPv6 needs ${LEAST_IPV6}`,
        'The kernel takes IPv6 from it.',
      )
    const name = nameOfAddress(said)
    const primary = earlier.get(name)
    if (mark !== undefined && said.metric !== undefined)
      x.report.error(path, `the metric of ${name} is where netlab marks what it owns`, 'Leave it out.')
    const spec = { ...said, ...(primary !== undefined && { primary }), ...(mark !== undefined && { metric: mark }) }
    x.add({ id: addressId(namespace, dev, name), kind: 'address', namespace, spec }, path)
  }
}

const plain = (dev: string, cidr: Cidr): AddressSpec => ({ dev, address: formatCidr(cidr), family: cidr.family })

/** An address that says more than itself; undefined when something is wrong with it. */
function detailed(
  x: Expansion,
  dev: string,
  cidr: Cidr,
  text: string,
  more: Exclude<AddressFile, string>,
  path: Path,
): AddressSpec | undefined {
  const wrong = (field: string, summary: string, detail?: string): undefined =>
    void x.report.error([...path, field], summary, detail)
  const { family } = cidr
  for (const field of family === 6 ? (['scope', 'label', 'broadcast'] as const) : (['home', 'mngtmpaddr'] as const))
    if (more[field] !== undefined && more[field] !== false)
      return wrong(field, `${text} has no ${field}`, `Only addresses of IPv${family === 6 ? 4 : 6} have one.`)
  const peer = more.peer === undefined ? undefined : parseCidr(more.peer)
  if (more.peer !== undefined && peer?.family !== family)
    return wrong('peer', `"${more.peer}" is no address of IPv${family}`)
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
      `"${label}" is no label of ${dev}`,
      `It begins with the name of the interface: ${dev}:1. At most 15 letters.`,
    )
  const broadcast = more.broadcast === '+' ? lastOf({ ...cidr, prefix }) : more.broadcast
  if (broadcast !== undefined && (canonicalAddress(broadcast) === undefined || familyOf(broadcast) !== 4))
    return wrong('broadcast', `"${broadcast}" is no address of IPv4`, 'Write + for the last address of the subnet.')
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

/** Why no interface can have the address (measured: some the kernel refuses, 0.0.0.0 it takes and does not have). */
function unusable({ family, address }: Cidr): string | undefined {
  const first = family === 4 ? Number(address.split('.')[0]) : 0
  if (address === '0.0.0.0' || address === '::') return 'means no address at all'
  if (address === '255.255.255.255') return 'is the broadcast address of every network'
  if ((first >= 224 && first < 240) || (family === 6 && address.startsWith('ff'))) return 'is a multicast address'
  return undefined
}

/** Complains of addresses that are not a host's. */
function hostAddress(x: Expansion, cidr: Cidr, path: Path): void {
  const never = unusable(cidr)
  if (never !== undefined)
    return x.report.error(path, `${formatCidr(cidr)} ${never}`, 'An interface needs an address of its own.')
  if (cidr.family === 6 || cidr.prefix >= 31) return
  const network = subnetOf(cidr).split('/')[0]
  const last = cidr.address.split('.').reduce((n, part) => n * 256 + Number(part), 0)
  const hosts = 2 ** (32 - cidr.prefix)
  if (cidr.address === network)
    x.report.warning(
      path,
      `${formatCidr(cidr)} is the address of the network itself`,
      'A host needs another one of that subnet.',
    )
  else if (last % hosts === hosts - 1)
    x.report.warning(path, `${formatCidr(cidr)} is the broadcast address of its subnet`, 'A host needs another one.')
}

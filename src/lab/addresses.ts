import { addressId, primaries } from '../kinds/address.ts'
import { formatCidr, parseCidr, subnetOf, type Cidr } from '../model/cidr.ts'
import { nameOf, namespaceOf, type Resource } from '../model/resource.ts'
import type { Expansion } from './context.ts'
import type { Path } from './source.ts'

/** The kernel takes IPv6 from an interface below this, in bytes (RFC 8200, section 5). */
const LEAST_IPV6 = 1280

/** The addresses of an interface, whose MTU is given in bytes where it is known; `metric`: what marks them as the lab's. */
export function addresses(
  x: Expansion,
  link: string,
  written: { value: unknown; path: Path } | undefined,
  mtu: number | undefined,
  metric?: number,
): void {
  if (!written) return
  const [namespace, dev] = [namespaceOf(link), nameOf(link)]
  const listed = Array.isArray(written.value) ? (written.value as string[]) : []
  // A bare CIDR in the short form has no index of its own.
  const pathOf = (i: number): Path => [...written.path, i]
  const parsed = listed.flatMap((text, i) => {
    const cidr = parseCidr(text)
    if (!cidr) {
      x.report.error(
        pathOf(i),
        `"${text}" is no address with a prefix length`,
        'Write it as 192.168.0.2/24 or fd00::2/64.',
      )
      return []
    }
    if (!text.includes('/'))
      x.report.warning(
        pathOf(i),
        `${text} has no prefix length: it is ${formatCidr(cidr)}, an address without a subnet`,
        'Write the subnet’s prefix length, such as /24.',
      )
    return [{ cidr, text: formatCidr(cidr), path: pathOf(i) }]
  })
  const earlier = primaries(parsed.map(({ text }) => text))
  for (const { cidr, text, path } of parsed) {
    hostAddress(x, cidr, path)
    if (cidr.family === 6 && mtu !== undefined && mtu < LEAST_IPV6)
      x.report.error(
        path,
        `${dev} has an MTU of ${mtu}, and IPv6 needs ${LEAST_IPV6}`,
        'The kernel takes IPv6 from it.',
      )
    const primary = earlier.get(text)
    const spec = {
      ...{ dev, address: text, family: cidr.family },
      ...(primary !== undefined && { primary }),
      ...(metric !== undefined && { metric }),
    }
    x.add({ id: addressId(namespace, dev, text), kind: 'address', namespace, spec } as Resource, path)
  }
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

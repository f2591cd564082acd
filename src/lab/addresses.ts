import { addressId, primaries } from '../kinds/address.ts'
import { formatCidr, parseCidr, subnetOf } from '../model/cidr.ts'
import { nameOf, namespaceOf, type Resource } from '../model/resource.ts'
import type { Expansion } from './context.ts'
import type { Path } from './source.ts'

export function addresses(x: Expansion, link: string, written: { value: unknown; path: Path } | undefined): void {
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
    const primary = earlier.get(text)
    const spec = { dev, address: text, family: cidr.family, ...(primary !== undefined && { primary }) }
    x.add({ id: addressId(namespace, dev, text), kind: 'address', namespace, spec } as Resource, path)
  }
}

/** Warns of addresses that are not a host's. */
function hostAddress(x: Expansion, cidr: NonNullable<ReturnType<typeof parseCidr>>, path: Path): void {
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

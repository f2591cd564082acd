import type { AddressFile } from '../kinds/address-lab.ts'
import { addressId, primaries } from '../kinds/address-settings.ts'
import { address } from '../kinds/address.ts'
import { nameOfAddress } from '../model/address-spec.ts'
import { IPV6_MIN_MTU } from '../model/link-type.ts'
import { nameOf, namespaceOf } from '../model/resource.ts'
import { labContext, type Expansion } from './expansion.ts'
import type { Path } from './yaml/source.ts'

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
  const parsed = listed.flatMap((item, i) => {
    // A bare CIDR in the short form has no index of its own.
    const path = [...written.path, i]
    const spec = address.fromLab?.(item, labContext(x, namespace, dev, path))
    return spec ? [{ spec, path: typeof item === 'string' ? path : [...path, 'address'] }] : []
  })
  const earlier = primaries(parsed.map(({ spec }) => nameOfAddress(spec)))
  for (const { spec: said, path } of parsed) {
    if (said.family === 6 && mtu !== undefined && mtu < IPV6_MIN_MTU)
      x.report.error(
        'out-of-range',
        path,
        `${dev} has an MTU of ${mtu}, and IPv6 needs ${IPV6_MIN_MTU}`,
        'The kernel turns IPv6 off below this MTU.',
      )
    const name = nameOfAddress(said)
    const primary = earlier.get(name)
    if (mark !== undefined && said.metric !== undefined)
      x.report.error(
        'reserved',
        path,
        `netlab uses the metric of ${name} to mark addresses that it owns`,
        'Leave it out.',
      )
    const spec = { ...said, ...(primary !== undefined && { primary }), ...(mark !== undefined && { metric: mark }) }
    x.add({ id: addressId(namespace, dev, name), kind: 'address', namespace, spec }, path)
  }
}

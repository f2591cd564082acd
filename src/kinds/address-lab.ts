import { linkId, type Resource, type Resources } from '../model/resource.ts'
import type { AddressSpec } from '../model/address-spec.ts'
import { settings } from './address-settings.ts'

/** How an address is written in a lab: alone where there is nothing else to say of it. */
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

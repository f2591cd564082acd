import { addressWords, nameOfAddress } from '../../model/address-spec.ts'
import type { AddressOperation } from '../../model/operation.ts'

/** `ip addr …` */
export function addressCommand(operation: AddressOperation): string[] {
  const { address } = operation
  if (operation.do === 'address.delete')
    return ['ip', 'addr', 'del', ...nameOfAddress(address).split(' '), 'dev', address.dev]
  const verb = operation.do === 'address.add' ? 'add' : 'replace'
  return ['ip', 'addr', verb, ...addressWords(address), 'dev', address.dev, ...(operation.nodad ? ['nodad'] : [])]
}

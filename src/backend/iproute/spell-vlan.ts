import type { VlanOperation } from '../../model/operation.ts'

/** `bridge vlan …` */
export function vlanCommand(operation: VlanOperation): string[] {
  const { port, vid, self } = operation
  const adds = operation.do === 'vlan.add'
  return [
    ...['bridge', 'vlan', adds ? 'add' : 'del', 'dev', port, 'vid', String(vid)],
    ...(adds && operation.pvid ? ['pvid'] : []),
    ...(adds && operation.untagged ? ['untagged'] : []),
    ...(self ? ['self'] : []),
  ]
}

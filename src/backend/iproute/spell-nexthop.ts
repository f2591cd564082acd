import { nexthopWords } from '../../model/nexthop-spec.ts'
import type { NexthopOperation } from '../../model/operation.ts'

/** `ip nexthop …`. The family is said where no gateway tells it. */
export function nexthopCommand(operation: NexthopOperation): string[] {
  if (operation.do === 'nexthop.delete') return ['ip', 'nexthop', 'del', 'id', String(operation.id)]
  const { nexthop, protocol } = operation
  const verb = operation.do === 'nexthop.add' ? 'add' : 'replace'
  return [
    'ip',
    ...(nexthop.family === 6 && nexthop.via === undefined ? ['-6'] : []),
    ...['nexthop', verb, 'id', String(nexthop.id), ...nexthopWords(nexthop)],
    ...(protocol === undefined ? [] : ['proto', String(protocol)]),
  ]
}

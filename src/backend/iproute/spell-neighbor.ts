import type { NeighborOperation } from '../../model/operation.ts'

/** `ip neigh …` */
export function neighborCommand(operation: NeighborOperation): string[] {
  const { to, dev, lladdr, proxy, router, extern_learn, managed, protocol } = operation.neighbor
  const name = [...(proxy ? ['proxy'] : []), to]
  if (operation.do === 'neighbor.delete') return ['ip', 'neigh', 'del', ...name, 'dev', dev]
  return [
    ...['ip', 'neigh', 'replace', ...name],
    ...(lladdr === undefined ? [] : ['lladdr', lladdr]),
    ...['dev', dev],
    ...(lladdr === undefined ? [] : ['nud', 'permanent']),
    ...(router ? ['router'] : []),
    ...(extern_learn ? ['extern_learn'] : []),
    ...(managed ? ['managed'] : []),
    ...[operation.protocol ?? protocol].flatMap((name) => (name === undefined ? [] : ['protocol', name])),
  ]
}

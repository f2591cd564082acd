import { fdbKey, fdbSettings } from '../../model/fdb-spec.ts'
import type { FdbOperation } from '../../model/operation.ts'

const verbs = { 'fdb.add': 'add', 'fdb.append': 'append', 'fdb.delete': 'del' } as const

/** `bridge fdb …` */
export function fdbCommand(operation: FdbOperation): string[] {
  const { entry } = operation
  return [
    ...['bridge', 'fdb', verbs[operation.do], entry.mac, 'dev', entry.dev],
    entry.bridge === undefined || entry.bridge === entry.dev ? 'self' : 'master',
    ...(operation.do === 'fdb.delete' ? [] : fdbSettings(entry)),
    ...fdbKey(entry),
  ]
}

import { mdbWords } from '../../model/mdb-spec.ts'
import type { MdbOperation } from '../../model/operation.ts'

/** `bridge mdb …` */
export function mdbCommand({ do: what, entry }: MdbOperation): string[] {
  const { dev, bridge } = entry
  const adds = what === 'mdb.add'
  const words = ['bridge', 'mdb', adds ? 'add' : 'del', 'dev', bridge, 'port', dev, 'grp', ...mdbWords(entry)]
  return adds ? [...words, entry.temp ? 'temp' : 'permanent'] : words
}

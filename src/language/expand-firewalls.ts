import { desiredIptables, iptablesResource } from '../kinds/iptables.ts'
import { nftablesResource, nftProblems } from '../kinds/nftables.ts'
import { offsetInScalar } from '../firewall/scalar-offset.ts'
import type { Diagnostic, Position } from '../model/diagnostic.ts'
import type { RulePlace } from '../model/firewall.ts'
import { namespaceOf, nameOf } from '../model/resource.ts'
import type { Expansion } from './expansion.ts'
import { readNft, type Beside, type Origin } from './nft.ts'
import { besideLab, originOf, quoted } from './yaml/origin.ts'
import type { Path, Source } from './yaml/source.ts'

/** Finds the position of a place in the firewall with this id: in the lab file, or in a file that it names. */
export type PlaceInFile = (id: string, place: RulePlace) => Pick<Diagnostic, 'position' | 'snippet'>

/** By id, where the lines of a rule set of nftables are written. */
export type Origins = Map<string, readonly Origin[]>

/** Finds positions in the text of a rule, in nft text, and in files that `restore`, `file` or `include` names. */
export function whereIn(source: Source, origins: Origins): PlaceInFile {
  const shown = (position: Position) => ({ position, ...quoted(source, position) })
  return (id, place) => {
    const { path, line, column, length, dump, file } = original(place, origins.get(id))
    const [, set] = /^ipset\/(.*)$/.exec(nameOf(id)) ?? []
    const field: Path = ['namespaces', namespaceOf(id), ...(set === undefined ? [nameOf(id)] : ['ipsets', set])]
    if (file !== undefined) return { position: { file, line, column, ...(length !== undefined && { length }) } }
    if (dump) {
      const path = [...field, 'restore']
      const named = path.reduce<unknown>((v, step) => (v as Record<string, unknown> | undefined)?.[step], source.value)
      return {
        position: {
          file: besideLab(source, path, String(named)),
          line,
          column,
          ...(length !== undefined && { length }),
        },
      }
    }
    const { source: own, path: full } = originOf(source, [...field, ...path])
    const start = own.offset(full)
    if (start === undefined) return shown(own.position(full))
    return shown(own.at(offsetInScalar(own.text, start, line, column), length ?? 1))
  }
}

/** A place in a rule set as the place where it is written. */
function original({ line = 1, column = 1, ...place }: RulePlace, origins: readonly Origin[] | undefined) {
  const origin = origins?.[line - 1]
  if (!origin) return { line, column, ...place }
  const { path, file, shift } = origin
  return { ...place, path, line: origin.line, column: column + shift, ...(file !== undefined && { file }) }
}

/** The rule sets of every namespace, as they are written; the kernel's tools bring them into their own form later. */
export function expandFirewalls(
  x: Expansion,
  where: PlaceInFile,
  origins: Origins,
  besideOf: (path: Path) => Beside,
): void {
  for (const [namespace, fields] of Object.entries(x.file.namespaces)) {
    const borrowed = x.borrowed(namespace)
    for (const kind of ['iptables', 'ip6tables'] as const) {
      if (fields?.[kind] === undefined) continue
      const value = fields[kind] ?? {}
      const path = ['namespaces', namespace, kind]
      const beside = besideOf([...path, 'restore'])
      const id = `${namespace}/${kind}`
      let dump: string | undefined
      const named = value['restore']
      if (typeof named === 'string')
        try {
          dump = beside.read(beside.named(named))
        } catch (error) {
          x.report.error('unreadable-file', [...path, 'restore'], `cannot read ${named}`, (error as Error).message)
          continue
        }
      const context = { kind, lab: x.lab, ...(borrowed && { borrowed }), ...(dump !== undefined && { dump }) }
      const { spec, problems } = desiredIptables(value, context)
      for (const { summary, detail, place } of problems)
        x.report.at('bad-rule-set', where(id, place).position ?? x.report.position(path), summary, detail)
      const resource = iptablesResource(kind, namespace, spec, borrowed ? { borrowed } : {})
      if (resource) x.add(resource, path, 'key')
    }
    if (fields?.nftables === undefined) continue
    const path = ['namespaces', namespace, 'nftables']
    const id = `${namespace}/nftables`
    const { text, origins: lines, remarks } = readNft(fields.nftables, besideOf(path))
    for (const { severity, summary, detail, file, line, shift, length = 1, ...at } of remarks) {
      const column = shift + 1
      const known = file === undefined ? where(id, { ...at, line, column, length }).position : undefined
      const position = known ?? { file: file ?? '', line, column, length }
      if (severity === 'error') x.report.at('bad-rule-set', position, summary, detail)
      else x.report.warn('bad-rule-set', position, summary, detail)
    }
    origins.set(id, lines)
    for (const { summary, detail, place } of nftProblems(text))
      x.report.at('bad-rule-set', where(id, place).position ?? x.report.position(path), summary, detail)
    const resource = nftablesResource(namespace, text, x.lab, borrowed ? { borrowed } : {})
    if (resource) x.add(resource, path, 'key')
  }
}

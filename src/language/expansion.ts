import type { Resource } from '../model/resource.ts'
import type { LabFile, NamespaceFile } from './lab-file.ts'
import type { LabHeader, NamespaceHeader } from './load-lab.ts'
import { lenderOf, lenderText } from '../model/lender.ts'
import { HERE_NAME } from '../model/place.ts'
import type { Report } from './report.ts'
import type { LabContext } from '../model/kind.ts'
import type { Path } from './yaml/source.ts'

/** What the steps of the expansion share: the file, the resources so far, and the report for errors. */
export interface Expansion {
  readonly lab: string
  readonly file: LabFile
  /** The folder in which the file lies; of standard input, the one where netlab runs. */
  readonly folder: string
  readonly report: Report
  readonly resources: Map<string, Resource>
  /** Of a namespace that is not the lab's own: where it is, as in a resource. */
  borrowed(namespace: string): string | undefined
  /** The digests of the files of namespaces (src/kinds/file.ts). */
  readonly files: Map<string, string>
  /** The ids of interfaces for which the file says no MTU. */
  readonly assumedMtus: Set<string>
  /** Adds a resource that the file asks for at this path; an id that is there already is an error. */
  add(resource: Omit<Resource<any>, 'source' | 'borrowed'>, path: Path, on?: 'key' | 'value'): void
}

/** The expansion of a file, empty so far. */
export function expansion(
  { name: lab, namespaces }: Pick<LabHeader, 'name' | 'namespaces'>,
  file: LabFile,
  report: Report,
  folder: string,
): Expansion {
  const borrowed: Expansion['borrowed'] = (namespace) => namespaces.get(namespace)?.borrowed
  const resources = new Map<string, Resource>()
  return {
    lab,
    file,
    folder,
    report,
    resources,
    borrowed,
    files: new Map(),
    assumedMtus: new Set(),
    add(resource, path, on) {
      const first = resources.get(resource.id)
      if (first) {
        const line = first.source ? ` (${report.line(first.source())})` : ''
        report.error('given-twice', path, `${resource.id} is already declared${line}`, 'Leave one of them out.', on)
        return
      }
      const place = borrowed(resource.namespace)
      resources.set(resource.id, {
        source: (part) => (part?.length ? report.position([...path, ...part]) : report.position(path, on)),
        ...(place && { borrowed: place }),
        ...resource,
      })
    },
  }
}

/** An interface of one type, as the file has it, and its resource. */
export interface InterfaceOfType<Settings> {
  readonly namespace: string
  readonly name: string
  readonly path: Path
  readonly settings: Settings
  readonly link: Resource
}

/** The interfaces of this type. Their settings have passed the schema; those with errors have no resource, and are left out. */
export function interfacesOfType<Settings extends { readonly type?: string }>(
  x: Expansion,
  type: string,
): InterfaceOfType<Settings>[] {
  return Object.entries(x.file.namespaces).flatMap(([namespace, fields]) =>
    Object.entries(fields?.interfaces ?? {}).flatMap(([name, value]) => {
      const settings = (value ?? {}) as Settings
      const link = x.resources.get(`${namespace}/${name}`)
      if (settings.type !== type || !link) return []
      return [{ namespace, name, path: ['namespaces', namespace, 'interfaces', name], settings, link }]
    }),
  )
}

/** Of a namespace that is not the lab's own, what its header says of that. */
export function borrowedBy(fields: NamespaceFile | null): Pick<NamespaceHeader, 'borrowed' | 'lender'> {
  if (fields?.root) return { borrowed: HERE_NAME }
  const lender = lenderOf(fields)
  return lender ? { borrowed: lenderText(lender), lender } : {}
}

/** The owner of a namespace that the lab does not own, for messages. */
export const ownerText = (x: Expansion, namespace: string): string =>
  x.borrowed(namespace) === HERE_NAME ? 'the machine' : 'somebody else'

/** What a kind may look at when it reads the entry that is written at this path; `where`: places of parts that are elsewhere. */
export function labContext(
  x: Expansion,
  namespace: string,
  name: string,
  path: Path,
  where = (part: Path): Path => [...path, ...part],
): LabContext {
  return {
    namespace,
    root: x.file.namespaces[namespace]?.root === true,
    name,
    folder: x.folder,
    resources: x.resources,
    error: (code, part, ...said) => x.report.error(code, where(part), ...said),
    warning: (code, part, ...said) => x.report.warning(code, where(part), ...said),
  }
}

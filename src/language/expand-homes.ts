import { contentOf, fileId, filesDigest, homeId, type FileSpec, type Owned } from '../kinds/file.ts'
import { folderId } from '../kinds/folder.ts'
import { canonicalAddress } from '../model/cidr.ts'
import { visible } from '../model/text.ts'
import type { Expansion } from './expansion.ts'
import type { FileEntry, NamespaceFile } from './lab-file.ts'
import type { Path } from './yaml/source.ts'

/** A file beside the lab file, or what is in a folder there. */
export type FileBeside =
  | {
      readonly kind: 'file'
      /** The content, in Base64. */
      readonly base64: string
      readonly executable: boolean
    }
  | { readonly kind: 'folder'; readonly names: readonly string[] }

/** Finds a file or a folder that is named at the path. Throws as `readFileSync` does. */
export type FilesBeside = (path: Path, name: string) => FileBeside & { readonly outside: boolean }

/** Files, where only their texts can be read. */
export const textAsFile =
  (read: (path: string) => string) =>
  (path: string): ReturnType<FilesBeside> => {
    const base64 = Buffer.from(read(path)).toString('base64')
    return { kind: 'file', base64, executable: false, outside: false }
  }

/** The fields that give the programs of a namespace a home. */
const fields = ['processes', 'setup', 'files', 'private', 'hostname', 'resolver'] as const

/** Folders that are the kernel's, or netlab's own. */
const RESERVED = /^\/(proc|sys|dev|run\/netns|run\/\.netlab|run\/\.world)(\/|$)/
const OWN = new Set(['etc', 'var', 'run'])
const hostName = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/

/** Homes of namespaces, with their folders and files. */
export function expandHomes(x: Expansion, beside: FilesBeside): void {
  // Processes of second names run in the home of the namespace itself.
  const shared = new Set(Object.values(x.file.namespaces).map((file) => file?.processes && file.shares))
  for (const [namespace, entry] of Object.entries(x.file.namespaces)) {
    const file = entry ?? {}
    const present = fields.filter((field) =>
      field === 'resolver' ? file.resolver !== undefined : Object.keys(file[field] ?? {}).length > 0,
    )
    if (present.length === 0 && !shared.has(namespace)) continue
    const path = ['namespaces', namespace]
    if (file.shares !== undefined || (x.borrowed(namespace) && !file.root)) continue
    if (file.root) {
      for (const field of present.filter((name) => name !== 'processes' && name !== 'setup'))
        x.report.error(
          'bad-value',
          [...path, field],
          `${namespace} is the machine itself, which has its own ${field}`,
          undefined,
          'key',
        )
      continue
    }
    expandHome(x, namespace, file, path, beside)
  }
}

/** The host name of a namespace that gives none: its name, as far as that can be one. */
const hostNameOf = (namespace: string): string => namespace.replaceAll('_', '-').replace(/[-.]+$/, '')

function expandHome(x: Expansion, namespace: string, file: NamespaceFile, path: Path, beside: FilesBeside): void {
  const { hostname = hostNameOf(namespace), resolver } = file
  const layers = new Set<string>()
  if (!hostName.test(hostname))
    x.report.error(
      'bad-name',
      [...path, 'hostname'],
      `"${hostname}" cannot be a host name`,
      'Use letters, digits, - and dots, at most 64.',
    )
  const layered = (place: string): void => {
    const [, top = ''] = place.split('/')
    if (!OWN.has(top)) layers.add(`/${top}`)
  }
  const folders: [spec: Owned, where: Path][] = []
  for (const [i, entry] of (file.private ?? []).entries()) {
    const where = [...path, 'private', i]
    const { path: place, ...rest } = typeof entry === 'string' ? { path: entry } : entry
    if (!isPlace(x, place, where, 'value')) continue
    layered(place)
    const spec: Owned = { path: place, mode: modeOf(rest.mode, '0755'), ...ownerOf(rest.owner) }
    folders.push([spec, where])
  }
  const specs: [spec: FileSpec, where: Path][] = []
  const add = (spec: FileSpec, where: Path): void => {
    layered(spec.path)
    specs.push([spec, where])
  }
  for (const [place, entry] of Object.entries(file.files ?? {})) {
    const where = [...path, 'files', place]
    if (isPlace(x, place, where, 'key')) expandFile(x, place, entry, where, beside, (spec) => add(spec, where))
  }
  if (resolver) {
    const where = [...path, 'resolver']
    for (const [i, address] of resolver.entries())
      if (canonicalAddress(address) === undefined)
        x.report.error('bad-value', [...where, i], `"${address}" is not an address`)
    if (file.files && '/etc/resolv.conf' in file.files)
      x.report.error('given-twice', where, 'files has /etc/resolv.conf already', 'Say it once.', 'key')
    else
      add(
        { path: '/etc/resolv.conf', mode: '0644', text: resolver.map((address) => `nameserver ${address}\n`).join('') },
        where,
      )
  }
  mustBeApart(x, folders, specs)
  const spec = { hostname, ...(layers.size > 0 && { layers: [...layers].sort() }) }
  x.add({ id: homeId(namespace), kind: 'home', namespace, spec }, path, 'key')
  for (const [folder, where] of folders)
    x.add({ id: folderId(namespace, folder.path), kind: 'folder', namespace, spec: folder }, where)
  for (const [one, where] of specs)
    x.add({ id: fileId(namespace, one.path), kind: 'file', namespace, spec: one }, where, 'key')
  const digest = filesDigest(specs.map(([one]) => one))
  if (digest !== undefined) x.files.set(namespace, digest)
}

/** Reports folders that are files as well, and what lies below a file. */
function mustBeApart(
  x: Expansion,
  folders: readonly (readonly [spec: Owned, where: Path])[],
  files: readonly (readonly [spec: FileSpec, where: Path])[],
): void {
  const filePaths = new Set(files.map(([{ path }]) => path))
  for (const [{ path }, where] of folders)
    if (filePaths.has(path)) x.report.error('given-twice', where, `${path} is given twice`, 'Leave one of them out.')
  for (const [{ path }, where] of [...folders, ...files]) {
    const parts = path.split('/')
    const above = parts.map((_, i) => parts.slice(0, i).join('/')).find((one) => filePaths.has(one))
    if (above !== undefined)
      x.report.error('bad-value', where, `${path} lies below the file ${above}`, 'A file contains no others.', 'key')
  }
}

/** One file; of a folder beside the lab file, each file in it. */
function expandFile(
  x: Expansion,
  place: string,
  entry: FileEntry,
  where: Path,
  beside: FilesBeside,
  add: (spec: FileSpec) => void,
): void {
  const { from, content, base64, owner, mode } =
    typeof entry === 'string' ? ({ from: entry } as Exclude<FileEntry, string>) : entry
  if ([from, content, base64].filter((one) => one !== undefined).length !== 1)
    return x.report.error('bad-value', where, 'a file has one of `from`, `content` and `base64`', undefined, 'key')
  const described = { path: place, mode: modeOf(mode, '0644'), ...ownerOf(owner) }
  if (content !== undefined) return add({ ...described, text: content })
  if (base64 !== undefined) {
    const bytes = Buffer.from(base64, 'base64')
    if (bytes.toString('base64') === base64) return add({ ...described, ...contentOf(bytes) })
    return x.report.error('bad-value', [...where, 'base64'], 'this is not Base64', 'base64 -w 0 FILE prints it.')
  }
  const visit = (name: string, target: string, depth: number): void => {
    const found = beside(where, name)
    if (depth === 0 && found.outside)
      x.report.warning(
        'unreadable-file',
        where,
        `${name} lies outside the folder of the lab file`,
        'Another machine may not have it.',
      )
    if (found.kind === 'folder') {
      if (depth > 16) throw new Error(`${name} has too many folders within folders`)
      for (const one of found.names)
        visit(`${name.replace(/\/$/, '')}/${one}`, `${target.replace(/\/$/, '')}/${one}`, depth + 1)
      return
    }
    const bytes = Buffer.from(found.base64, 'base64')
    add({
      path: target,
      mode: modeOf(mode, found.executable ? '0755' : '0644'),
      ...ownerOf(owner),
      ...contentOf(bytes),
    })
  }
  try {
    visit(from ?? '', place, 0)
  } catch (error) {
    x.report.error('unreadable-file', where, `cannot read ${from}`, (error as Error).message)
  }
}

const modeOf = (mode: string | undefined, usual: string): string => (mode ?? usual).padStart(4, '0')
const ownerOf = (owner: string | number | undefined): { owner?: string } =>
  owner === undefined || owner === 'root' ? {} : { owner: String(owner) }

/** Whether a path can be that of a file of its own; reports an error if not. */
function isPlace(x: Expansion, place: string, where: Path, on: 'key' | 'value'): boolean {
  const fail = (summary: string, detail?: string): false => (
    x.report.error('bad-value', where, summary, detail, on),
    false
  )
  if (!place.startsWith('/')) return fail(`${place} is not an absolute path`, `Write /${place.replace(/^\.\//, '')}.`)
  if (
    visible(place) !== place ||
    place.split('/').some((part) => part === '..' || part === '.') ||
    /\/$|\/\//.test(place)
  )
    return fail(`${JSON.stringify(place)} is not a plain path`, 'Leave out //, . and .., and a / at the end.')
  if (RESERVED.test(place)) return fail(`${place} belongs to the kernel or to netlab`)
  if (place.split('/').length < 3) return fail(`${place} is a top folder of the machine`, 'Use a path below it.')
  return true
}

import type { Difference } from '../model/change.ts'
import { sha256 } from '../model/digest.ts'
import type { HomeEntry } from '../model/live-home.ts'
import type { Kind } from '../model/kind.ts'
import { placeOf } from '../model/place.ts'
import { oncePer, type Resource } from '../model/resource.ts'
import { isLost } from './common.ts'
import { ofNamespace } from './lab-entry.ts'

/** What files and folders of a home have in common. */
export type Owned = {
  readonly path: string
  /** Permissions, in octal: `0644`. */
  readonly mode: string
  /** As the lab says it, by name or number: `frr`, `frr:frrvty`. Default: root. */
  readonly owner?: string
  /** The numbers that the names stand for on the machine; absent until they are looked up. */
  readonly uid?: number
  readonly gid?: number
}

export type FileSpec = Owned & {
  /** The content, if it is text. */
  readonly text?: string
  /** The content in Base64, if it is no text; absent of a live file that has become something else. */
  readonly base64?: string
}

/** `r1/home` */
export const homeId = (namespace: string): string => `${namespace}/home`

/** `r1/file/etc/frr/frr.conf` */
export const fileId = (namespace: string, path: string): string => `${namespace}/file${path}`

/** The content of a file as a spec has it: text, if it is UTF-8 without invisible bytes. */
export function contentOf(bytes: Uint8Array): Pick<FileSpec, 'text' | 'base64'> {
  const buffer = Buffer.from(bytes)
  const text = buffer.toString('utf8')
  return !text.includes('\0') && Buffer.from(text).equals(buffer) ? { text } : { base64: buffer.toString('base64') }
}

const sizeOf = ({ text = '', base64 }: FileSpec): number =>
  base64 === undefined ? Buffer.byteLength(text) : Buffer.from(base64, 'base64').length

const size = (spec: FileSpec): string => (sizeOf(spec) === 1 ? '1 byte' : `${sizeOf(spec)} bytes`)

/** A file in the home of a namespace. Live ones are made by `fileResource`, not from a dump. */
export const file: Kind<FileSpec> = {
  name: 'file',
  read: () => [],
  describe: (spec) => `${size(spec)}, mode ${spec.mode}${spec.owner === undefined ? '' : `, of ${spec.owner}`}`,
  published: ({ text: _, base64: __, ...spec }) => spec,
  needs: ({ namespace }) => [homeId(namespace)],
  lostWith: ({ namespace }) => [namespace, homeId(namespace)],

  toLab: (r) => {
    const { path, mode, text, base64 } = r.spec
    const content = base64 === undefined ? { content: text ?? '' } : { base64 }
    return ofNamespace(r, { files: { [path]: { ...content, mode, ...ownerToLab(r.spec) } } })
  },

  compare: (live, desired) => [
    ...(live.text === desired.text && live.base64 === desired.base64
      ? []
      : [{ field: 'content', from: shown(live), to: shown(desired) }]),
    ...ownership(live, desired),
  ],

  create: (r) => [write(r)],
  update: ({ desired }) => [write(desired)],
  remove: (r, context) =>
    isLost(file, r, context)
      ? []
      : [{ stage: 'write files', operation: { do: 'file.delete', place: placeOf(r), path: r.spec.path } }],
}

const write = (r: Resource<FileSpec>) =>
  ({
    stage: 'write files',
    operation: {
      do: 'file.write',
      place: placeOf(r),
      path: r.spec.path,
      ...(r.spec.base64 === undefined ? { text: r.spec.text ?? '' } : { base64: r.spec.base64 }),
      mode: r.spec.mode,
      uid: r.spec.uid ?? 0,
      gid: r.spec.gid ?? 0,
    },
  }) as const

/** The content as plans show it: texts are compared line by line. */
const shown = (spec: FileSpec): string =>
  spec.text ?? `${size(spec)}, SHA-256 ${sha256(spec.base64 ?? '').slice(0, 12)}`

/** The owner in the words of a lab; root is not named. A live file has only numbers. */
export const ownerToLab = ({ owner, uid = 0, gid = 0 }: Owned): { readonly owner?: string } =>
  owner !== undefined ? { owner } : uid === 0 && gid === 0 ? {} : { owner: `${uid}:${gid}` }

/** The differences in mode and owner. Names of owners are compared where nobody has looked up what they stand for. */
export function ownership(live: Owned, desired: Owned): Difference[] {
  const owner = ({ owner: name = 'root', uid, gid = 0 }: Owned): string =>
    uid === undefined && name !== 'root' ? name : `${uid ?? 0}:${gid}`
  return [
    ...(live.mode === desired.mode ? [] : [{ field: 'mode', from: live.mode, to: desired.mode }]),
    ...(owner(live) === owner(desired)
      ? []
      : [{ field: 'owner', from: owner(live), to: desired.owner ?? owner(desired) }]),
  ]
}

/** The digest of all files of a namespace, for the processes that read them; undefined when there are none. */
export function filesDigest(files: readonly FileSpec[]): string | undefined {
  if (files.length === 0) return undefined
  const lines = files.map(({ path, mode, text, base64 }) => `${path}\0${mode}\0${base64 ?? `=${text ?? ''}`}`)
  return sha256(lines.sort().join('\0\0')).slice(0, 16)
}

/** The folders that contain files, or folders of their own, by namespace. */
export const foldersOfFiles = oncePer((resources): ReadonlyMap<string, ReadonlySet<string>> => {
  const result = new Map<string, Set<string>>()
  for (const { kind, namespace, spec } of resources.values()) {
    if (kind !== 'file' && kind !== 'folder') continue
    const folder = String(spec['path']).replace(/\/[^/]*$/, '')
    result.set(namespace, (result.get(namespace) ?? new Set()).add(folder))
  }
  return result
})

/** The resource of a live file. */
export const fileResource = (namespace: string, { path, mode, uid, gid, content }: HomeEntry): Resource<FileSpec> => ({
  id: fileId(namespace, path),
  kind: 'file',
  namespace,
  spec: { path, mode, uid, gid, ...(content && contentOf(content)) },
})

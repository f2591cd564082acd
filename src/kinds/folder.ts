import { quote } from '../model/command.ts'
import { noteOf, type HomeEntry } from '../model/live-home.ts'
import type { Kind } from '../model/kind.ts'
import type { Resource } from '../model/resource.ts'
import { isLost, within } from './common.ts'
import { homeId, ownership, ownerToLab, type Owned } from './file.ts'
import { MOUNT_FOLDER, UMOUNT_FOLDER } from './home-scripts.ts'
import { ofNamespace } from './lab-entry.ts'

/** `r1/folder/run/frr` */
export const folderId = (namespace: string, path: string): string => `${namespace}/folder${path}`

/** A folder of its own in the home of a namespace, empty at first. Live ones are made by `folderResource`. */
export const privateFolder: Kind<Owned> = {
  name: 'folder',
  read: () => [],
  describe: ({ mode, owner }) => `a folder of its own, mode ${mode}${owner === undefined ? '' : `, of ${owner}`}`,
  needs: ({ namespace }) => [homeId(namespace)],
  lostWith: ({ namespace }) => [namespace, homeId(namespace)],
  toLab: (r) => ofNamespace(r, { private: [{ path: r.spec.path, mode: r.spec.mode, ...ownerToLab(r.spec) }] }),
  compare: ownership,
  create: (r) => {
    const { path, mode, uid = 0, gid = 0 } = r.spec
    const instead = `mount -t tmpfs -o mode=${mode},uid=${uid},gid=${gid} netlab ${quote(path)}`
    return [mounting(r, instead, 'sh', '-c', MOUNT_FOLDER, 'sh', path, mode, String(uid), String(gid), noteOf(path))]
  },
  update: ({ desired }) => {
    const { path, mode, uid = 0, gid = 0 } = desired.spec
    return [
      mounting(desired, undefined, 'chmod', '--', mode, path),
      mounting(desired, undefined, 'chown', '--', `${uid}:${gid}`, path),
    ]
  },
  remove: (r, context) =>
    isLost(privateFolder, r, context)
      ? []
      : [
          mounting(
            r,
            `umount -l ${quote(r.spec.path)}`,
            'sh',
            '-c',
            UMOUNT_FOLDER,
            'sh',
            r.spec.path,
            noteOf(r.spec.path),
          ),
        ],
}

const mounting = (r: Resource<Owned>, instead: string | undefined, ...argv: string[]) =>
  ({
    stage: 'mount folders',
    operation: {
      ...within(r, ...argv),
      home: true,
      ...(instead !== undefined && { instead: `netlab exec ${r.namespace} -- ${instead}` }),
    },
  }) as const

/** The resource of a live folder. */
export const folderResource = (namespace: string, { path, mode, uid, gid }: HomeEntry): Resource<Owned> => ({
  id: folderId(namespace, path),
  kind: 'folder',
  namespace,
  spec: { path, mode, uid, gid },
})

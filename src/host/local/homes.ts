import { lstatSync, readFileSync } from 'node:fs'
import { HOME_NOTES, type HomeEntry, type LiveHome } from '../../model/live-home.ts'
import { attempt, list, netOf, pids, readFile, status } from './files.ts'
import { withinRoot } from './within-root.ts'

const MARK = 'NETLAB_HOME='

/** The mark of the home that a process keeps, from its environment; undefined when it keeps none. */
export function homeMarkIn(environ: string): string | undefined {
  if (!environ.includes(MARK)) return undefined
  return environ
    .split('\0')
    .find((variable) => variable.startsWith(MARK))
    ?.slice(MARK.length)
}

const markOf = (pid: string): string | undefined => homeMarkIn(readFile(`/proc/${pid}/environ`) ?? '')

/** The processes that keep homes, by the inodes of their network namespaces. */
let known = new Map<number, string>()

/** The process that keeps the home of the network namespace with this inode. */
export function keeperOf(inode: number): string | undefined {
  const pid = known.get(inode)
  if (pid !== undefined && netOf(pid) === inode && markOf(pid) !== undefined) return pid
  known = new Map(
    pids().flatMap((one): [number, string][] => {
      const net = markOf(one) === undefined ? undefined : netOf(one)
      return net === undefined ? [] : [[net, one]]
    }),
  )
  return known.get(inode)
}

export function homeOf(netns: string): number | undefined {
  const inode = status(`/run/netns/${netns}`)?.inode
  const pid = inode === undefined ? undefined : keeperOf(inode)
  return pid === undefined ? undefined : Number(pid)
}

/** A process that keeps a home. */
interface Keeper {
  readonly pid: string
  readonly namespace: string
  /** The inode of its network namespace. */
  readonly net: number | undefined
}

/** The homes that these processes keep. The home of a namespace that has lost its name stands for nothing but its processes. */
export function homesOf(keepers: readonly Keeper[]): LiveHome[] {
  const result = new Map<string, LiveHome>()
  for (const { pid, namespace, net } of keepers) {
    const isOrphan = status(`/run/netns/${namespace}`)?.inode !== net
    const other = result.get(namespace)
    const pids = [...(other?.pids ?? []), Number(pid)]
    const orphan = isOrphan || other?.orphan ? { orphan: true as const } : {}
    result.set(namespace, { ...(isOrphan ? EMPTY : homeIn(pid)), ...orphan, namespace, pids })
  }
  return [...result.values()]
}

const EMPTY: Omit<LiveHome, 'namespace' | 'pids'> = { hostname: '', layers: [], entries: [], loaded: new Map() }

/** A home, as its own notes have it. */
function homeIn(pid: string): typeof EMPTY {
  const root = `/proc/${pid}/root`
  const note = (name: string): string => readFile(`${root}${HOME_NOTES}/${name}`) ?? ''
  return {
    hostname: note('hostname'),
    layers: note('layers').split('\n').filter(Boolean),
    entries: list(`${root}${HOME_NOTES}/files`).flatMap((name) => entryOf(root, note(`files/${name}`)) ?? []),
    loaded: new Map(list(`${root}${HOME_NOTES}/loaded`).map((name) => [name, note(`loaded/${name}`)])),
  }
}

/** What is at the path of a note, `file PATH` or `folder PATH`; undefined when nothing is there. */
function entryOf(root: string, note: string): HomeEntry | undefined {
  const space = note.indexOf(' ')
  const [kind, path] = [note.slice(0, space), note.slice(space + 1)]
  if (kind !== 'file' && kind !== 'folder') return undefined
  return attempt(() => {
    const real = withinRoot(root, path)
    const { mode, uid, gid } = lstatSync(real)
    const permissions = (mode & 0o7777).toString(8).padStart(4, '0')
    const content = kind === 'file' && (mode & 0o170000) === 0o100000 ? { content: readFileSync(real) } : {}
    return { kind, path, mode: permissions, uid, gid, ...content }
  })
}

import { accessSync, constants, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { isNameless, namelessOf, processTag } from '../../model/owner.ts'
import type { LabProcesses } from '../../model/host.ts'
import type { LiveProcess } from '../../model/runner.ts'
import { attempt, list, netOf, pids, readFile, status } from './files.ts'
import { homeMarkIn, homesOf } from './homes.ts'

/** The environment variable that identifies a lab's processes: its value is `LAB/…`. */
const MARK = 'NETLAB_PROCESS='
const SPEC = 'NETLAB_SPEC='
const LOG = 'NETLAB_LOG='
const DONE = '\0NETLAB_DONE=true\0'
const NAME = /^[^/\0\s]+$/

/** The folder of logs (`Host.logFolder`): in /run or, if that belongs to others, in the user's own runtime folder. */
export function logFolder(): string {
  try {
    accessSync('/run', constants.W_OK)
    return '/run/netlab'
  } catch {
    return join(process.env['XDG_RUNTIME_DIR'] || `/tmp/netlab-${process.getuid?.() ?? 0}`, 'netlab')
  }
}

/**
 * The processes of a lab, recognised by their marks (src/kinds/process-scripts.ts), and the logs of those that have ended. One
 * pass over /proc: about 35 µs for every process of the machine. Processes of other users cannot be read and are skipped.
 */
export async function processes(lab: string): Promise<LabProcesses> {
  const found = new Map<string, LiveProcess>()
  const keep = (one: LiveProcess): void => {
    const key = isNameless(one.name) ? one.name : `${one.namespace}/${one.name}`
    // A running supervisor stands for all processes that it started; a stray process only for itself.
    if (one.state === 'running' || !found.has(key)) found.set(key, one)
  }
  const logs = logsOf(lab)
  const byTag = new Map(logs.map(({ namespace, name }) => [processTag(lab, namespace, name), { namespace, name }]))
  const here = folderOf('self')
  const marked = pids().flatMap((pid) => {
    const mark = markOf(pid, lab)
    return mark ? [{ pid, mark }] : []
  })
  // Those of other sandboxes, with another /run/netns, are left alone.
  const keepers = marked.flatMap(({ pid, mark }) =>
    'home' in mark && folderOf(pid) === here ? [{ pid, namespace: mark.home, net: netOf(pid) }] : [],
  )
  const mounts = new Map(keepers.map(({ pid, net }) => [net, mountsOf(pid)]))
  for (const { pid, mark } of marked) {
    if ('home' in mark) continue
    const { namespace, name } = ('name' in mark ? mark : byTag.get(mark.tag)) ?? namelessAt(pid, lab, mark)
    const place = NAME.test(namespace) && NAME.test(name) ? foundIn(pid, namespace) : undefined
    if (!place) continue
    const spec = 'spec' in mark && place !== 'orphan' ? mark.spec : undefined
    // A process that is not in the home of its namespace was started before the home was made.
    const runs = spec !== undefined && (place === 'root' || mounts.get(netOf(pid)) === mountsOf(pid))
    const more = runs && { ...ownIn(mark), pid: Number(pid), spec }
    keep({ namespace, name, root: place === 'root', state: runs ? 'running' : 'stray', ...more })
  }
  for (const { namespace, name } of logs) keep({ namespace, name, root: false, state: 'ended' })
  const all = [...found.values()].sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1))
  return { processes: all, homes: homesOf(keepers) }
}

/** What a supervisor says of itself in its environment, besides its settings. */
const ownIn = (mark: Mark): Pick<LiveProcess, 'done' | 'log'> => ({
  ...('done' in mark && { done: true as const }),
  ...('log' in mark && mark.log !== undefined && { log: mark.log }),
})

/** Identifies the mount namespace of a process. */
const mountsOf = (pid: string): string | undefined => attempt(() => readlinkSync(`/proc/${pid}/ns/mnt`))

/** Whether a process was started by the lab, directly or by another process of it. */
export const isMarked = (pid: string, lab: string): boolean => markOf(pid, lab) !== undefined

/**
 * Whose process it is, of any lab: `netlab`'s own, which keeps a home or starts a process again, or that of the lab's process with
 * this `LAB/NAMESPACE/NAME`. Undefined without a mark in its environment.
 */
export function belongsTo(pid: string): 'netlab' | { readonly mark: string } | undefined {
  const environ = `\0${readFile(`/proc/${pid}/environ`) ?? ''}`
  if (homeMarkIn(environ) !== undefined || valueIn(environ, SPEC) !== undefined) return 'netlab'
  const mark = valueIn(environ, MARK)
  return mark === undefined ? undefined : { mark }
}

/** The value of a variable (`NAME=`) in an environment that begins with a zero byte. */
const valueIn = (environ: string, variable: string): string | undefined =>
  environ.split(`\0${variable}`)[1]?.split('\0', 1)[0]

/** `home`: it keeps the home of this namespace. */
type Mark =
  | { readonly home: string }
  | ({ readonly namespace: string; readonly name: string } & Pick<LiveProcess, 'spec' | 'done' | 'log'>)
  | { readonly tag: string }

/** The marks of a process; if it has overwritten its environment, only the tag in its limits. */
function markOf(pid: string, lab: string): Mark | undefined {
  const environ = `\0${readFile(`/proc/${pid}/environ`) ?? ''}`
  const at = environ.indexOf(`\0${MARK}${lab}/`) + 1
  if (at > 0) {
    const [, namespace = '', name = ''] = environ.slice(at + MARK.length, environ.indexOf('\0', at)).split('/')
    const spec = valueIn(environ, SPEC)
    const done = environ.includes(DONE) && { done: true as const }
    const log = valueIn(environ, LOG)
    return {
      namespace,
      name,
      ...(spec !== undefined && { spec }),
      ...done,
      ...(log !== undefined && { log: Number(log) }),
    }
  }
  const [owner, home] = homeMarkIn(environ)?.split('/') ?? []
  if (owner === lab && home !== undefined) return { home }
  const [, tag] = /^Max file locks +(\d+)/m.exec(readFile(`/proc/${pid}/limits`) ?? '') ?? []
  return tag !== undefined && namelessOf(lab, tag) !== undefined ? { tag } : undefined
}

/**
 * The namespace and name of a process of which only the tag is known: what started it has ended, and its log was removed. If
 * its namespace has no name, the default name of the machine's own namespace is used.
 */
function namelessAt(pid: string, lab: string, mark: Mark): { namespace: string; name: string } {
  const inode = netOf(pid)
  const namespace = list('/run/netns').find((name) => status(`/run/netns/${name}`)?.inode === inode)
  return { namespace: namespace ?? 'host', name: ('tag' in mark ? namelessOf(lab, mark.tag) : undefined) ?? '' }
}

/** The namespaces and names of the processes of a lab that have a log. */
const logsOf = (lab: string): { namespace: string; name: string }[] =>
  list(join(logFolder(), lab)).flatMap((namespace) =>
    list(join(logFolder(), lab, namespace)).flatMap((file) =>
      file.endsWith('.log') ? [{ namespace, name: file.slice(0, -'.log'.length) }] : [],
    ),
  )

/**
 * Where a marked process is: in its namespace (`named`), in the machine's own (`root`), or in a deleted or another namespace
 * (`orphan`). Undefined when it belongs to another sandbox, with another /run/netns.
 */
function foundIn(pid: string, namespace: string): 'named' | 'root' | 'orphan' | undefined {
  const inode = netOf(pid)
  if (inode === undefined) return undefined
  if (status(`/run/netns/${namespace}`)?.inode === inode) return 'named'
  if (inode === netOf('self')) return 'root'
  const folder = folderOf(pid)
  return folder !== undefined && folder === folderOf('self') ? 'orphan' : undefined
}

/** Identifies the /run/netns of a process; undefined when it has none. */
function folderOf(pid: string): string | undefined {
  const folder = status(`/proc/${pid}/root/run/netns`)
  return folder && `${folder.device} ${folder.inode}`
}

import { accessSync, constants, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { isNameless, namelessOf, processTag } from '../../model/owner.ts'
import type { LiveProcess } from '../../model/runner.ts'
import { attempt, list, readFile, status } from './files.ts'

/** What the environment of a lab's processes begins to say who they are with; the lab's name and a slash follow. */
const MARK = 'NETLAB_PROCESS='
const SPEC = 'NETLAB_SPEC='
const NAME = /^[^/\0\s]+$/

/** The folder with a folder per lab, in which NS/NAME.log lie: in /run, or where that is not ours, in the user's own. */
export function logFolder(): string {
  try {
    accessSync('/run', constants.W_OK)
    return '/run/netlab'
  } catch {
    return join(process.env['XDG_RUNTIME_DIR'] || `/tmp/netlab-${process.getuid?.() ?? 0}`, 'netlab')
  }
}

/**
 * The processes of a lab, by the marks that they carry (src/kinds/process-scripts.ts), and the logs that are left. One pass
 * over /proc: about 35 µs for every process of the machine. What is somebody else's cannot be read, and is skipped.
 */
export async function processes(lab: string): Promise<LiveProcess[]> {
  const found = new Map<string, LiveProcess>()
  const keep = (one: LiveProcess): void => {
    const key = isNameless(one.name) ? one.name : `${one.namespace}/${one.name}`
    // The supervisor speaks for those that it started; a stray one only for itself.
    if (one.state === 'running' || !found.has(key)) found.set(key, one)
  }
  const logs = logsOf(lab)
  const byTag = new Map(logs.map(({ namespace, name }) => [processTag(lab, namespace, name), { namespace, name }]))
  for (const pid of pids()) {
    const mark = markOf(pid, lab)
    if (!mark) continue
    const { namespace, name } = ('name' in mark ? mark : byTag.get(mark.tag)) ?? namelessAt(pid, lab, mark)
    const place = NAME.test(namespace) && NAME.test(name) ? placeOf(pid, namespace) : undefined
    if (!place) continue
    const spec = 'spec' in mark && place !== 'orphan' ? mark.spec : undefined
    const runs = spec !== undefined
    keep({ namespace, name, root: place === 'root', state: runs ? 'running' : 'stray', ...(runs && { spec }) })
  }
  for (const { namespace, name } of logs) keep({ namespace, name, root: false, state: 'ended' })
  return [...found.values()].sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1))
}

/** The process ids of the machine, as far as they are seen from here. */
export const pids = (): string[] => readdirSync('/proc').filter((entry) => /^\d/.test(entry))

/** Whether a process is one of the lab's, or was started by one. */
export const isMarked = (pid: string, lab: string): boolean => markOf(pid, lab) !== undefined

type Mark = { readonly namespace: string; readonly name: string; readonly spec?: string } | { readonly tag: string }

/** What the marks of a process say: all of it, or, where it has rewritten its environment, only the number that it kept. */
function markOf(pid: string, lab: string): Mark | undefined {
  const environ = `\0${readFile(`/proc/${pid}/environ`) ?? ''}`
  const at = environ.indexOf(`\0${MARK}${lab}/`) + 1
  if (at > 0) {
    const [, namespace = '', name = ''] = environ.slice(at + MARK.length, environ.indexOf('\0', at)).split('/')
    const spec = environ.split(`\0${SPEC}`)[1]?.split('\0', 1)[0]
    return { namespace, name, ...(spec !== undefined && { spec }) }
  }
  const [, tag] = /^Max file locks +(\d+)/m.exec(readFile(`/proc/${pid}/limits`) ?? '') ?? []
  return tag !== undefined && namelessOf(lab, tag) !== undefined ? { tag } : undefined
}

/**
 * Where a process is of which nothing is known but its tag: what started it has ended, and its log is gone. Where that has
 * no name, it is called as the machine's own namespace is by those who do not say.
 */
function namelessAt(pid: string, lab: string, mark: Mark): { namespace: string; name: string } {
  const inode = netOf(pid)
  const namespace = list('/run/netns').find((name) => status(`/run/netns/${name}`)?.inode === inode)
  return { namespace: namespace ?? 'host', name: ('tag' in mark ? namelessOf(lab, mark.tag) : undefined) ?? '' }
}

/** The logs of a lab, by what they are of. */
const logsOf = (lab: string): { namespace: string; name: string }[] =>
  list(join(logFolder(), lab)).flatMap((namespace) =>
    list(join(logFolder(), lab, namespace)).flatMap((file) =>
      file.endsWith('.log') ? [{ namespace, name: file.slice(0, -'.log'.length) }] : [],
    ),
  )

/**
 * Where a marked process is: in its namespace; in the machine's own; `orphan` when its namespace was deleted under it, or it
 * has gone to another. Undefined when it is in another sandbox: what it sees is another /run/netns.
 */
function placeOf(pid: string, namespace: string): 'named' | 'root' | 'orphan' | undefined {
  const inode = netOf(pid)
  if (inode === undefined) return undefined
  if (status(`/run/netns/${namespace}`)?.inode === inode) return 'named'
  if (inode === netOf('self')) return 'root'
  const folder = folderOf(pid)
  return folder !== undefined && folder === folderOf('self') ? 'orphan' : undefined
}

/** The inode of the network namespace that a process is in. */
export const netOf = (pid: string): number | undefined =>
  attempt(() => Number(/\d+/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[0]))

/** Which /run/netns a process sees; undefined: none. */
function folderOf(pid: string): string | undefined {
  const folder = status(`/proc/${pid}/root/run/netns`)
  return folder && `${folder.device} ${folder.inode}`
}

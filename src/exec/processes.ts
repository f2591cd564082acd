import { accessSync, constants, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { LiveProcess } from '../model/runner.ts'

/** What the environment of a lab's processes begins to say who they are with; the lab's name and a slash follow. */
export const MARK = 'NETLAB_PROCESS='
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

/** Where the output of a process goes. */
export const logFile = (lab: string, namespace: string, name: string): string =>
  join(logFolder(), lab, namespace, `${name}.log`)

/**
 * The processes of a lab, by the marks in their environment (environ of proc_pid(5)), and the logs that are left. One
 * pass over /proc: about 15 µs for every process of the machine. What is somebody else's cannot be read, and is skipped.
 */
export async function processes(lab: string): Promise<LiveProcess[]> {
  const found = new Map<string, LiveProcess>()
  const keep = (one: LiveProcess): void => {
    const key = `${one.namespace}/${one.name}`
    // The supervisor speaks for those that it started; a stray one only for itself.
    if (one.state === 'running' || !found.has(key)) found.set(key, one)
  }
  for (const pid of readdirSync('/proc')) {
    const environ = /^\d/.test(pid) ? text(`/proc/${pid}/environ`) : undefined
    const at = environ === undefined ? -1 : `\0${environ}`.indexOf(`\0${MARK}${lab}/`)
    if (environ === undefined || at < 0) continue
    const [, namespace = '', name = ''] = environ.slice(at + MARK.length, environ.indexOf('\0', at)).split('/')
    const place = NAME.test(namespace) && NAME.test(name) ? placeOf(pid, namespace) : undefined
    if (!place) continue
    const spec = `\0${environ}`.split(`\0${SPEC}`)[1]?.split('\0', 1)[0]
    const runs = spec !== undefined && place !== 'orphan'
    keep({ namespace, name, root: place === 'root', state: runs ? 'running' : 'stray', ...(runs && { spec }) })
  }
  for (const namespace of names(join(logFolder(), lab)))
    for (const file of names(join(logFolder(), lab, namespace)))
      if (file.endsWith('.log')) keep({ namespace, name: file.slice(0, -'.log'.length), root: false, state: 'ended' })
  return [...found.values()].sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1))
}

/**
 * Where a marked process is: in its namespace; in the machine's own; `orphan` when its namespace was deleted under it.
 * Undefined when it is in another sandbox: as it sees /run/netns, the name still means the namespace that it is in.
 */
function placeOf(pid: string, namespace: string): 'named' | 'root' | 'orphan' | undefined {
  const net = link(`/proc/${pid}/ns/net`)
  if (net === undefined || link(`/proc/${pid}/ns/user`) !== link('/proc/self/ns/user')) return undefined
  const inode = Number(/\d+/.exec(net)?.[0])
  if (inodeOf(`/run/netns/${namespace}`) === inode) return 'named'
  if (net === link('/proc/self/ns/net')) return 'root'
  return inodeOf(`/proc/${pid}/root/run/netns/${namespace}`) === inode ? undefined : 'orphan'
}

/** What `read` returns; undefined when it throws. */
export const attempt = <T>(read: () => T): T | undefined => {
  try {
    return read()
  } catch {
    return undefined // it has ended meanwhile, or is not ours to look at
  }
}
const text = (path: string): string | undefined => attempt(() => readFileSync(path, 'utf8'))
const link = (path: string): string | undefined => attempt(() => readlinkSync(path))
const inodeOf = (path: string): number | undefined => attempt(() => statSync(path).ino)
const names = (folder: string): string[] => attempt(() => readdirSync(folder)) ?? []

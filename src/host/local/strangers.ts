import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../../model/diagnostic.ts'
import type { Resident } from '../../model/host.ts'
import type { Stranger } from '../../model/runner.ts'
import { netOf, pids, readFile, status } from './files.ts'
import { belongsTo, isMarked } from './lab-processes.ts'
import { signal } from './programs.ts'

/** How long a process may take to end after SIGTERM, and again after SIGKILL, in milliseconds. */
const PATIENCE = 2000
/** A netlab that reads a namespace is in it for a millisecond or two: who is a stranger is still there after so many. */
const PASSING = 20

/**
 * The processes in these namespaces without the lab's marks. Processes that cannot be read are skipped: they belong to other
 * users and are in other namespaces.
 */
export const strangers = (lab: string, namespaces: readonly string[]): Promise<Stranger[]> =>
  processesIn(namespaces, (pid) => !isMarked(pid, lab))

/** All processes in these namespaces but netlab's own, and the processes of labs to which they belong. */
export async function residents(namespaces: readonly string[]): Promise<Resident[]> {
  const marks = new Map<number, string>()
  const found = await processesIn(namespaces, (pid) => {
    const owner = belongsTo(pid)
    if (typeof owner === 'object') marks.set(Number(pid), owner.mark)
    return owner !== 'netlab'
  })
  return found.map((one) => {
    const [lab, namespace = one.namespace, process] = marks.get(one.pid)?.split('/') ?? []
    return { ...one, namespace, ...(lab && process && { of: { lab, process } }) }
  })
}

async function processesIn(namespaces: readonly string[], isMeant: (pid: string) => boolean): Promise<Stranger[]> {
  const homes = new Map<number, string>()
  for (const namespace of namespaces) {
    const inode = status(`/run/netns/${namespace}`)?.inode
    if (inode !== undefined) homes.set(inode, namespace)
  }
  const homeOf = (pid: string): string | undefined => homes.get(netOf(pid) ?? 0)
  const inside = pids().filter((pid) => homeOf(pid) !== undefined && isMeant(pid))
  if (inside.length > 0) await sleep(PASSING)
  return inside.flatMap((pid): Stranger[] => {
    const namespace = homeOf(pid)
    const started = namespace === undefined ? undefined : startOf(Number(pid))
    if (namespace === undefined || started === undefined) return []
    const command = textOf(pid, 'cmdline').replaceAll('\0', ' ').trim() || textOf(pid, 'comm').trim()
    return [{ namespace, pid: Number(pid), started, command }]
  })
}

/** Ends processes with SIGTERM, then SIGKILL. Throws a UserError when one still exists after that. */
export async function end(processes: readonly Stranger[]): Promise<void> {
  for (const name of ['SIGTERM', 'SIGKILL'] as const) {
    for (const one of processes) if (isThere(one)) signal(one.pid, name)
    for (const until = Date.now() + PATIENCE; processes.some(isThere) && Date.now() < until;) await sleep(20)
  }
  const left = processes.filter(isThere)
  if (left.length)
    throw UserError.of(
      'process-not-ended',
      `cannot end ${left.map(({ pid, command }) => `${pid} (${command})`).join(', ')}`,
      'Nothing was changed. End them yourself, or run this as somebody who may.',
    )
}

const isThere = ({ pid, started }: Stranger): boolean => startOf(pid) === started

/** Field 22 of /proc/PID/stat; undefined when the process does not exist or is a zombie. */
function startOf(pid: number): string | undefined {
  // The name of the program, in parentheses, may contain spaces.
  const fields = textOf(pid, 'stat')
    .replace(/^.*\) /s, '')
    .split(' ')
  return fields[0] === 'Z' ? undefined : fields[19]
}

const textOf = (pid: number | string, file: string): string => readFile(`/proc/${pid}/${file}`) ?? ''

import type { ChildProcess } from 'node:child_process'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { childProcesses } from '../local/programs.ts'

/**
 * A sandbox: a user, mount and network namespace of one user (user_namespaces(7)), with a /run of its own, so that labs work
 * in it as on the machine. One process, the holder, keeps it alive; everything else is read from /proc.
 */
export interface Sandbox {
  /** The holder's process id. */
  readonly pid: number
  readonly name: string
}

/** The argument of a holder before the name of the sandbox. */
const TITLE = 'netlab-sandbox'

/** The pattern of names: a name is part of a path and of an argv. */
export const sandboxName = /^[a-z0-9][a-z0-9-]{0,31}$/

/**
 * A FIFO in the sandbox's own /run, created when the sandbox is ready. A process that can see it is in this sandbox. The holder
 * sleeps by reading from it.
 */
export const doorOf = (name: string): string => `/run/${TITLE}-${name}`

const WAIT = `exec </dev/null >/dev/null 2>&1; read -r end <>"/run/${TITLE}-$1"`

/** The argv of a holder, as sandbox.sh starts it. */
const holderArgv = (name: string): string[] => ['sh', '-c', WAIT, TITLE, name]

/** Starts a holder of the sandbox that this process is in, for one that was killed. */
export function holdSandbox(name: string): ChildProcess {
  const [program = '', ...args] = holderArgv(name)
  const env = { PATH: process.env['PATH'] }
  const holder = childProcesses().spawn(program, args, { detached: true, stdio: 'ignore', cwd: '/', env })
  holder.unref()
  return holder
}

const attempt = <T>(read: () => T): T | undefined => {
  try {
    return read()
  } catch {
    return undefined // it has ended meanwhile, or belongs to another user
  }
}

const processes = (): number[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d/.test(entry))
    .map(Number)

/** Whether a process exists and is not a zombie (proc_pid_stat(5)). */
const isAlive = (pid: number): boolean =>
  /\) [^ZX]/.test(attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? '')

const userNamespace = (pid: number | 'self'): string | undefined => attempt(() => readlinkSync(`/proc/${pid}/ns/user`))

const isMine = (path: string): boolean => attempt(() => lstatSync(path).uid) === process.geteuid?.()

/** Whether a process is in a sandbox of this name, one of this user's. */
const isBehind = (pid: number, name: string): boolean => isMine(`/proc/${pid}/root${doorOf(name)}`)

const isTitled = (pid: number, name: string): boolean =>
  attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.endsWith(`\0${TITLE}\0${name}\0`) === true

/** Whether this process is the holder of a sandbox that is ready. */
export const isHolder = (pid: number, name: string): boolean => isTitled(pid, name) && isBehind(pid, name)

/** The title of a netlab that is about to end: others do not count it, so that of two that end at once one is the last. */
export const LEAVING = 'netlab-leaving'

const isLeaving = (pid: number): boolean =>
  attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.startsWith(LEAVING) === true

/** The holders of the sandbox that this process is in, and the other processes in it, without this one. */
export function inhabitants(name: string): { readonly holders: readonly number[]; readonly others: readonly number[] } {
  const here = userNamespace('self')
  const all = processes().filter((pid) => pid !== process.pid && userNamespace(pid) === here && isAlive(pid))
  const holders = all.filter((pid) => isTitled(pid, name))
  return { holders, others: all.filter((pid) => !holders.includes(pid) && !isLeaving(pid)) }
}

/** Whether this process is in a sandbox: the machine's own network is then out of reach. */
export const isSandboxed = (): boolean =>
  (attempt(() => readdirSync('/run')) ?? []).some((entry) => entry.startsWith(`${TITLE}-`))

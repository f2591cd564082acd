import { closeSync, readdirSync } from 'node:fs'
import { UserError } from '../../model/diagnostic.ts'
import { holdSandbox, inhabitants, isHolder, LEAVING } from './holder.ts'
import { forget } from './memory.ts'

/** The variable in which the netlab outside passes its process id (0: it does not wait), the holder's, sandbox and directory. */
export const ENTERED = 'NETLAB_ENTERED'

/** The variable for a process that outlives the one that was sent in: the holder's process id and the sandbox. */
const STAYS = 'NETLAB_STAYS'

/** The sandbox that this process was sent into. */
let entered: { readonly name: string; readonly holder: number } | undefined

/** How often this process checks whether the one outside still exists, in milliseconds. */
const INTERVAL = 100

/**
 * If this process was sent into a sandbox: changes to the directory of the one outside, ends when that one is killed, and
 * at its end starts or ends the holder as needed (`leave`). Returns whether it was sent. Throws a UserError when the directory
 * does not exist.
 */
export function takeOverSandbox(): boolean {
  const [, outside, holder, name = '', folder = ''] = /^(\d+) (\d+) (\S+) (.*)$/s.exec(process.env[ENTERED] ?? '') ?? []
  if (outside === undefined) return false
  Reflect.deleteProperty(process.env, ENTERED)
  for (const fd of [3, 4, 5]) closeSync(fd) // the namespaces, which this process is in by now
  // The holder may have ended, with its last lab, while this process was started.
  const kept = keep(name, Number(holder))
  entered = { name, holder: kept }
  process.on('exit', () => leave(name, kept))
  if (outside !== '0')
    setInterval(() => {
      if (process.ppid !== Number(outside)) process.kill(process.pid, 'SIGKILL')
    }, INTERVAL).unref()
  try {
    process.chdir(folder)
  } catch (error) {
    throw UserError.of(
      'no-sandbox',
      `the directory ${folder} cannot be reached from the sandbox`,
      (error as Error).message,
    )
  }
  return true
}

/** The environment for a process of netlab's that outlives this one: at its end it calls `leave` as well. */
export const staying = (): Record<string, string> => (entered ? { [STAYS]: `${entered.holder} ${entered.name}` } : {})

/** Arranges in such a process that it calls `leave` at its end. */
export function stay(): void {
  const [, holder, name = ''] = /^(\d+) (\S+)$/.exec(process.env[STAYS] ?? '') ?? []
  if (holder !== undefined) process.on('exit', () => leave(name, Number(holder)))
}

/** Ends the sandbox with its last lab; a sandbox that still has labs gets a new holder if the old one was killed. */
function leave(name: string, holder: number): void {
  if (readdirSync('/run/netns').length > 0) return void keep(name, holder)
  process.title = LEAVING
  const { holders, others } = inhabitants(name)
  if (others.length > 0) return
  forget(name)
  for (const pid of holders) process.kill(pid, 'SIGKILL')
}

/** The process id of the holder: this one, or, when it has ended, a new one. */
const keep = (name: string, holder: number): number => (isHolder(holder, name) ? holder : (holdSandbox(name).pid ?? 0))

import { closeSync, readdirSync } from 'node:fs'
import { UserError } from '../../model/diagnostic.ts'
import { holdSandbox, inhabitants, isHolder, LEAVING } from './holder.ts'
import { forget } from './memory.ts'

/** What enter() tells the netlab that it starts: its own process id (0: it waits for nothing), the holder's, the sandbox, the directory. */
export const ENTERED = 'NETLAB_ENTERED'

/** What a process is told that outlives the one that was sent in: the holder's process id, and the sandbox. */
const STAYS = 'NETLAB_STAYS'

/** The sandbox that this process was sent into. */
let entered: { readonly name: string; readonly holder: number } | undefined

/** How often it is looked whether the one outside is still there, in milliseconds. */
const INTERVAL = 100

/**
 * Settles in when this process was sent into a sandbox: goes to the directory that was left, ends when the one outside
 * is killed, and at the end sees to the holder. Returns whether it was sent. Throws a UserError when the directory is not
 * there.
 */
export function takeOverSandbox(): boolean {
  const [, outside, holder, name = '', folder = ''] = /^(\d+) (\d+) (\S+) (.*)$/s.exec(process.env[ENTERED] ?? '') ?? []
  if (outside === undefined) return false
  Reflect.deleteProperty(process.env, ENTERED)
  for (const fd of [3, 4, 5]) closeSync(fd) // the namespaces, which this process is in by now
  // It may have ended, with its last lab, while this process came in.
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

/** The environment for a process of netlab's that outlives this one: it will see to the holder as well. */
export const staying = (): Record<string, string> => (entered ? { [STAYS]: `${entered.holder} ${entered.name}` } : {})

/** In such a process: sees to the holder at the end. */
export function stay(): void {
  const [, holder, name = ''] = /^(\d+) (\S+)$/.exec(process.env[STAYS] ?? '') ?? []
  if (holder !== undefined) process.on('exit', () => leave(name, Number(holder)))
}

/** The sandbox goes away with its last lab; and one with labs is kept, also when its holder was killed meanwhile. */
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

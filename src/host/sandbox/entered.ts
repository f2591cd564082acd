import { closeSync, readdirSync } from 'node:fs'
import { UserError } from '../../model/diagnostic.ts'
import type { Host } from '../../model/host.ts'
import { thisMachine } from '../this-machine.ts'
import { holdSandbox, inhabitants, isHolder, isSandboxed, LEAVING, type Sandbox } from './holder.ts'
import { forget } from './memory.ts'
import { apartHost, isApart, sandboxHost } from './sandbox-host.ts'

/** The variable in which the netlab outside passes its process id (0: it does not wait), the holder's, sandbox and directory. */
export const ENTERED = 'NETLAB_ENTERED'

/** The variable for a process that outlives the one that was sent in: the holder's process id and the sandbox. */
const STAYS = 'NETLAB_STAYS'

/** How often this process checks whether the one outside still exists, in milliseconds. */
const INTERVAL = 100

/**
 * The host on which this process was started: the machine, or the sandbox that it is in. If it was sent into the sandbox
 * (`enterSandbox`), it changes to the directory of the process outside, ends when that one is killed, and at its end starts or
 * ends the holder as needed (`leave`). Throws a UserError when the directory does not exist.
 */
export function startingHost(): Host {
  const sent = takeOver() ?? stay()
  if (!sent && isApart()) return apartHost
  if (sent) return sandboxHost({ [STAYS]: `${sent.pid} ${sent.name}` })
  return isSandboxed() ? sandboxHost({}) : thisMachine
}

/** The value of a variable that only this process is to have. */
function taken(variable: string): string {
  const value = process.env[variable] ?? ''
  Reflect.deleteProperty(process.env, variable)
  return value
}

function takeOver(): Sandbox | undefined {
  const [, outside, holder, name = '', folder = ''] = /^(\d+) (\d+) (\S+) (.*)$/s.exec(taken(ENTERED)) ?? []
  if (outside === undefined) return undefined
  for (const fd of [3, 4, 5]) closeSync(fd) // the namespaces, which this process is in by now
  // The holder may have ended, with its last lab, while this process was started.
  const kept = keep(name, Number(holder))
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
  return { name, pid: kept }
}

/** The sandbox of a process that outlives the one that was sent in (`Host.startLasting`). */
function stay(): Sandbox | undefined {
  const [, holder, name = ''] = /^(\d+) (\S+)$/.exec(taken(STAYS)) ?? []
  if (holder === undefined) return undefined
  process.on('exit', () => leave(name, Number(holder)))
  return { name, pid: Number(holder) }
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

import { constants } from 'node:os'
import { StringDecoder } from 'node:string_decoder'
import type { Command } from '../model/command.ts'
import type { Child, Host } from '../model/host.ts'

/**
 * A shell script that runs a program without input. When the script's own input ends, it kills the whole process group, so
 * that whatever a check has started ends with netlab, however netlab ends.
 */
const TIED = `exec 3<&0 </dev/null
{ cat <&3 >/dev/null 2>&1; kill -s KILL 0; } 2>/dev/null &
"$@" 3<&- &
wait $!`

/** The result of a program that has ended. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** It was killed because it took too long. */
  readonly late: boolean
}

/** How long the output of a program may still arrive after its end, in milliseconds. */
const LINGER = 1000

/** Starts a program that cannot outlive this one. `endChild` ends it, with all its children. */
export const startTied = (host: Host, { argv, ...where }: Command): Child =>
  host.start({ argv: ['sh', '-c', TIED, 'sh', ...argv], ...where }, { LC_ALL: 'C' })

/** Kills a program and its whole process group, which it leads, and stops waiting for it. */
export function endChild(host: Host, child: Child): void {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
    host.signal(-child.pid, 'SIGKILL')
  for (const stream of child.stdio) stream?.destroy()
  child.unref()
}

/**
 * Runs a program to its end, for at most `timeout` ms. Processes that it has put into a session of their own go on; they are
 * not waited for, even if they hold the output open.
 */
export function runTied(host: Host, command: Command, timeout: number): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = startTied(host, command)
    const texts = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      const decoder = new StringDecoder('utf8')
      child[name].on('data', (data: Buffer) => (texts[name] += decoder.write(data)))
    }
    let late = false
    let code = 0
    const done = (): void => {
      clearTimeout(timer)
      endChild(host, child)
      resolve({ ...texts, code, late })
    }
    let timer = setTimeout(() => {
      late = true
      code = 128 + constants.signals.SIGKILL
      child.stdin.end()
      timer = setTimeout(done, LINGER)
    }, timeout)
    child.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.once('exit', (exit, signal) => {
      clearTimeout(timer)
      code = exit ?? 128 + (signal ? constants.signals[signal] : 0)
      child.stdin.end() // what the program left in the background holds its output open
      timer = setTimeout(done, LINGER)
    })
    child.once('close', done)
  })
}

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { constants } from 'node:os'
import { StringDecoder } from 'node:string_decoder'

/**
 * Shell: runs a program without input; when this one's own input ends, the whole process group is killed. So whatever
 * a check has started ends with netlab, however netlab ends.
 */
const TIED = `exec 3<&0 </dev/null
{ cat <&3 >/dev/null 2>&1; kill -s KILL 0; } 2>/dev/null &
"$@" 3<&- &
wait $!`

/** How a program ended. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** It was killed because it took too long. */
  readonly late: boolean
}

/** Starts a program that cannot outlive this one. It ends, with all its children, when its `stdin` is ended. */
export const startTied = (argv: readonly string[]): ChildProcessWithoutNullStreams => {
  const child = spawn('sh', ['-c', TIED, 'sh', ...argv], { detached: true, env: { ...process.env, LC_ALL: 'C' } })
  child.stdin.on('error', () => {}) // it may have ended first
  return child
}

/** Runs a program to its end, at most `timeout` ms. */
export function runTied(argv: readonly string[], timeout: number): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = startTied(argv)
    const texts = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      const decoder = new StringDecoder('utf8')
      child[name].on('data', (data: Buffer) => (texts[name] += decoder.write(data)))
    }
    let late = false
    let code = 0
    const timer = setTimeout(() => {
      late = true
      child.stdin.end()
    }, timeout)
    child.once('error', reject)
    child.once('exit', (exit, signal) => {
      clearTimeout(timer)
      code = exit ?? 128 + (signal ? constants.signals[signal] : 0)
      child.stdin.end() // what the program left in the background holds its output open
    })
    child.once('close', () => resolve({ ...texts, code, late }))
  })
}

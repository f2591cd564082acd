import { processResource } from '../kinds/process.ts'
import { logFile } from '../host/process-logs.ts'
import type { Host } from '../model/host.ts'
import type { ProcessState } from '../model/process-state.ts'
import type { Resource } from '../model/resource.ts'
import type { LiveProcess } from '../model/runner.ts'

/** Clock ticks in a second: USER_HZ, of every architecture that netlab runs on (proc_pid_stat(5)). */
const TICKS = 100

/** The resources of a lab's processes and setups, and what each does. */
export async function processStates(
  lab: string,
  host: Host,
): Promise<{ readonly resource: Resource; readonly state: ProcessState }[]> {
  return (await host.processes(lab)).processes.map((one) => ({
    resource: processResource(one),
    state: stateOf(lab, one, host),
  }))
}

function stateOf(lab: string, { namespace, name, state, pid, log, done }: LiveProcess, host: Host): ProcessState {
  if (done) return { state: 'done' }
  if (state === 'stray') return { state }
  const text = host.readFile(logFile(host, lab, namespace, name)) ?? ''
  const printed = Buffer.from(text).subarray(log === undefined ? 0 : log - 1)
  const ends = [...printed.toString().matchAll(/^netlab: ended with exit code (\d+)$/gm)]
  const last = ends.at(-1)?.[1]
  const exit = last === undefined ? {} : { exit_code: Number(last) }
  if (state === 'ended' || pid === undefined) return { state, ...exit }
  const child = Number(/^\d+/.exec(host.readFile(`/proc/${pid}/task/${pid}/children`) ?? '')?.[0] ?? pid)
  return { state, pid: child, ...ageOf(child, host), restarts: ends.length, ...exit }
}

function ageOf(pid: number, host: Host): { age?: number } {
  const uptime = Number(host.readFile('/proc/uptime')?.split(' ')[0])
  // The name in parentheses may contain spaces; the start is the 22nd field.
  const started = Number(
    host
      .readFile(`/proc/${pid}/stat`)
      ?.replace(/^.*\) /s, '')
      .split(' ')[19],
  )
  return Number.isFinite(uptime - started) ? { age: Math.max(0, Math.round(uptime - started / TICKS)) } : {}
}

import type * as ChildProcesses from 'node:child_process'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { placed, type Command, type Outcome } from '../../model/command.ts'
import type { Child } from '../../model/host.ts'
import { homeOf } from './homes.ts'
import { lockDescriptor } from './lock.ts'

/** How long a program may run that says nothing else, in seconds: it waits for nothing but the kernel. */
const TIMEOUT = 120

// Loaded on demand: most runs start no program, and loading takes Node 10 ms.
/** Node's own functions that start programs. */
export const childProcesses = (): typeof ChildProcesses =>
  createRequire(__filename)('node:child_process') as typeof ChildProcesses

/** The argv that runs the command in its namespace and its home; without a home that it is for, one that fails. */
export function entering(command: Command): string[] {
  if (!command.home) return placed(command)
  const keeper = homeOf(command.netns ?? '')
  return keeper === undefined ? ['sh', '-c', GONE, 'sh', command.netns ?? ''] : placed(command, keeper)
}

/** What is for a home must never run with the files of the machine. */
const GONE = 'echo "the home of $1 is gone" >&2; exit 1'

/** Runs one program to its end. Never throws: a program that is missing ends with code 127, as in a shell. */
export async function run(command: Command, signal?: AbortSignal): Promise<Outcome> {
  const { execa } = await import('execa') // loaded on demand: most runs start no program
  const [program = '', ...args] = entering(command)
  const { timeout = TIMEOUT, environment } = command
  const lock = lockDescriptor() as 3 | undefined // execa accepts any number; its types only those up to 9
  const result = await execa(program, args, {
    input: command.input ?? '',
    ...(lock !== undefined && { stdio: ['pipe', 'pipe', 'pipe', lock] as const }),
    reject: false,
    stripFinalNewline: false,
    timeout: timeout * 1000,
    maxBuffer: 1 << 30,
    env: environment === undefined ? { LC_ALL: 'C' } : { PATH: process.env['PATH'], ...environment },
    extendEnv: environment === undefined,
    // A process group of its own, which Ctrl-C does not reach: the program finishes, so that its result is known.
    detached: true,
    cleanup: false,
    ...(signal && { cancelSignal: signal }),
  })
  if (result.exitCode !== undefined) return { code: result.exitCode, stdout: result.stdout, stderr: result.stderr }
  const missing = 'code' in result && result.code === 'ENOENT'
  const reason = missing
    ? `${program}: command not found`
    : result.timedOut
      ? `no answer within ${timeout} s`
      : `${command.argv[0]} was ended by ${result.signal ?? 'something'}`
  return {
    code: missing ? 127 : 128 + (result.signal ? constants.signals[result.signal] : 0),
    stdout: result.stdout ?? '',
    stderr: [result.stderr, reason].filter(Boolean).join('\n'),
  }
}

export function start(command: Command, env: Readonly<Record<string, string>> = {}): Child {
  const [program = '', ...args] = entering(command)
  const child = childProcesses().spawn(program, args, { detached: true, env: { ...process.env, ...env } })
  child.stdin.on('error', () => {}) // the program may end before it has read its input
  return child
}

export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

import type * as ChildProcesses from 'node:child_process'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { placed, type Command, type Outcome } from '../../model/command.ts'
import type { Child } from '../host.ts'
import { lockDescriptor } from './lock.ts'

/** How long any one program may take, in milliseconds: none of them waits for anything but the kernel. */
const TIMEOUT = 120_000

// Most runs start no program, and node takes 10 ms to load this.
/** Node's own functions that start programs. */
export const childProcesses = (): typeof ChildProcesses =>
  createRequire(__filename)('node:child_process') as typeof ChildProcesses

/** Runs one program to its end. Never throws: a program that is missing ends with code 127, as in a shell. */
export async function run(command: Command, signal?: AbortSignal): Promise<Outcome> {
  const { execa } = await import('execa') // most runs need no program
  const [program = '', ...args] = placed(command)
  const lock = lockDescriptor() as 3 | undefined // execa takes any number; its types know those up to 9
  const result = await execa(program, args, {
    input: command.input ?? '',
    ...(lock !== undefined && { stdio: ['pipe', 'pipe', 'pipe', lock] as const }),
    reject: false,
    stripFinalNewline: false,
    timeout: TIMEOUT,
    maxBuffer: 1 << 30,
    env: { LC_ALL: 'C' },
    // Ctrl-C reaches the whole terminal group; what runs is let finish, so that it is known what was done.
    detached: true,
    cleanup: false,
    ...(signal && { cancelSignal: signal }),
  })
  if (result.exitCode !== undefined) return { code: result.exitCode, stdout: result.stdout, stderr: result.stderr }
  const missing = 'code' in result && result.code === 'ENOENT'
  const reason = missing
    ? `${program}: command not found`
    : result.timedOut
      ? `no answer within ${TIMEOUT / 1000} s`
      : `${command.argv[0]} was ended by ${result.signal ?? 'something'}`
  return {
    code: missing ? 127 : 128 + (result.signal ? constants.signals[result.signal] : 0),
    stdout: result.stdout ?? '',
    stderr: [result.stderr, reason].filter(Boolean).join('\n'),
  }
}

export function start(command: Command, env: NodeJS.ProcessEnv = process.env): Child {
  const [program = '', ...args] = placed(command)
  const child = childProcesses().spawn(program, args, { detached: true, env })
  child.stdin.on('error', () => {}) // it may have ended first
  return child
}

export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

import { constants } from 'node:os'
import type { Command, Outcome } from '../model/command.ts'
import { lockDescriptor } from './lock.ts'

/** How long any one program may take, in milliseconds: none of them waits for anything but the kernel. */
const TIMEOUT = 120_000

/** The argv that runs the command where it belongs. `nsenter` keeps the cost flat, however many namespaces there are. */
export const placed = ({ argv, netns }: Command): string[] =>
  netns === undefined ? [...argv] : ['nsenter', `--net=/run/netns/${netns}`, '--', ...argv]

/** Runs one program to its end. Never throws: a program that is missing ends with code 127, as in a shell. */
export async function runProcess(command: Command, signal?: AbortSignal): Promise<Outcome> {
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

/** Runs `work` over all items, at most `width` at a time. */
export async function parallel<T>(items: Iterable<T>, width: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]()
  const worker = async (): Promise<void> => {
    for (let next = queue.next(); !next.done; next = queue.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: width }, worker))
}

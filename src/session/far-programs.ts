import { Readable, Writable } from 'node:stream'
import { UserError } from '../model/diagnostic.ts'
import type { Command } from '../model/command.ts'
import type { Child, Host } from '../model/host.ts'

/** How a program ended. */
export interface ProgramEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** That a program has started, or a piece of its output, in base64. */
export interface ProgramEvent {
  readonly started?: true
  readonly stdout?: string
  readonly stderr?: string
}

/** What is written to the input of a program (base64), and whether it is closed then. */
export interface ProgramInput {
  readonly handle: number
  readonly data?: string
  readonly end?: true
}

/** The programs that a host runs for another process, which names them by handles. */
export interface FarPrograms {
  /** Starts a program; resolves when it has ended. Throws a UserError when it cannot be started. */
  readonly start: (
    handle: number,
    command: Command,
    env: Readonly<Record<string, string>>,
    emit: (event: ProgramEvent) => void,
  ) => Promise<ProgramEnd>
  readonly feed: (input: ProgramInput) => void
  /** Sends a signal to a program and its group: it may be the child of a shell that has entered the namespace. */
  readonly kill: (handle: number, signal: NodeJS.Signals) => boolean
  readonly killAll: () => void
}

/** Runs programs on a host for another process. */
export function farPrograms(host: Host): FarPrograms {
  const started = new Map<number, Child>()
  const kill: FarPrograms['kill'] = (handle, signal) => {
    const pid = started.get(handle)?.pid
    return pid !== undefined && host.signal(-pid, signal)
  }
  return {
    start(handle, command, env, emit) {
      const child = host.start(command, env)
      started.set(handle, child)
      for (const name of ['stdout', 'stderr'] as const)
        child[name].on('data', (data: Buffer) => emit({ [name]: data.toString('base64') }))
      return new Promise<ProgramEnd>((resolve, reject) => {
        child.once('spawn', () => emit({ started: true }))
        child.once('error', (error) => reject(UserError.of('program-missing', error.message)))
        child.once('close', (code, signal) => resolve({ code, signal }))
      }).finally(() => started.delete(handle))
    },
    feed({ handle, data, end }) {
      const input = started.get(handle)?.stdin
      if (data !== undefined) input?.write(Buffer.from(data, 'base64'))
      if (end) input?.end()
    },
    kill,
    killAll() {
      for (const handle of started.keys()) kill(handle, 'SIGKILL')
    },
  }
}

/** The streams of a program that another process runs: `take` its output, and `end` them when it has ended. */
export interface FarStreams {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  readonly take: (event: ProgramEvent) => void
  readonly end: () => void
}

/** Makes the streams of a program that another process runs; `feed` writes to its input there. */
export function farStreams(handle: number, feed: (input: ProgramInput) => Promise<unknown>): FarStreams {
  const outputs = { stdout: new Readable({ read() {} }), stderr: new Readable({ read() {} }) }
  const stdin = new Writable({
    write: (data: Buffer, _, done) => void feed({ handle, data: data.toString('base64') }).then(() => done(), done),
    final: (done) => void feed({ handle, end: true }).then(() => done(), done),
  })
  stdin.on('error', () => {}) // the program may end before it has read its input
  return {
    ...{ stdin, ...outputs },
    take(event) {
      for (const name of ['stdout', 'stderr'] as const) {
        const piece = event[name]
        if (piece !== undefined) outputs[name].push(Buffer.from(piece, 'base64'))
      }
    },
    end() {
      for (const output of Object.values(outputs)) output.push(null)
    },
  }
}

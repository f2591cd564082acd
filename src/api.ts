import { dirname, join } from 'node:path'
import type { ExecOptions, LabOptions, LabProcess, LiveLab, ProgramOptions } from './api-types.ts'
import { sourceOf } from './commands/lab-source.ts'
import { thisMachine } from './host/this-machine.ts'
import type { Host } from './model/host.ts'
import { openLive, type Session } from './session/client.ts'
import { farStreams } from './session/far-programs.ts'
import type { CopyInput, Operations, Source } from './session/protocol.ts'
import { startCopies } from './session/spare.ts'

export { UserError } from './model/diagnostic.ts'

/** The program of this package, whatever program this process runs. */
const host: Host = { ...thisMachine, self: [process.execPath, join(dirname(__filename), 'netlab.cjs')] }

const copies = startCopies(host)

/**
 * Builds a lab file in a throw-away sandbox, as root and as an ordinary user; without `fresh`, uses the one that is live. `file` is
 * a path, or `REV:FILE` in git. Rejects with a UserError, whose diagnostics have positions, when the file has errors, cannot be
 * built, or is not live; then nothing is left.
 */
export async function lab(
  file: string,
  { fresh = true, set = {}, processes = true }: LabOptions = {},
): Promise<LiveLab> {
  const source = sourceOf(file, { set: Object.entries(set).map(([name, value]) => `${name}=${value}`), say: () => {} })
  return await (fresh ? freshLab({ source, processes, lint: true }) : attachedLab(source))
}

async function attachedLab(source: Source): Promise<LiveLab> {
  const session = openLive(host)
  try {
    const found = await session.ask('attach', { source })
    await session.ask('settle', null)
    return liveLab(session, found)
  } catch (error) {
    await session.close()
    throw error
  }
}

async function freshLab(input: CopyInput): Promise<LiveLab> {
  const copy = await copies.open()
  try {
    const applied = await copy.ask('apply', input)
    await copy.ask('settle', null)
    copies.prepare()
    return liveLab(copy, applied)
  } catch (error) {
    await copy.close()
    throw error
  }
}

const listed = (words: string | readonly string[]): readonly string[] => (typeof words === 'string' ? [words] : words)

function liveLab({ ask, close }: Session, { name, leftOut, warnings }: Operations['apply']['result']): LiveLab {
  let handles = 0
  return {
    ...{ name, leftOut, warnings },
    exec: (namespace: string, argv: readonly string[], options: ExecOptions = {}) =>
      ask('exec', { ...options, namespace, argv }),
    spawn: (namespace: string, argv: readonly string[], options: ProgramOptions = {}) =>
      spawned(ask, { ...options, namespace, argv, handle: ++handles }),
    test: async ({ only, failFast = false } = {}) =>
      (await ask('test', { failFast, seed: 1, ...(only !== undefined && { only }) })).json,
    plan: () => ask('plan', null),
    trace: (from, to, { protocol = /^[^:]+:\d+$|\]:\d+$/.test(to) ? 'tcp' : 'icmp', size } = {}) =>
      ask('trace', { from, to, protocol, ...(size !== undefined && { size }) }),
    cut: (ends, { oneWay = false } = {}) => ask('cut', { targets: listed(ends), oneWay }),
    impair: (ends, impairment) => {
      const words = Object.entries(impairment).flatMap(([key, value]) =>
        value === undefined ? [] : [`${key}=${value}`],
      )
      return ask('impair', { words: [...listed(ends), ...words] })
    },
    partition: (...groups) => ask('partition', { groups }),
    heal: (...targets) => ask('heal', { targets }),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Starts a program, and connects its streams. Rejects when it cannot be started. */
async function spawned(ask: Session['ask'], program: Operations['spawn']['input']): Promise<LabProcess> {
  const { handle } = program
  const { stdin, stdout, stderr, take, end } = farStreams(handle, (input) => ask('feed', input))
  return await new Promise((resolve, reject) => {
    const exited = ask('spawn', program, (event) => {
      take(event)
      if (!event.started) return
      resolve({ stdin, stdout, stderr, exited, kill: (signal = 'SIGTERM') => ask('kill', { handle, signal }) })
    })
    exited.then(end, (error: Error) => {
      end()
      reject(error)
    })
  })
}

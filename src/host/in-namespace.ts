import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { UserError } from '../model/diagnostic.ts'
import { withNames, type Names } from '../model/names.ts'
import { placed } from './spawn.ts'

/** A namespace, and what names mean in it. */
export interface Place {
  /** The name under /run/netns; absent: the machine's own namespace. */
  readonly netns?: string
  readonly names: Names
  /** What programs there are told, as NAME=VALUE. */
  readonly variables: readonly string[]
}

/** The argv that runs `argv` in a namespace, where the names of its lab mean addresses. */
export const enterNamespace = ({ netns, names, variables }: Place, argv: readonly string[]): string[] =>
  placed({ argv: withNames(names, variables, argv), ...(netns !== undefined && { netns }) })

/** Runs a program in a namespace with this terminal, and with these variables added; otherwise as `front` does. */
export const attach = (
  place: Place,
  argv: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<number> => front(enterNamespace(place, argv), env)

/**
 * Runs a program with this terminal, and with these variables added. Returns its exit code; 128 + the signal's number
 * when a signal ended it. Signals that only netlab gets are passed on.
 */
export function front(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const [program = '', ...args] = argv
    const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...env } })
    for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => {
        // A terminal sends its own to both.
        const both = process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT')
        if (!both) child.kill(signal)
      })
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'ENOENT' ? UserError.of(`${program}: command not found`, 'It comes with util-linux.') : error,
      ),
    )
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  })
}

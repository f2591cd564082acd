import { constants } from 'node:os'
import { UserError } from '../../model/diagnostic.ts'
import type { Command } from '../../model/command.ts'
import { childProcesses, entering } from './programs.ts'

export function attach(command: Command, env: Readonly<Record<string, string>> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const [program = '', ...args] = entering(command)
    const child = childProcesses().spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...env } })
    for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => {
        // The terminal sends its own signals to netlab and to the program.
        const both = process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT')
        if (!both) child.kill(signal)
      })
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'ENOENT'
          ? UserError.of('program-missing', `${program}: command not found`, 'It comes with util-linux.')
          : error,
      ),
    )
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  })
}

import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { UserError } from '../../model/diagnostic.ts'
import { withSbin } from '../local/sbin.ts'
import { self } from '../local/self.ts'
import { sandboxName, type Sandbox } from './holder.ts'
import { ENTERED } from './entered.ts'
import { findOrStart } from './restart.ts'

const SIGNALS = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs netlab with these arguments in the user's sandbox of this name, with this terminal, environment and directory. Returns
 * its exit code, or ends this process by the signal that ended it.
 */
export async function enterSandbox(name: string, args: readonly string[]): Promise<number> {
  if (!sandboxName.test(name))
    throw UserError.of(
      'bad-option',
      `"${name}" cannot be the name of a sandbox`,
      'At most 32 small letters, digits and -.',
    )
  let namespaces: number[] | undefined
  let sandbox: Sandbox | undefined
  // A sandbox may end, with its last lab, after it was found and before it is opened; an open one continues to exist.
  for (let tries = 0; !namespaces && tries < 5; tries++) {
    sandbox = findOrStart(name)
    namespaces = open(sandbox)
  }
  if (!namespaces || !sandbox) throw UserError.of('no-sandbox', `the sandbox ${name} ends as soon as it is made`)
  const argv = [
    ...['--preserve-credentials', '--user=/proc/self/fd/3', '--mount=/proc/self/fd/4', '--net=/proc/self/fd/5', '--'],
    ...self,
    ...args,
  ]
  const { NETLAB_SANDBOX: _, ...kept } = process.env
  const env = {
    ...kept,
    PATH: withSbin(kept['PATH']),
    [ENTERED]: [process.pid, sandbox.pid, name, here()].join(' '),
  }
  const child = spawn('nsenter', argv, { stdio: ['inherit', 'inherit', 'inherit', ...namespaces], env })
  namespaces.forEach(closeSync)
  for (const signal of SIGNALS) process.on(signal, () => reachesAll(signal) || child.kill(signal))
  return new Promise((finish, fail) => {
    child.once('error', () =>
      fail(UserError.of('program-missing', 'nsenter: command not found', 'It comes with util-linux.')),
    )
    child.once('exit', (code, signal) => {
      if (!signal) return finish(code ?? 1)
      SIGNALS.forEach((one) => process.removeAllListeners(one))
      process.kill(process.pid, signal)
      // Some signals do not end Node at once, or at all.
      setTimeout(() => finish(128 + constants.signals[signal]), 100)
    })
  })
}

/** Opens the namespaces of a sandbox, so that they continue to exist; undefined when they do not exist any more. */
function open({ pid }: Sandbox): number[] | undefined {
  const fds: number[] = []
  try {
    for (const namespace of ['user', 'mnt', 'net']) fds.push(openSync(`/proc/${pid}/ns/${namespace}`, 'r'))
    return fds
  } catch {
    fds.forEach(closeSync)
    return undefined
  }
}

const here = (): string => {
  try {
    return process.cwd()
  } catch {
    return '/' // it was removed
  }
}

/** Whether the terminal sends this signal to the child as well: both are its foreground group (proc_pid_stat(5)). */
function reachesAll(signal: NodeJS.Signals): boolean {
  if (signal !== 'SIGINT' && signal !== 'SIGQUIT') return false
  const [, , group, , , front] = readFileSync('/proc/self/stat', 'utf8').replace(/.*\) /s, '').split(' ')
  return group === front
}

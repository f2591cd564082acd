import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { distance } from 'fastest-levenshtein'
import { ipRunner } from '../exec/ip.ts'
import { UserError } from '../model/diagnostic.ts'

/** `netlab exec NS -- CMD…`: the command's own exit code; 128 + the signal's number when a signal ended it. */
export async function exec(namespace: string, command: readonly string[]): Promise<number> {
  await mustExist(namespace)
  return await inside(namespace, command)
}

/** `netlab shell NS`: the user's shell in the namespace. */
export async function shell(namespace: string): Promise<number> {
  await mustExist(namespace)
  return await inside(namespace, [process.env['SHELL'] || '/bin/sh'], {
    NETLAB_NAMESPACE: namespace,
    PS1: `(${namespace}) \\w \\$ `,
  })
}

async function mustExist(namespace: string): Promise<void> {
  const names = (await ipRunner.list()).filter(({ stale }) => !stale).map(({ name }) => name)
  if (names.includes(namespace)) return
  const [nearest] = [...names].sort((a, b) => distance(a, namespace) - distance(b, namespace))
  throw UserError.of(
    `there is no namespace ${namespace}`,
    nearest === undefined ? 'No lab is live here.' : `Did you mean ${nearest}? There are: ${names.join(' ')}`,
  )
}

/** Runs the command with this terminal. `ip netns exec` gives it a /sys of the namespace, and its /etc/netns files. */
function inside(namespace: string, command: readonly string[], env: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('ip', ['netns', 'exec', namespace, ...command], {
      stdio: 'inherit',
      env: { ...process.env, ...env },
    })
    // The terminal sends Ctrl-C to both; the command decides what it means.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  })
}

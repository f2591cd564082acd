import { readFileSync } from 'node:fs'
import { UserError } from '../../model/diagnostic.ts'

/** Settings that keep users from creating namespaces: the value that does so, the command that allows it, and why. */
const OBSTACLES: readonly (readonly [key: string, value: string, allowing: string, why: string])[] = [
  ['kernel.unprivileged_userns_clone', '0', '1', 'Only root may make user namespaces here'],
  ['user.max_user_namespaces', '0', '15000', 'No user namespaces may be made here'],
  ['user.max_mnt_namespaces', '0', '15000', 'No mount namespaces may be made here'],
  ['user.max_net_namespaces', '0', '15000', 'No network namespaces may be made here'],
  [
    'kernel.apparmor_restrict_unprivileged_userns',
    '1',
    '0',
    'AppArmor lets users make user namespaces, and then refuses everything in them',
  ],
]

function fileText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

/**
 * The error for a sandbox that could not be made: the message of the kernel or tool, the settings of the machine that forbid
 * it, the command that allows it, and what works without a sandbox. `read` returns the text of a file.
 */
export function refusal(words: string, read: (path: string) => string | undefined = fileText): UserError {
  const found = OBSTACLES.filter(([key, value]) => read(`/proc/sys/${key.replaceAll('.', '/')}`) === value)
  const reasons = found.map(
    ([key, value, allowing, why]) => `${why} (${key}=${value}). To allow it: sudo sysctl -w ${key}=${allowing}`,
  )
  const filtered = /^Seccomp:\s*2$/m.test(read('/proc/self/status') ?? '')
  if (!reasons.length && /No space left/.test(words))
    reasons.push('There are as many namespaces as user.max_*_namespaces allow (sysctl -a -r "^user.max").')
  if (!reasons.length && filtered)
    reasons.push(
      'This seems to be a container whose system calls are filtered: start it so that it may make user namespaces ' +
        '(docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined).',
    )
  return UserError.of(
    'no-sandbox',
    `no sandbox can be made for labs without root: ${words}`,
    [...reasons, 'Or use the machine itself, as root: put sudo before the command.'].join('\n'),
  )
}

import { refusal } from '../../../src/host/sandbox/refusal.ts'

const told = (words: string, settings: Readonly<Record<string, string>>): string =>
  refusal(words, (path) => settings[path]).diagnostics[0]?.detail ?? ''

describe('why no sandbox can be made', () => {
  test.each([
    ['kernel/unprivileged_userns_clone', '0', 'sudo sysctl -w kernel.unprivileged_userns_clone=1'],
    ['user/max_user_namespaces', '0', 'sudo sysctl -w user.max_user_namespaces=15000'],
    ['user/max_net_namespaces', '0', 'sudo sysctl -w user.max_net_namespaces=15000'],
    [
      'kernel/apparmor_restrict_unprivileged_userns',
      '1',
      'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
    ],
  ])('%s=%s names the command that allows it', (key, value, command) => {
    expect(told('Operation not permitted', { [`/proc/sys/${key}`]: value })).toContain(command)
    expect(told('Operation not permitted', { [`/proc/sys/${key}`]: value === '0' ? '1' : '0' })).not.toContain('sysctl')
  })

  test('a container whose system calls are filtered is one only when nothing else is in the way', () => {
    const status = { '/proc/self/status': 'Name:\tnode\nSeccomp:\t2\n' }
    expect(told('Operation not permitted', status)).toContain('seccomp=unconfined')
    expect(told('x', { ...status, '/proc/sys/user/max_user_namespaces': '0' })).not.toContain('seccomp')
  })

  test('root is always a way out', () => {
    expect(told('anything', {})).toBe('Or use the machine itself, as root: put sudo before the command.')
  })
})

import { commandOf } from '../../src/backend/iproute/index.ts'
import { callOf } from '../../src/backend/netlink/encode.ts'
import { HERE, running, type Operation } from '../../src/model/operation.ts'

const place = { netns: 'a' }

test.each<[Operation, string]>([
  [{ do: 'netns.delete', place: HERE, name: 'a' }, 'ip netns del a'],
  [{ do: 'link.set', place, name: 'lo', set: { alias: 'netlab:x' } }, 'ip link set dev lo alias netlab:x'],
  [{ do: 'sysctl.set', place, key: 'net.ipv4.ip_forward', value: '1' }, 'sysctl -qw net.ipv4.ip_forward=1'],
])('%j is spelled as people type it', (operation, line) => {
  expect(commandOf(operation).argv.join(' ')).toBe(line)
})

test('a name and an alias are arguments of a script, never part of it', () => {
  const { argv } = commandOf({ do: 'netns.add', place: HERE, name: '$(reboot)', alias: 'netlab:x;y' })
  expect(argv.slice(-2)).toEqual(['netlab:x;y', '$(reboot)'])
  expect(argv.filter((word) => word.includes('reboot'))).toHaveLength(1)
})

test('a namespace is named in the thread, except by way of a descriptor', () => {
  const named = (file: string) => callOf({ do: 'netns.name', place: HERE, file, name: 'b', alias: 'netlab:lab' })
  expect(named('/run/netns/a')).toEqual({ do: 'attach', netns: 'a', name: 'b', mark: 'netlab:lab' })
  expect(named('/proc/7/fd/9')).toBeUndefined()
})

test('a sysctl becomes a file below /proc/sys/net, and nothing else does', () => {
  const file = (key: string, value = '1'): string | undefined => {
    const call = callOf({ do: 'sysctl.set', place, key, value })
    return call?.do === 'write' ? call.file : undefined
  }
  expect(file('net.ipv4.conf.eth0/5.rp_filter')).toBe('sys/net/ipv4/conf/eth0.5/rp_filter')
  expect(file('kernel.panic')).toBeUndefined()
  expect(file('net.ipv4.//.//.x')).toBeUndefined()
  expect(file('net.ipv4.ip_forward', '1\n0')).toBeUndefined()
})

test('a program is never a message', () => {
  expect(callOf(running({ argv: ['ip', 'link', 'add'], netns: 'a' }))).toBeUndefined()
})

import { runOn } from '../support/commands.ts'
import { labOf } from '../support/recorded.ts'
import { pretend } from '../support/kernel.ts'
import { program } from '../../src/cli.ts'
import { complete } from '../../src/commands/complete.ts'

const router = labOf('router')
/** What is offered in place of the last of these words, where the router lab is live. */
const offered = async (...words: string[]): Promise<string[]> => {
  const { code, out, err } = await runOn(pretend('router', true), (host) => complete(host, program, words))
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return out.split('\n').slice(0, -1)
}
const names = async (...words: string[]): Promise<string[]> =>
  (await offered(...words)).map((line) => line.split('\t')[0] ?? '')

test('commands, with what they do', async () => {
  expect(await offered('pl')).toEqual(['plan\tshow what apply would change'])
  const all = await names('')
  expect(all).toEqual(expect.arrayContaining(['validate', 'apply', 'completion', 'help']))
  for (const hidden of ['agent', 'watchdog', 'complete', 'session']) expect(all).not.toContain(hidden)
  expect(await names('--no-color', 'sch')).toEqual(['schema'])
  expect(await names('help', 'val')).toEqual(['validate'])
  expect(await names('frobnicate', '')).toEqual([])
})

test('options, of which each is offered once unless it may be repeated', async () => {
  expect(await names('--')).toEqual(expect.arrayContaining(['--version', '--no-color', '--sandbox']))
  expect(await names('plan', '--de')).toEqual(['--destroy', '--detailed-exitcode'])
  expect(await names('plan', '--destroy', '--de')).toEqual(['--detailed-exitcode'])
  expect(await names('plan', '--target', 'ns0', '--targ')).toEqual(['--target'])
  expect(await names('exec', 'ns0', '--', 'ls', '--')).toEqual([':files'])
})

test('live labs and lab files; namespaces', async () => {
  expect(await offered('destroy', '')).toEqual(['router\tlive, 3 namespaces', ':labs'])
  expect(await offered('confirm', '')).toEqual(['router\tlive, 3 namespaces'])
  expect(await offered('exec', 'ns-')).toEqual(['ns-router\tof lab router'])
  expect(await names('shell', '--lab', '')).toEqual(['router', ':labs'])
  expect(await names('show', '')).toEqual(['router', 'ns-router', 'ns0', 'ns1', ':labs'])
  expect(await names('destroy', 'router', '')).toEqual([])
})

test('interfaces of the namespace, where a command wants one', async () => {
  expect(await names('exec', 'ns-router', '--', 'ip', 'addr', 'show', 'dev', '')).toEqual(['lo', 'veth0', 'veth1'])
  expect(await offered('exec', 'ns0', '--', 'tcpdump', '-i', 'v')).toEqual(['veth0\tveth'])
  expect(await names('exec', 'ns0', 'ping', '-I', '')).toEqual(['lo', 'veth0'])
  expect(await names('exec', 'ns0', 'ping', '-c', '')).toEqual([':files'])
})

test('ids of the lab that the line names', async () => {
  expect(await offered('plan', router, '--target', 'ns0/veth0/')).toEqual(['ns0/veth0/192.168.0.2/24\taddress'])
  expect(await names('apply', router, '-y', '--replace', 'ns0', 'ns-router/sys')).toEqual([
    'ns-router/sysctl/net.ipv4.ip_forward',
    'ns-router/sysctl/net.ipv6.conf.all.forwarding',
  ])
  expect(await names('plan', router, '--target=ns1/v')).toEqual([
    '--target=ns1/veth0',
    '--target=ns1/veth0/192.168.1.2/24',
  ])
})

test('files, programs, templates, shells', async () => {
  expect(await names('plan', '--out', '')).toEqual([':files'])
  expect(await names('plan', '--out=')).toEqual([':files'])
  expect(await names('fmt', 'a.yaml', '')).toEqual([':labs'])
  expect(await names('exec', 'ns0', '')).toEqual([':programs'])
  expect(await names('exec', 'ns0', '--', '')).toEqual([':programs'])
  expect(await names('exec', 'ns0', '--', 'cat', '')).toEqual([':files'])
  expect(await names('completion', '')).toEqual(['bash', 'zsh', 'fish'])
  expect(await names('logs', '')).toEqual([])
})

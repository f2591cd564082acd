import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { PsJson } from '../../src/views/documents.ts'
import type { PlanJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'

const LAB = `
namespaces:
  a:
    files:
      /etc/demo: conf
      /etc/motd: { content: "hello from a\\n", owner: daemon, mode: "0640" }
      /srv/www/index.html: { content: "a\\n" }
    private: [/run/x, { path: /var/log, owner: daemon, mode: "0750" }]
    resolver: [10.0.0.2]
    processes:
      reloads: { command: "while :; do sleep 9; done", reload: "cat /etc/demo/one >>/run/x/seen" }
      restarts: { command: "cat /etc/demo/one; exec sleep 1000" }
  b: { hostname: bee, processes: { p: { command: "hostname; exec sleep 1000" } } }
  c:
  d: { shares: a }
links:
  - endpoints: { a:eth0: 10.0.0.1/24, b:eth0: 10.0.0.2/24 }
checks:
  - { from: a, run: cat /etc/motd, expect: { stdout: hello from a } }
`

let world: World
let file: string
let folder: string
beforeAll(async () => {
  world = await openWorld()
  folder = mkdtempSync(join(tmpdir(), 'home-'))
  file = join(folder, 'lab.yaml')
  mkdirSync(join(folder, 'conf'))
  writeFileSync(join(folder, 'conf', 'one'), 'one\n')
  writeFileSync(join(folder, 'conf', 'two.sh'), '#!/bin/sh\n', { mode: 0o755 })
  writeFileSync(file, LAB)
})
afterAll(async () => {
  await world.close()
  rmSync(folder, { recursive: true })
})

const netlab = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await world.netlab(args)
  if (code !== 0) throw new Error(`netlab ${args.join(' ')}: exit ${code}\n${stdout}${stderr}`)
  return stdout
}
const changes = async (): Promise<string[]> =>
  (JSON.parse(await netlab('plan', file, '--json')) as PlanJson).changes.map(({ action, id }) => `${action} ${id}`)
const inside = (namespace: string, script: string): Promise<string> =>
  netlab('exec', namespace, '--', 'sh', '-c', script)

test('the programs of a namespace see its files, folders, host name and resolver, and nobody else does', async () => {
  const machine = 'cat /etc/hosts /etc/resolv.conf /etc/motd; ls /etc /srv /var; ls /run | grep -v netlab; hostname'
  const mounted = 'grep -v " /run/netns" /proc/self/mountinfo'
  const before = [await world.run(['sh', '-c', machine]), await world.run(['sh', '-c', mounted])]
  await netlab('apply', '-y', file)
  expect(await changes()).toEqual([])
  expect(await inside('a', 'cat /etc/motd /srv/www/index.html /etc/resolv.conf; hostname')).toBe(
    'hello from a\na\nnameserver 10.0.0.2\na\n',
  )
  expect(await inside('a', 'stat -c "%n %a %U" /etc/demo/* /etc/motd /run/x /var/log; ls /run/x /var/log')).toBe(
    [
      ...['/etc/demo/one 644 root', '/etc/demo/two.sh 755 root', '/etc/motd 640 daemon', '/run/x 755 root'],
      ...['/var/log 750 daemon', '/run/x:', '', '/var/log:', ''],
    ].join('\n'),
  )
  expect(await inside('d', 'cat /etc/motd')).toBe('hello from a\n')
  expect(await inside('b', 'hostname; cat /etc/motd 2>/dev/null | grep -c hello; getent hosts a')).toMatch(
    /^bee\n0\n10\.0\.0\.1 +a\n$/,
  )
  expect(await netlab('logs', 'b/p')).toBe('bee\n')
  await netlab('test', file)
  await inside('a', 'echo mine >/etc/written; echo mine >/var/written; echo mine >/run/written')
  expect([await world.run(['sh', '-c', machine]), await world.run(['sh', '-c', mounted])]).toEqual(before)
})

test('ps tells whose process each is', async () => {
  const { processes } = JSON.parse(await netlab('ps', '--json')) as PsJson
  const whose = processes.map(({ namespace, process = '-', command }) => `${namespace} ${process} ${command}`)
  expect(whose.filter((line) => /sleep 1000$/.test(line))).toEqual(['a restarts sleep 1000', 'b p sleep 1000'])
  // In a shell or a program of a namespace: its own, also what was started by hand.
  const program = `sleep 7 & node ${resolve('dist/netlab.cjs')} ps; kill $!`
  const own = (await inside('b', program)).split('\n').map((line) => line.replaceAll(/ +/g, ' '))
  expect(own[0]).toBe('NAMESPACE PID PROCESS COMMAND')
  expect(own.filter((line) => /sleep/.test(line)).map((line) => line.replace(/ \d+ /, ' N '))).toEqual(
    expect.arrayContaining(['b N p sleep 1000', 'b N - sleep 7']),
  )
  expect(own.filter((line) => line.startsWith('a '))).toEqual([])
})

test('what stock dhclient would do to resolv.conf stays in the node', async () => {
  const { stdout: before } = await world.run(['cat', '/etc/resolv.conf'])
  await inside('b', 'echo nameserver 192.0.2.1 >/etc/resolv.conf.new && mv -f /etc/resolv.conf.new /etc/resolv.conf')
  expect(await inside('b', 'cat /etc/resolv.conf')).toBe('nameserver 192.0.2.1\n')
  expect((await world.run(['cat', '/etc/resolv.conf'])).stdout).toBe(before)
  expect(await changes()).toEqual([])
})

test('a changed file is planned with its lines, and its node’s processes read it again or are started again', async () => {
  writeFileSync(join(folder, 'conf', 'one'), 'two\n')
  const wanted = ['update a/file/etc/demo/one', 'update a/process/reloads', 'replace a/process/restarts']
  expect(await changes()).toEqual(wanted)
  expect(await netlab('plan', file)).toMatch(/content\n +line 1\n +-one\n +\+two\n/)
  await netlab('apply', '-y', file)
  expect(await changes()).toEqual([])
  expect(await inside('a', 'cat /run/x/seen')).toBe('two\n')
  expect(await netlab('logs', 'a/restarts')).toMatch(/two\n$/)
})

test.each([
  ['edited', 'echo other >/etc/motd', 'update a/file/etc/motd', true],
  ['given to somebody else', 'chown root /etc/motd', 'update a/file/etc/motd', false],
  ['made readable', 'chmod 644 /etc/motd', 'update a/file/etc/motd', true],
  ['removed', 'rm /srv/www/index.html', 'create a/file/srv/www/index.html', true],
  ['(a folder) made readable', 'chmod 755 /var/log', 'update a/folder/var/log', false],
])('a file %s by hand is drift', async (_, script, change, read) => {
  await inside('a', script)
  const processes = read ? ['update a/process/reloads', 'replace a/process/restarts'] : []
  expect(await changes()).toEqual([change, ...processes])
  await netlab('apply', '-y', file)
  expect(await changes()).toEqual([])
})

test('a file below another top folder gives the home one more layer, and removing it shows the machine’s again', async () => {
  const more = LAB.replace(
    '      /srv/www/index.html',
    '      /opt/own/x: { content: "x\\n" }\n      /srv/www/index.html',
  )
  const { stdout: machine } = await world.run(['ls', '/opt'])
  writeFileSync(file, more)
  expect((await changes()).slice(0, 2)).toEqual(['update a/home', 'create a/file/opt/own/x'])
  await netlab('apply', '-y', file)
  expect(await changes()).toEqual([])
  // The folder of this test is in the machine's /tmp, which the home shares.
  expect(await inside('a', `cat /opt/own/x; ls '${folder}/conf'`)).toBe('x\none\ntwo.sh\n')
  expect((await world.run(['ls', '/opt'])).stdout).toBe(machine)
  writeFileSync(file, LAB)
  await netlab('apply', '-y', file)
  expect(await changes()).toEqual([])
  expect(await inside('a', 'ls /opt/own')).toBe('')
})

test('without its keeper a home is made again, and its processes are started in it', async () => {
  await world.run(['sh', '-c', 'kill -KILL $(grep -lszxF NETLAB_HOME=lab/b /proc/[0-9]*/environ | cut -d/ -f3)'])
  expect(await changes()).toEqual(['create b/home', 'replace b/process/p'])
  await netlab('apply', '-y', file)
  expect(await changes()).toEqual([])
})

test('a namespace that was deleted by hand comes back with its home', async () => {
  await world.run(['ip', 'netns', 'del', 'b'])
  await netlab('apply', '-y', file)
  expect(await changes()).toEqual([])
  expect(await inside('b', 'hostname')).toBe('bee\n')
})

test('nothing is left after destroy', async () => {
  await netlab('destroy', '-y', file)
  expect(
    (await world.run(['sh', '-c', 'grep -lszE "^NETLAB_(HOME|PROCESS)=lab/" /proc/[0-9]*/environ; ls /run/netlab']))
      .stdout,
  ).toBe('')
})

test('a process that cannot read changed files is named, and a top folder that the machine lacks', async () => {
  const small = join(folder, 'small.yaml')
  const lab = (text: string, path = '/etc/x') =>
    `namespaces: { s: { files: { ${path}: { content: ${text} } }, processes: { p: { command: sleep 99, reload: "false" } } } }`
  writeFileSync(small, lab('one'))
  await netlab('apply', '-y', small)
  writeFileSync(small, lab('two'))
  const { code, stderr } = await world.netlab(['apply', '-y', small])
  expect(code).toBe(1)
  expect(stderr).toContain('only s/process/p did not read new files. The next apply tries again.')
  writeFileSync(small, lab('two', '/nowhere/x'))
  const missing = await world.netlab(['plan', small])
  expect(missing.stderr).toContain(`this machine has no folder /nowhere\n  --> ${small}:1:29`)
  await netlab('destroy', '-y', small)
})

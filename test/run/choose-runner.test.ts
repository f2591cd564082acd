import { thisMachine } from '../../src/host/this-machine.ts'
import { startRunner } from '../../src/run/choose-runner.ts'
import type { Command } from '../../src/model/command.ts'
import type { Host } from '../../src/model/host.ts'

test('another machine is read by programs that its host runs, not through the kernel of this one', async () => {
  const asked: Command[] = []
  const host: Host = {
    ...thisMachine,
    isLocal: false,
    status: () => undefined,
    async run(command) {
      asked.push(command)
      return { code: 0, stdout: '/proc/sys/net/ipv4/ip_forward:1\n', stderr: '' }
    },
  }
  const runner = startRunner(host)
  expect(runner.host).toBe(host)
  expect(await runner.list()).toEqual([])
  expect(await runner.inherited(['net.ipv4.ip_forward'])).toEqual(new Map([['net.ipv4.ip_forward', '1']]))
  expect(asked).toEqual([{ argv: ['unshare', '--net', 'grep', '-sH', '', '/proc/sys/net/ipv4/ip_forward'] }])
})

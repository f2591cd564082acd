import { sandboxHost } from '../../../src/host/sandbox/sandbox-host.ts'
import { thisMachine } from '../../../src/host/this-machine.ts'

const sandbox = sandboxHost({ NETLAB_STAYS: '7 default' })
const printed = async (child: ReturnType<typeof sandbox.start>): Promise<string> => {
  let text = ''
  for await (const piece of child.stdout) text += String(piece)
  return text
}

test('only programs that outlive netlab are given what ends the sandbox with them', async () => {
  const command = { argv: ['sh', '-c', 'echo "$NETLAB_STAYS, $A"'] }
  expect(await printed(sandbox.startLasting(command, { A: 'a' }))).toBe('7 default, a\n')
  expect(await printed(sandbox.start(command, { A: 'a' }))).toBe(', a\n')
  expect(await printed(thisMachine.startLasting(command, { A: 'a' }))).toBe(', a\n')
})

test('what a sandbox lacks is an error there', () => {
  expect(sandbox.isSandbox).toBe(true)
  expect(sandbox.confines()?.severity).toBe('error')
  expect(sandbox.confines()?.hides('net.core.xfrm_missing')).toBe(true)
  expect(sandbox.confines()?.hides('net.ipv4.ip_forward')).toBe(false)
})

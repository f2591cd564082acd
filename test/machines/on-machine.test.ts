import { startMachine } from '../../src/machines/on-machine.ts'
import type { OpenLab } from '../../src/language/load-lab.ts'
import type { Host } from '../../src/model/host.ts'
import type { Runner } from '../../src/model/runner.ts'

test('what cannot be read ahead is an error of who asks for it, and of nothing else', async () => {
  const nothing = (): undefined => undefined
  const host = { env: {}, isSandbox: false, list: () => [], readFile: nothing, status: nothing } as unknown as Host
  const list = (): Promise<never> => Promise.reject(new Error('no permission'))
  const runner = { host, list } as unknown as Runner
  const { hello, owned } = startMachine(host, { opened: {} as OpenLab, runner })
  const none = { values: [], keys: [] }
  const ahead = { name: 'x', size: 0, namespaces: none, sysctls: none, nftables: none }
  expect(await hello({ size: 0, ahead }, () => {})).toMatchObject({ namespaces: [] })
  await new Promise((resolve) => setTimeout(resolve, 1)) // Node now knows what nobody awaits
  await expect(owned({ lab: 'x' }, () => {})).rejects.toThrow('no permission')
})

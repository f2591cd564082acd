import { roadsTo } from '../../src/machines/roads.ts'
import type { Command } from '../../src/model/command.ts'
import type { Host } from '../../src/model/host.ts'

/** A host on which ip prints these lines, and what it was asked. */
function hostWith(...lines: readonly string[]) {
  const asked: Command[] = []
  const host = {
    run: async (command: Command) => {
      asked.push(command)
      return { code: 1, stdout: `${lines.join('\n')}\n`, stderr: '' }
    },
  } as unknown as Host
  return { host, asked }
}

const LINKS = '[{"ifname":"lo","mtu":65536},{"ifname":"eth0","mtu":1400}]'

test('the ways to all addresses are found by one program, and those to which there is none are left out', async () => {
  const { host, asked } = hostWith(
    '[{"dst":"192.0.2.9","dev":"eth0","prefsrc":"192.0.2.2"}]',
    '[{"dst":"192.0.2.2","dev":"lo","prefsrc":"192.0.2.2"}]',
    LINKS,
  )
  const roads = await roadsTo(['192.0.2.9', '198.51.100.1', '192.0.2.2'], undefined, host)
  expect(roads).toEqual({ '192.0.2.9': { device: 'eth0', mtu: 1400, source: '192.0.2.2' } })
  expect(asked.map(({ input }) => input)).toEqual([
    'route get 192.0.2.9\nroute get 198.51.100.1\nroute get 192.0.2.2\nlink show\n',
  ])
})

test('an address is known by the text that it was asked for with', async () => {
  const { host, asked } = hostWith('[{"dst":"2001:db8::1","from":"fd00::2","dev":"eth0"}]', LINKS)
  expect(await roadsTo(['2001:DB8:0::1'], 'fd00:0::2', host)).toEqual({
    '2001:DB8:0::1': { device: 'eth0', mtu: 1400, source: 'fd00::2' },
  })
  expect(asked[0]?.input).toBe('route get 2001:db8::1 from fd00::2\nlink show\n')
})

test('what is no address, or of another family, never reaches ip', async () => {
  const { host, asked } = hostWith(LINKS)
  expect(await roadsTo(['192.0.2.9\nlink del eth0', 'left', 'fd00::1'], '192.0.2.2', host)).toEqual({})
  expect(await roadsTo(['192.0.2.9'], '192.0.2.2\nlink del eth0', host)).toEqual({})
  expect(asked).toEqual([])
})

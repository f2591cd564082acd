import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openWorld } from '../support/netns.ts'

test('rules of iptables-legacy in a namespace of the lab are told of, with the commands to see and remove them', async () => {
  const world = await openWorld()
  try {
    const inside = async (script: string) => world.run(['ip', 'netns', 'exec', 'fw', 'sh', '-c', script])
    const file = join(world.folder, 'old.yaml')
    writeFileSync(file, 'name: old\nnamespaces: { fw: {}, other: {} }\n')
    expect((await world.netlab(['apply', '-y', file])).code).toBe(0)
    const { code } = await inside('iptables-legacy -A INPUT -p tcp && iptables-legacy -t nat -L')
    if (code !== 0) return // this machine has no iptables-legacy
    const warned = 'fw has rules of iptables-legacy, which no lab has: table filter'
    for (const [command, env] of [
      [['plan', file], { NETLAB_RUNNER: 'netlink' }],
      [['plan', file], { NETLAB_RUNNER: 'ip' }],
      [['apply', '-y', file], {}],
      [['show', file], {}],
    ] as const) {
      const { stderr } = await world.netlab([...command], { env })
      expect(stderr).toContain(warned)
      expect(stderr).toContain('ip netns exec fw iptables-legacy-save')
      expect(stderr).not.toContain('other has')
    }
    await world.run(['ip', '-n', 'fw', 'link', 'set', 'lo', 'alias', ''])
    const imported = await world.netlab(['import', 'fw'])
    expect(imported.stdout).toContain('# Not managed: rules of iptables-legacy: filter')
    expect(imported.stderr).toContain(warned)
    await world.run(['ip', '-n', 'fw', 'link', 'set', 'lo', 'alias', 'netlab:old'])
    const told = await world.netlab(['plan', file])
    const [, remove = ''] = /To remove them: (.*)/.exec(told.stderr) ?? []
    expect((await world.run(['sh', '-c', remove])).code).toBe(0)
    expect((await world.netlab(['plan', file])).stderr).toBe('')
  } finally {
    await world.close()
  }
})

import { openWorld, type World } from '../support/netns.ts'

describe('with --sandbox', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld()
  })
  afterAll(() => world.close())

  const list = async (...args: string[]): Promise<string> => (await world.netlab([...args, 'list'])).stdout

  test('root’s labs are not on the machine', async () => {
    expect(await world.netlab(['--sandbox', 'apply', 'labs/router.yaml', '-y'])).toMatchObject({ code: 0 })
    expect((await world.run(['ip', 'netns', 'list'])).stdout).toBe('')
    expect(await list()).toBe('No lab is live here.\n')
    expect(await list('--sandbox')).toBe('router  ns-router ns0 ns1\n')
    expect(await world.netlab(['test', 'labs/router.yaml', '--sandbox'])).toMatchObject({ code: 0 })
    // The same names are free on the machine.
    expect(await world.netlab(['apply', 'labs/router.yaml', '-y'])).toMatchObject({ code: 0 })
    expect(await world.netlab(['--sandbox', 'destroy', 'labs/router.yaml', '-y'])).toMatchObject({ code: 0 })
    expect(await list('--sandbox')).toBe('No lab is live here.\n')
    expect(await list()).toBe('router  ns-router ns0 ns1\n')
    expect(await world.netlab(['destroy', 'labs/router.yaml', '-y'])).toMatchObject({ code: 0 })
  })

  test('what it cannot have is refused at its place, and validate only warns outside', async () => {
    const input = `
namespaces:
  host: { root: true }
  a: { sysctls: { net.ipv6.route.gc_timeout: 50, net.ipv4.ip_forward: 1 } }
`
    const { code, stderr } = await world.netlab(['plan', '-', '--sandbox'], { input })
    expect(code).toBe(1)
    expect(stderr).toContain('host is the machine’s own namespace, which a sandbox cannot reach\n  --> -:3:17')
    expect(stderr).toContain('the kernel has net.ipv6.route.gc_timeout only in root’s namespaces\n  --> -:4:19')
    expect(stderr).not.toContain('ip_forward only')
    expect(await world.netlab(['validate', '-'], { input })).toMatchObject({ code: 0 })
  })

  test('a sandbox that another user has made look like root’s is none', async () => {
    const door = '/run/netlab-sandbox-default'
    const faked = `mount -t tmpfs t /run; touch ${door}; mount --bind /etc/hostname ${door}
      exec sh -c 'sleep 20; :' netlab-sandbox default`
    const script = `setpriv --reuid=12345 --regid=12345 --clear-groups unshare -Urmn sh -c "$1" &
      while [ -d /proc/$! ] && ! grep -qz ^netlab-sandbox$ /proc/$!/cmdline; do sleep 0.01; done
      "$2" dist/netlab.cjs --sandbox list`
    const outcome = await world.run(['sh', '-c', script, 'sh', faked, process.execPath])
    expect(outcome).toMatchObject({ code: 0, stdout: 'No lab is live here.\n' })
    expect(outcome.stderr).not.toContain('/run/netns') // which it does not have
  })

  // The limit is one of this user namespace: what it holds for ends with the shell that set it.
  const limited = [
    'unshare',
    '--user',
    '--map-root-user',
    'sh',
    '-c',
    'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"',
    'sh',
  ]

  test('where user namespaces are restricted, the error says how to allow them', async () => {
    const netlab = [process.execPath, 'dist/netlab.cjs', '--sandbox', 'list']
    const { code, stdout, stderr } = await world.run([...limited, ...netlab])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('no sandbox can be made for labs without root: unshare')
    expect(stderr).toContain('sudo sysctl -w user.max_user_namespaces=15000')
    expect(stderr).toContain('put sudo before the command')
  })
})

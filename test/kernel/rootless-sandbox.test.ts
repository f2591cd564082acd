import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Outcome } from '../../src/model/command.ts'
import { until } from '../support/until.ts'
import { openUser, type User } from '../support/user.ts'

const LAB = `
namespaces:
  web: { processes: { sleeper: { command: [sleep, '1000'] } } }
  other:
`

describe('the sandbox of an ordinary user', () => {
  let user: User
  beforeAll(async () => {
    user = await openUser()
    writeFileSync(join(user.folder, 'p.yaml'), LAB)
  })
  afterAll(() => user.close())
  // What a test that failed has left must not fail the others.
  const clean = async (): Promise<void> => {
    for (const lab of await names()) await user.netlab(['destroy', lab, '-y'])
  }

  const netlab = async (...args: string[]): Promise<Outcome> => {
    const outcome = await user.netlab(args)
    if (outcome.code !== 0) throw new Error(`netlab ${args.join(' ')}: exit ${outcome.code}\n${outcome.stderr}`)
    return outcome
  }
  const names = async (args: readonly string[] = [], env = {}): Promise<string[]> => {
    const { stdout } = await user.netlab(['list', '--json', ...args], { env })
    return (JSON.parse(stdout) as { labs: { name: string }[] }).labs.map(({ name }) => name)
  }
  /** The living processes of the test's user, or of its sandboxes, with these words in their command lines. */
  const processes = async (words: string): Promise<string[]> => {
    const { stdout } = await user.outside(['pgrep', '-r', 'S,R,D', '-f', words])
    return stdout.split('\n').filter(Boolean)
  }
  const holders = (): Promise<string[]> => processes(`netlab-sandbo[x] ${user.sandbox}$`)

  describe('as such', () => {
    afterEach(clean)
    test('goes away with its last lab, and a plan alone leaves none', async () => {
      await netlab('plan', 'p.yaml')
      expect(await holders()).toEqual([])
      await netlab('apply', 'p.yaml', '-y')
      await netlab('apply', 'labs/router.yaml', '-y')
      expect(await holders()).toHaveLength(1)
      await netlab('destroy', 'p.yaml', '-y')
      expect(await holders()).toHaveLength(1)
      expect((await netlab('destroy', 'router', '-y')).stderr).not.toContain('ended from outside')
      expect(await holders()).toEqual([])
      expect(await names()).toEqual([])
    })

    test('adds files to a home that exists, also where the folder is the machine’s', async () => {
      const write = (files: string, more = ''): void =>
        writeFileSync(join(user.folder, 'late.yaml'), `namespaces: { web: { files: { ${files} }${more} } }\n`)
      write('/etc/x: { content: x }')
      await netlab('apply', 'late.yaml', '-y')
      write('/etc/x: { content: x }, /etc/ssl/y: { content: y }, /usr/share/y: { content: y }')
      await netlab('apply', 'late.yaml', '-y')
      const { stdout } = await netlab('exec', 'web', '--', 'cat', '/etc/ssl/y', '/usr/share/y')
      expect(stdout).toBe('yy')
      expect(JSON.parse((await netlab('plan', 'late.yaml', '--json')).stdout)).toMatchObject({ changes: [] })
      // Linux stacks two overlays at most (FILESYSTEM_MAX_STACK_DEPTH).
      write('/etc/ssl/y: { content: y }, /etc/ssl/certs/y: { content: y }')
      const { stderr } = await user.netlab(['apply', 'late.yaml', '-y'])
      expect(stderr).toContain('netlab apply --replace web/home makes the home anew')
      await netlab('apply', 'late.yaml', '-y', '--replace', 'web/home')
      write('/etc/x: { content: x }', ', processes: { p: { command: sleep 99, user: daemon } }')
      expect((await user.netlab(['plan', 'late.yaml'])).stderr).toContain(
        'web/process/p cannot run as user daemon here',
      )
    })

    test('has files where the machine’s folder is closed to the user, in a new home and in one that exists', async () => {
      const closed = ['/root', '/var/cache/ldconfig']
      for (const folder of closed) expect((await user.run(['test', '-x', folder])).code).toBe(1)
      const write = (files: string): void =>
        writeFileSync(
          join(user.folder, 'closed.yaml'),
          `namespaces: { web: { files: { /etc/x: { content: x }, ${files} } } }\n`,
        )
      const files = '/root/new/a: { content: a }, /root/b: { content: b }, /var/cache/ldconfig/c: { content: c }'
      for (const isThere of [false, true]) {
        write('')
        if (isThere) await netlab('apply', 'closed.yaml', '-y')
        write(files)
        await netlab('apply', 'closed.yaml', '-y')
        const { stdout } = await netlab('exec', 'web', '--', 'cat', '/root/new/a', '/root/b', '/var/cache/ldconfig/c')
        expect(stdout).toBe('abc')
        expect(JSON.parse((await netlab('plan', 'closed.yaml', '--json')).stdout)).toMatchObject({ changes: [] })
        await clean()
      }
    })

    test('goes away with a lab that the watchdog takes back, when nobody else comes', async () => {
      await netlab('apply', 'p.yaml', '-y', '--revert-after', '1s')
      expect(await until(holders, ({ length }) => length === 0)).toEqual([])
      expect(
        await until(
          () => processes('cjs watchdo[g]'),
          ({ length }) => length === 0,
        ),
      ).toEqual([])
    })

    test('is one, however many commands start it at once', async () => {
      const planned = (): ReturnType<User['run']>[] =>
        Array.from({ length: 4 }, () => user.run(['dist/netlab.cjs', 'plan', 'p.yaml']))
      expect((await Promise.all(planned())).map(({ code }) => code)).toEqual([0, 0, 0, 0])
      expect(await holders()).toEqual([]) // one of them was the last
      const plans = planned()
      const applied = await Promise.all([
        user.netlab(['apply', 'p.yaml', '-y']),
        user.netlab(['apply', 'labs/router.yaml', '-y']),
      ])
      expect((await Promise.all(plans)).map(({ code }) => code)).toEqual([0, 0, 0, 0])
      expect(applied.map(({ code }) => code)).toEqual([0, 0])
      expect(await names()).toEqual(['p', 'router'])
      expect(await holders()).toHaveLength(1)
      await netlab('destroy', 'p', '-y')
      await netlab('destroy', 'router', '-y')
      expect(await holders()).toEqual([])
    })

    test('killed by hand takes everything with it, and the next command says so once', async () => {
      await netlab('apply', 'p.yaml', '-y')
      const [holder = ''] = await holders()
      await user.outside(['kill', '-KILL', holder])
      const next = await user.run(['dist/netlab.cjs', 'list'])
      expect(next.stdout).toBe('No lab is live here.\n')
      expect(next.stderr).toMatch(/was ended from outside: what was in it is gone, and \d+ processes/)
      expect(await processes('^sleep 1000$')).toEqual([])
      expect((await netlab('list')).stderr).toBe('')
      expect(await holders()).toEqual([])
    })

    test('is kept by a command in it whose holder is killed', async () => {
      await netlab('apply', 'p.yaml', '-y')
      const [holder = ''] = await holders()
      await netlab('exec', 'web', '--', 'kill', '-KILL', holder)
      expect(await names()).toEqual(['p'])
      expect(await holders()).toHaveLength(1)
      await netlab('destroy', 'p', '-y')
    })

    test('is not ended by a command that comes while it has no holder', async () => {
      await netlab('apply', 'p.yaml', '-y')
      const [holder = ''] = await holders()
      const inside = netlab('exec', 'web', '--', 'sh', '-c', `kill -KILL ${holder}; exec sleep 0.5`)
      await until(holders, ({ length }) => length === 0)
      const next = await user.run(['dist/netlab.cjs', 'list'])
      expect(next).toMatchObject({ code: 0, stdout: 'p  other web\n', stderr: '' })
      expect(await inside).toMatchObject({ code: 0 })
      await netlab('destroy', 'p', '-y')
    })

    test('is where netlab finds itself when it is started in it', async () => {
      await netlab('apply', 'p.yaml', '-y')
      const command = [join(user.folder, 'dist/netlab.cjs'), 'list']
      const inside = await netlab('exec', 'web', '--', ...command)
      expect(inside).toMatchObject({ stdout: 'p  other web\n', stderr: '' })
      await netlab('destroy', 'p', '-y')
    })

    test('has a name, and there may be several', async () => {
      const env = { NETLAB_SANDBOX: 'second' }
      const { code } = await user.netlab(['apply', 'p.yaml', '-y'], { env })
      expect(code).toBe(0)
      expect(await names()).toEqual([])
      expect(await names([], env)).toEqual(['p'])
      await user.netlab(['destroy', 'p', '-y'], { env })
      const program = ['dist/netlab.cjs', 'list']
      for (const name of ['../x', '-x', 'x'.repeat(33)]) {
        const { stderr } = await user.run(program, { env: { NETLAB_SANDBOX: name } })
        expect(stderr).toContain(`"${name}" cannot be the name of a sandbox`)
      }
    })

    test('is entered from a directory that is gone, too', async () => {
      const script = 'mkdir gone; cd gone; rmdir ../gone; exec "$0" list'
      const { code, stdout } = await user.run(['sh', '-c', script, join(user.folder, 'dist/netlab.cjs')])
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'No lab is live here.\n' })
    })

    test('passes everything on: directory, input, environment, output, exit codes', async () => {
      await user.netlab(['apply', '-', '-y'], { input: `name: typed\n${LAB}` })
      expect(await names()).toEqual(['typed'])
      const words = 'pwd; echo $COLOR; cat; echo told >&2; exit 7'
      const { code, stdout, stderr } = await user.netlab(['exec', 'web', '--', 'sh', '-c', words], {
        input: 'in\n',
        env: { COLOR: 'red' },
      })
      expect({ code, stdout, stderr }).toEqual({ code: 7, stdout: `${user.folder}\nred\nin\n`, stderr: 'told\n' })
      const planned = await user.netlab(['plan', '../p.yaml', '--detailed-exitcode'], {
        cwd: join(user.folder, 'labs'),
      })
      expect(planned).toMatchObject({ code: 1, stderr: expect.stringContaining('lab typed owns it') })
      expect((await user.run(['dist/netlab.cjs', 'exec', 'web', '--', 'sh', '-c', words])).code).toBe(7)
    })

    test('shell without a namespace is in it, as if one were root', async () => {
      await netlab('apply', 'p.yaml', '-y')
      const input = 'id -u; ip netns list | sort; ip netns add made; ip netns exec made ip -br link\n'
      const { stdout } = await user.netlab(['shell'], { input, env: { SHELL: '/bin/sh' } })
      expect(stdout).toMatch(/^0\nother\nweb\nlo /)
      const { stdout: seen } = await netlab('exec', 'made', '--', 'ip', '-br', 'link')
      expect(seen).toMatch(/^lo .*\n$/)
      await netlab('destroy', 'p', '-y')
      expect(await holders()).toHaveLength(1) // what was made by hand is there
      await user.netlab(['shell'], { input: 'ip netns del made\n', env: { SHELL: '/bin/sh' } })
      expect(await holders()).toEqual([])
    })
    test('a process that becomes another user says why it cannot, where there is none', async () => {
      const command = 'setpriv --reuid 1 --clear-groups sleep 1000'
      const input = `namespaces: { web: { processes: { dropper: { command: ${command} } } } }`
      const { code, stderr } = await user.netlab(['apply', '-', '-y'], { input })
      const { stdout: ids } = await user.netlab(['shell'], {
        input: 'cat /proc/self/uid_map',
        env: { SHELL: '/bin/sh' },
      })
      const one = ids.trim().endsWith(' 1')
      expect({ code, hint: stderr.includes('this sandbox has one user id') }).toEqual({ code: one ? 1 : 0, hint: one })
    })
  })

  describe.each([
    ['node', [process.execPath, 'dist/netlab.cjs']],
    ['the program', ['dist/netlab.cjs']],
  ])('a signal to %s', (_, program) => {
    let count = 1000 * program.length + 100
    beforeAll(() => netlab('apply', 'p.yaml', '-y'))
    afterAll(clean)

    test.each(['SIGTERM', 'SIGKILL'] as const)('%s ends what runs in the sandbox', async (signal) => {
      const marker = `sleep ${++count}`
      const [first = '', ...rest] = [...user.become, ...program, 'exec', 'web', '--', ...marker.split(' ')]
      const child = spawn(first, rest, { env: user.env, stdio: 'ignore' })
      const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
      while ((await processes(`^${marker}$`)).length === 0) await setTimeout(20)
      const [outer = ''] = await processes(`^[^ ]*node .*netlab.cj[s] exec web -- ${marker}`)
      await user.outside(['kill', `-${signal}`, outer])
      const [code, by] = await ended
      expect(by ?? code).toBe(signal === 'SIGTERM' ? 143 : signal)
      for (let i = 0; i < 50 && (await processes(`netlab.cj[s] exec web -- ${marker}`)).length > 0; i++)
        await setTimeout(20)
      expect(await processes(`netlab.cj[s] exec web -- ${marker}`)).toEqual([])
      // What it ran is not netlab, and may outlive a netlab that could not tell it: as root, too.
      await user.outside(['pkill', '-f', `^${marker}$`])
    })
  })
})

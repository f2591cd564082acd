import { join } from 'node:path'
import { openUser, type User } from '../support/user.ts'

// Only root has both worlds: its own, and what it can see of its users'.
const asRoot = process.geteuid?.() === 0
const path = 'labs/router.yaml'

describe(asRoot ? 'root and a user' : 'a user alone', () => {
  let user: User
  beforeAll(async () => {
    user = await openUser()
  })
  afterAll(() => user.close())
  const machine = (...args: string[]) =>
    user.outside([
      process.execPath,
      join(user.folder, 'dist/netlab.cjs'),
      ...args.map((arg) => arg.replace(/^labs/, join(user.folder, 'labs'))),
    ])
  const namespaces = expect.arrayContaining(['ns-router', 'ns0', 'ns1']) as unknown
  const elsewhere = async (run: Promise<{ readonly stdout: string }>): Promise<unknown> =>
    (JSON.parse((await run).stdout) as { elsewhere: unknown }).elsewhere
  const errorsOf = async (run: Promise<{ readonly stderr: string }>): Promise<string> => (await run).stderr

  test('the way into the sandbox is named after the first apply, and not after others', async () => {
    expect(await errorsOf(user.netlab(['apply', path, '-y']))).toContain('netlab shell opens one that does')
    expect(await errorsOf(user.netlab(['apply', 'labs/06-nat.yaml', '-y']))).not.toContain('netlab shell opens')
    await user.netlab(['destroy', 'nat', '-y'])
  })

  if (asRoot) {
    const there = "in the sandbox of #12345: sudo -u '#12345' netlab"

    test('root is told of a user’s lab', async () => {
      expect(await errorsOf(machine('plan', path))).toContain(`Namespaces of these names are live ${there} plan`)
      expect(await errorsOf(machine('show', 'router'))).toContain(`There are namespaces ${there} list`)
      expect(await errorsOf(machine('test', path))).toContain(`Namespaces of these names are live ${there} test`)
      expect(await errorsOf(machine('exec', 'ns0', 'true'))).toContain(`Namespace ns0 is live ${there} shell ns0`)
      expect(await machine('list')).toMatchObject({
        stdout: 'No lab is live here.\n',
        stderr: "Also in the sandbox of #12345: ns-router ns0 ns1 (sudo -u '#12345' netlab list)\n",
      })
      expect(await elsewhere(machine('list', '--json'))).toEqual([
        { where: 'in the sandbox of #12345', command: "sudo -u '#12345' netlab list", namespaces },
      ])
      await user.netlab(['destroy', 'router', '-y'])
      expect(await errorsOf(machine('plan', path))).not.toContain('live')
    })

    test('a user is told of root’s lab', async () => {
      expect((await machine('apply', path, '-y')).code).toBe(0)
      const root = 'on the machine itself: sudo netlab'
      expect(await errorsOf(user.netlab(['plan', path]))).toContain(
        `Namespaces of these names are live ${root} plan ${path}`,
      )
      expect(await errorsOf(user.netlab(['show', path]))).toContain(`live ${root} show ${path}`)
      expect(await errorsOf(user.netlab(['show', 'ns0']))).toContain(`Namespace ns0 is live ${root} show ns0`)
      expect(await errorsOf(user.netlab(['logs', 'ns0/web']))).toContain(`Namespace ns0 is live ${root} logs ns0/web`)
      expect(await errorsOf(user.netlab(['destroy', 'router', '-y']))).toContain(`There are namespaces ${root} list`)
      expect(await errorsOf(user.netlab(['list']))).toBe(
        'Also on the machine itself: ns-router ns0 ns1 (sudo netlab list)\n',
      )
      expect(await elsewhere(user.netlab(['list', '--json']))).toEqual([
        { where: 'on the machine itself', command: 'sudo netlab list', namespaces },
      ])
      expect((await machine('destroy', path, '-y')).code).toBe(0)
      expect(await errorsOf(user.netlab(['list']))).toBe('')
    })
  }
})

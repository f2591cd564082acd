import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanJson } from '../../src/views/json.ts'
import { lacking, namedFirst } from '../support/features.ts'
import { openUser, type User } from '../support/user.ts'

// What needs containers is in containers.test.ts.
const labs = readdirSync('labs').filter((name) => name.endsWith('.yaml') && name !== '32-containers.yaml')
const only = process.env['LAB']

/** What the machine has, as far as labs could be seen in it. */
const machine = async (user: User): Promise<string> =>
  (await user.outside(['sh', '-c', 'ip netns list; ip -o link | cut -d: -f2; nft list tables'])).stdout

describe('as an ordinary user', () => {
  let user: User
  let before: string
  beforeAll(async () => {
    user = await openUser()
    before = await machine(user)
  })
  afterAll(() => user.close())

  const netlab = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await user.netlab(args)
    if (code !== 0) throw new Error(`netlab ${args.join(' ')}: exit ${code}\n${stdout}${stderr}`)
    return stdout
  }
  const holders = async (): Promise<string> =>
    (await user.outside(['pgrep', '-r', 'S', '-f', `netlab-sandbo[x] ${user.sandbox}$`])).stdout

  // What a lab that failed has left must not fail the others.
  afterEach(async () => {
    const { labs: left } = JSON.parse(await netlab('list', '--json')) as { labs: { name: string }[] }
    for (const { name } of left) await netlab('destroy', name, '-y')
  })

  test('the demo', async () => {
    cpSync('scripts/demo.mjs', join(user.folder, 'scripts/demo.mjs'))
    const demo = await user.run([process.execPath, 'scripts/demo.mjs'])
    expect(demo).toMatchObject({ code: 0, stdout: expect.stringContaining(' 0% packet loss') })
  })

  test.each(labs.filter((lab) => !only || lab.startsWith(only)))('labs/%s', async (file) => {
    const path = `labs/${file}`
    if (/^\s*[^#]*root: true/m.test(readFileSync(path, 'utf8'))) {
      const { code, stderr } = await user.netlab(['apply', path, '-y'])
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('which a sandbox cannot reach') })
      expect(stderr).toContain(`sudo netlab apply ${path}`)
    } else if (lacking(path).length) {
      const { code, stderr } = await user.netlab(['apply', path, '-y'])
      expect(code).toBe(1)
      for (const { name } of namedFirst(path))
        expect(stderr).toMatch(new RegExp(`needs (the program ${name},|${name} in the kernel.*\\(module)`, 's'))
    } else if (/owner: frr/.test(readFileSync(path, 'utf8'))) {
      const { code, stderr } = await user.netlab(['apply', path, '-y'])
      expect(code).toBe(1)
      expect(stderr).toMatch(/frr cannot own a file here: this sandbox has one user id only\n *--> labs/)
      expect(stderr).toContain('/etc/subuid')
    } else {
      await netlab('apply', path, '-y')
      const { lab, changes } = JSON.parse(await netlab('plan', path, '--json')) as PlanJson
      expect(changes).toEqual([])
      await netlab('test', path)
      expect(JSON.parse(await netlab('list', '--json'))).toMatchObject({ labs: [{ name: lab }] })
      expect(await machine(user)).toBe(before)
      expect(await holders()).toMatch(/^\d+\n$/)
      await netlab('destroy', lab, '-y')
    }
    expect(JSON.parse(await netlab('list', '--json'))).toMatchObject({ labs: [] })
    expect(await machine(user)).toBe(before)
    expect(await holders()).toBe('')
  })
})

import { spawnSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanJson } from '../../src/views/json.ts'
import { lacking } from '../support/features.ts'
import { openUser, type User } from '../support/user.ts'

/** FRR's programs leave root for a user of their own, and its folder /etc/frr is closed to everybody else. */
const labs = [
  ['33-ospf', 'ospf/r1.conf', 'r1'],
  ['34-bgp', 'bgp/r1.conf', 'r1'],
  ['35-evpn', 'evpn/leaf1.conf', 'leaf1'],
] as const

// The user of the test gets a range of ids (openUser), any other one may have none.
const probe = process.getuid?.() === 0 ? ['newuidmap', '--help'] : ['unshare', '--user', '--map-auto', 'true']
const missing =
  spawnSync(probe[0] ?? '', probe.slice(1)).error !== undefined ||
  labs.some(([lab]) => lacking(`labs/${lab}.yaml`).length > 0)

describe('an ordinary user with a range of ids', () => {
  let user: User
  beforeAll(async () => {
    user = await openUser({ ids: true })
  })
  afterAll(() => user.close())

  const netlab = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await user.netlab(args)
    if (code !== 0) throw new Error(`netlab ${args.join(' ')}: exit ${code}\n${stdout}${stderr}`)
    return stdout
  }
  const changes = async (path: string): Promise<string[]> =>
    (JSON.parse(await netlab('plan', path, '--json')) as PlanJson).changes.map(({ action, id }) => `${action} ${id}`)

  test.each(labs)('runs labs/%s', async (lab, file, node) => {
    const path = `labs/${lab}.yaml`
    if (missing) {
      const { code, stderr } = await user.netlab(['apply', path, '-y'])
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/needs the program|one user id only/) })
      return
    }
    await netlab('apply', path, '-y')
    expect(await changes(path)).toEqual([])
    await netlab('test', path)
    appendFileSync(join(user.folder, 'labs', file), '! edited\n')
    expect(await changes(path)).toContain(`update ${node}/file/etc/frr/frr.conf`)
    await netlab('apply', path, '-y')
    expect(await changes(path)).toEqual([])
    expect(await netlab('exec', node, '--', 'tail', '-1', '/etc/frr/frr.conf')).toBe('! edited\n')
    await netlab('destroy', path, '-y')
  })
})

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { openUser, type User } from '../support/user.ts'

/** What `npm pack` makes is all that an ordinary user needs: no registry, no clone, no build tools. */
describe('the package', () => {
  let user: User
  let prefix: string
  beforeAll(async () => {
    user = await openUser()
    prefix = join(user.folder, 'home/.local')
    const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', user.folder]
    const [file = ''] = execFileSync('npm', pack, { encoding: 'utf8' }).trim().split('\n')
    const install = ['npm', 'install', '-g', '--offline', '--no-audit', '--prefix', prefix, join(user.folder, file)]
    expect(await user.run(install)).toMatchObject({ code: 0, stderr: '' })
  })
  afterAll(() => user.close())

  const netlab = (...args: string[]) => user.run([join(prefix, 'bin/netlab'), ...args])
  const installed = (path: string): string => join(prefix, 'lib/node_modules/netlab', path)

  test('puts a netlab on the PATH that applies, tests and destroys a lab', async () => {
    expect(await netlab('--version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
    const lab = installed('labs/router.yaml')
    for (const args of [
      ['apply', lab, '-y'],
      ['test', lab],
      ['destroy', lab, '-y'],
    ])
      expect(await netlab(...args)).toMatchObject({ code: 0 })
  })

  test('has what it says, the licences of what it bundles, and no packages of its own to fetch', () => {
    const { files, dependencies } = JSON.parse(readFileSync(installed('package.json'), 'utf8')) as {
      files: string[]
      dependencies?: Record<string, string>
    }
    expect(dependencies).toBeUndefined()
    for (const file of files) expect(existsSync(installed(file))).toBe(true)
    expect(readFileSync(installed('dist/LICENSES.txt'), 'utf8')).toMatch(/^commander [\d.]+, MIT$/m)
    expect(readdirSync(installed('.'))).not.toContain('src')
  })

  test('and the single binary does the same, with no node and no files beside it', async () => {
    const binary = join(user.folder, 'netlab')
    execFileSync('npm', ['run', '--silent', 'build:binary', binary], { stdio: 'pipe' })
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', NETLAB_RUNNER: 'netlink' }
    for (const args of [['--version'], ['apply', 'labs/router.yaml', '-y'], ['test'], ['destroy', 'router', '-y']])
      expect(await user.run([binary, ...args], { env })).toMatchObject({ code: 0 })
    expect(readdirSync(join(user.folder, 'home/.cache/netlab'))).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)])
  }, 120_000)
})

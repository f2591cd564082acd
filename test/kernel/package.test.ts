import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
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

  test('is a library with types, for import and for require', async () => {
    const project = join(user.folder, 'project')
    mkdirSync(join(project, 'node_modules'), { recursive: true })
    symlinkSync(installed('.'), join(project, 'node_modules/netlab'))
    symlinkSync(resolve('node_modules/@types'), join(project, 'node_modules/@types'))
    const write = (name: string, text: string) => writeFileSync(join(project, name), text)
    const use = `(async () => {
      const net = await lab(${JSON.stringify(installed('labs/router.yaml'))})
      console.log(net.name, (await net.exec('ns0', ['hostname'])).code, await lab('none').catch((e) => e instanceof UserError))
      await net.close()
    })()`
    write('a.mjs', `import { lab, UserError } from 'netlab'\n${use}`)
    write('a.cjs', `const { lab, UserError } = require('netlab');\n${use}`)
    for (const file of ['a.mjs', 'a.cjs'])
      expect(await user.run([process.execPath, join(project, file)])).toEqual({
        code: 0,
        stdout: 'router 0 true\n',
        stderr: '',
      })
    write('package.json', '{ "type": "module" }')
    write(
      'a.ts',
      `import { lab, UserError, type LabFault } from 'netlab'
      await using net = await lab('x.yaml', { fresh: true, set: { n: 3 } })
      const { code }: { code: number } = await net.exec('a', ['true'])
      const faults: readonly LabFault[] = await net.impair('a:eth0', { delay: '50ms', loss: '5%', to: 'c' })
      // @ts-expect-error: the command is a list of words
      await net.exec('a', 'true')
      export const problem = new UserError([]).diagnostics[0]?.position?.line ?? code + faults.length`,
    )
    write('a.cts', `import { lab } from 'netlab'\nexport const closed = lab('x.yaml').then((net) => net.close())`)
    const options = { strict: true, noEmit: true, target: 'ES2022', module: 'NodeNext', types: ['node'] }
    write('tsconfig.json', JSON.stringify({ compilerOptions: options, include: ['a.ts', 'a.cts'] }))
    const typescript = resolve('node_modules/typescript/bin/tsc')
    const types = spawnSync(process.execPath, [typescript, '-p', project], { encoding: 'utf8' })
    expect([types.status, types.stdout]).toEqual([0, ''])
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

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openUser, type User } from '../support/user.ts'
import { stepsOf } from '../support/workflow.ts'

/** Each example is a package of its own, which an ordinary user installs with a packed netlab. */
let user: User
let netlab: string
beforeAll(async () => {
  user = await openUser()
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', user.folder]
  netlab = join(user.folder, execFileSync('npm', pack, { encoding: 'utf8' }).trim())
  const bin = join(user.folder, 'bin')
  mkdirSync(bin)
  // A runner's user may become root without a password, which this one may not; nothing needs it but a setting of Ubuntu's.
  writeFileSync(join(bin, 'sudo'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 })
})
afterAll(() => user.close())

/** What to run: the steps of its workflow, or what its README says. */
function stepsIn(example: string): string[] {
  const workflow = join('examples', example, '.github/workflows/test.yml')
  return existsSync(workflow) ? stepsOf(readFileSync(workflow, 'utf8'), 'test') : ['npm install', 'npm test']
}

test.each(readdirSync('examples'))(
  'the tests of examples/%s pass',
  async (example) => {
    const project = join(user.folder, example)
    cpSync(join('examples', example), project, { recursive: true })
    const file = join(project, 'package.json')
    const description = JSON.parse(readFileSync(file, 'utf8')) as { devDependencies: Record<string, string> }
    description.devDependencies['netlab'] = `file:${netlab}`
    writeFileSync(file, JSON.stringify(description))
    const steps = stepsIn(example)
    expect(steps).toEqual(expect.arrayContaining(['npm install', 'npm test']))
    for (const step of steps) {
      if (step === 'npm install') {
        // The world of the user is not connected.
        execFileSync('npm', ['install', '--no-audit', '--no-fund'], { cwd: project, stdio: 'pipe' })
        execFileSync('chmod', ['-R', 'a+rwX', project])
        continue
      }
      const env = { PATH: `${user.folder}/bin:${process.env['PATH'] ?? ''}` }
      const { code, stdout, stderr } = await user.run(['bash', '-e', '-c', step], { env, cwd: project })
      expect({ step, code, output: code ? stdout + stderr : '' }).toEqual({ step, code: 0, output: '' })
      if (step === 'npm test') expect(stdout).toMatch(/^# pass [1-9]/m)
    }
  },
  120_000,
)

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { openUser, type User } from '../support/user.ts'

interface Step {
  readonly name?: string
  readonly uses?: string
  readonly run?: string
}

/** The workflow of docs/automation.md, in a checkout with a lab and the package. What `uses:` an action is left out. */
describe('the workflow for GitHub Actions', () => {
  const [, text = ''] = /```yaml\n(name: network\n[^]*?)```/.exec(readFileSync('docs/automation.md', 'utf8')) ?? []
  const { jobs } = parse(text) as { jobs: { lab: { steps: Step[] } } }
  const steps = jobs.lab.steps.flatMap(({ run }) => (run === undefined ? [] : [run]))
  let user: User
  beforeAll(async () => {
    user = await openUser()
    execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', user.folder])
    const bin = join(user.folder, 'bin')
    mkdirSync(bin)
    // A runner's user may become root without a password, which this one may not; nothing needs it but a setting of Ubuntu's.
    writeFileSync(join(bin, 'sudo'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 })
    cpSync('labs/router.yaml', join(user.folder, 'labs/router.yaml'))
  })
  afterAll(() => user.close())

  test('has steps', () => expect(steps.length).toBeGreaterThan(5))

  test('each of its steps succeeds', async () => {
    const env = {
      PATH: `${user.folder}/prefix/bin:${user.folder}/bin:${process.env['PATH'] ?? ''}`,
      npm_config_prefix: join(user.folder, 'prefix'),
      npm_config_offline: 'true',
    }
    // As the runner does: bash -e, one shell for each step.
    for (const step of steps)
      expect({ step, ...(await user.run(['bash', '-e', '-c', step], { env })) }).toMatchObject({ code: 0 })
    expect(await user.run(['cat', 'report.xml'])).toMatchObject({ stdout: expect.stringContaining('<testsuites>') })
  })
})

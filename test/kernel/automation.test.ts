import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openUser, type User } from '../support/user.ts'
import { stepsOf } from '../support/workflow.ts'

const page = readFileSync('docs/automation.md', 'utf8')
/** The workflows of the page that begin with this line. */
const workflow = (line: string): string =>
  new RegExp(`^\`\`\`yaml\n(${line}\n[^]*?)^\`\`\`$`, 'm').exec(page)?.[1] ?? ''

/** The workflows of docs/automation.md, in a checkout with a lab and the package. What `uses:` an action is left out. */
describe('workflows for GitHub Actions', () => {
  let user: User
  beforeAll(async () => {
    user = await openUser()
    execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', user.folder])
    const bin = join(user.folder, 'bin')
    mkdirSync(bin)
    // A runner's user may become root without a password, which this one may not; nothing needs it but a setting of Ubuntu's.
    writeFileSync(join(bin, 'sudo'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 })
    writeFileSync(join(bin, 'gh'), '#!/bin/sh\necho "$@"; cp comment.md posted.md\n', { mode: 0o755 })
    cpSync('labs/router.yaml', join(user.folder, 'labs/router.yaml'))
  })
  afterAll(() => user.close())

  /** As the runner does: bash -e, one shell for each step. */
  const run = (step: string) => {
    const env = {
      PATH: `${user.folder}/prefix/bin:${user.folder}/bin:${process.env['PATH'] ?? ''}`,
      npm_config_prefix: join(user.folder, 'prefix'),
      npm_config_offline: 'true',
      ...{ NUMBER: '7', GITHUB_BASE_REF: 'main' },
    }
    return user.run(['bash', '-e', '-c', step], { env })
  }
  const posted = async (): Promise<string> => (await user.run(['cat', 'posted.md'])).stdout

  test('each step of the first succeeds', async () => {
    const steps = stepsOf(workflow('name: network'), 'lab')
    expect(steps.length).toBeGreaterThan(5)
    for (const step of steps) expect({ step, ...(await run(step)) }).toMatchObject({ code: 0 })
    expect(await user.run(['cat', 'report.xml'])).toMatchObject({ stdout: expect.stringContaining('<testsuites>') })
  })

  test('the second comments on a change of the lab', async () => {
    const commit = 'git init -q && git add labs && git -c user.name=n -c user.email=n@example.org commit -qm one'
    await run(`${commit} && git update-ref refs/remotes/origin/main HEAD`)
    await run(`sed -i 's/forwarding: true/forwarding: false/' labs/router.yaml`)
    const steps = stepsOf(workflow('name: review'), 'comment')
    expect(steps.length).toBeGreaterThan(2)
    for (const step of steps) expect({ step, ...(await run(step)) }).toMatchObject({ code: 0 })
    expect(await posted()).toMatch(/^<!-- netlab diff -->\n[^]*ns-router/)
  })

  test('its step for a lab that is live says what the change does to packets and checks, also when one fails', async () => {
    const [step = '', ...more] = stepsOf(`jobs:\n  it:\n    steps:\n${workflow(' {6}- run: \\|')}`, 'it')
    expect([step, more]).toEqual([expect.stringContaining('netlab plan --test --reach'), []])
    await run('git checkout -q labs && netlab apply -y labs/router.yaml')
    expect(await run(step)).toMatchObject({ code: 0 })
    await run(`sed -i 's/forwarding: true/forwarding: false/' labs/router.yaml`)
    expect(await run(step)).toMatchObject({ code: 1, stdout: expect.stringContaining('pr comment 7') })
    expect(await posted()).toMatch(/^```\n[^]*ns0[^]*ns1[^]*failed[^]*```\n$/)
    await run('netlab destroy -y router')
  })
})

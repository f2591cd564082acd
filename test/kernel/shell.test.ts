import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openWorld, type World } from '../support/netns.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
  const lab = join(world.folder, 'lab.yaml')
  writeFileSync(lab, 'namespaces: {ns0: }\n')
  expect((await world.netlab(['apply', lab, '-y'])).code).toBe(0)
})
afterAll(() => world.close())

/** What is on the terminal when somebody types these lines in `netlab shell NAMESPACE`. */
async function typed(shell: string, lines: string, namespace = 'ns0', env: Record<string, string> = {}) {
  const command = `"${process.execPath}" "${join(process.cwd(), 'dist/netlab.cjs')}" shell "$NS"`
  const more = { SHELL: shell, NS: namespace, TERM: 'dumb', ...env }
  // The shell throws away what was typed before it had its terminal.
  const script = `(sleep 1; printf '%s\\n' "$1" exit; sleep 0.5) | script -qec "$0" /dev/null`
  return (await world.run(['bash', '-c', script, command, lines], { cwd: world.folder, env: more })).stdout
}

const home = (name: string, text: string): void => writeFileSync(join(world.folder, name), text)

test('bash has the lab and the namespace in its prompt, whatever its own configuration makes of it', async () => {
  home('.bashrc', "PS1='mine> '; alias mine='echo from the user'\n")
  const shown = await typed('/bin/bash', 'mine; ip netns identify')
  expect(shown).toContain('(lab/ns0) mine> ')
  // The terminal may echo what is typed next between the two.
  expect(shown).toMatch(/\r\nfrom the user\r\n(.*\r\n)?ns0\r\n/)
  home('.bashrc', "remake() { PS1='made anew> '; }; PROMPT_COMMAND=remake\n")
  expect(await typed('/bin/bash', 'true')).toMatch(/\(lab\/ns0\) made anew> .*\n\(lab\/ns0\) made anew> /s)
})

test('dash as well, and its own ENV is read and given on', async () => {
  home('mine.sh', 'mine() { echo "from $ENV"; }; PS1=\'mine> \'\n')
  const env = { ENV: join(world.folder, 'mine.sh') }
  const shown = await typed('/bin/dash', 'mine', 'ns0', env)
  expect(shown).toContain('(lab/ns0) mine> ')
  expect(shown).toContain(`from ${env.ENV}`)
  expect(await typed('/bin/dash', 'echo "ENV ${ENV-is unset}"')).toMatch(/\(lab\/ns0\) [#$] .*ENV is unset/s)
})

test.each(['/bin/bash', '/bin/dash'])('a name of somebody else’s is not a command to %s', async (shell) => {
  home('.bashrc', '')
  const name = '$(touch ran)`touch ran`'
  expect((await world.run(['ip', 'netns', 'add', name])).code).toBe(0)
  const shown = await typed(shell, 'ls', name)
  expect(shown).toContain(`(${name}) `)
  expect(shown).not.toMatch(/\bran\r/)
  await world.run(['ip', 'netns', 'del', name])
})

test('netlab starts without the certificates that programs are to trust, which these get to know of', async () => {
  const command = [join(process.cwd(), 'dist/netlab.cjs'), 'exec', 'ns0', '--', 'sh', '-c', 'env | grep CA_CERTS']
  // Node would warn that they are not there.
  const { stdout, stderr } = await world.run(command, { env: { NODE_EXTRA_CA_CERTS: '/nowhere' } })
  expect({ stdout, stderr }).toEqual({ stdout: 'NODE_EXTRA_CA_CERTS=/nowhere\n', stderr: '' })
})

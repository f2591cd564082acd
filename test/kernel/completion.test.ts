import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openWorld, type World } from '../support/netns.ts'
import { openUser } from '../support/user.ts'

let world: World
let env: Record<string, string>
beforeAll(async () => {
  world = await openWorld()
  mkdirSync(join(world.folder, 'bin'))
  symlinkSync(join(process.cwd(), 'dist/netlab.cjs'), join(world.folder, 'bin/netlab'))
  env = { PATH: `${join(world.folder, 'bin')}:${process.env['PATH'] ?? ''}`, TERM: 'dumb' }
  mkdirSync(join(world.folder, 'labs'))
  writeFileSync(join(world.folder, 'notes.txt'), '')
  writeFileSync(
    join(world.folder, 'web.yaml'),
    `namespaces:
  web:
    bridges: { d0: "fd00::1/64" }
    processes: { cache: { command: [sleep, infinity] } }
`,
  )
  expect(await world.netlab(['apply', 'web.yaml', '-y'], { cwd: world.folder })).toMatchObject({ code: 0 })
  expect((await world.run(['ip', 'netns', 'add', '$(touch ran)'])).code).toBe(0)
})
afterAll(() => world.close())

/** What bash has as completions of the last word, and shows or inserts. Words are those that bash makes of a line. */
async function bash(...words: string[]): Promise<string[]> {
  const script = `
    eval "$(netlab completion bash)"
    compopt() { :; } # bash has it only while somebody types
    COMP_WORDS=(netlab "$@") COMP_CWORD=$#
    _netlab
    [ "\${#COMPREPLY[@]}" = 0 ] || printf '%s\\n' "\${COMPREPLY[@]}"`
  const { code, stdout, stderr } = await world.run(['bash', '-c', script, 'bash', ...words], { cwd: world.folder, env })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout.split('\n').filter(Boolean).sort()
}

test('bash: commands, labs, namespaces, processes, files', async () => {
  expect(await bash('destr')).toEqual(['destroy'])
  expect(await bash('destroy', 'w')).toEqual(['web', 'web.yaml'])
  expect(await bash('plan', 'la')).toEqual(['labs'])
  expect(await bash('logs', '')).toEqual(['web/cache'])
  expect(await bash('plan', '--out', 'no')).toEqual(['notes.txt'])
  expect(await bash('exec', 'web', '--', 'netla')).toEqual(['netlab'])
  expect(await bash('exec', 'web', '--', 'ip', 'link', 'show', 'dev', 'd')).toEqual(['d0'])
  // A name that somebody else gave is no command.
  expect(await bash('exec', '')).toEqual(['\\$\\(touch\\ ran\\)', 'web'])
  expect(existsSync(join(world.folder, 'ran'))).toBe(false)
})

test('bash: only what is after the last : or = is replaced', async () => {
  expect(await bash('plan', '--out', '=', 'no')).toEqual(['notes.txt'])
  expect(await bash('plan', 'web.yaml', '--target', 'web/d0/fd00', ':')).toEqual([':1/64'])
  expect(await bash('plan', 'web.yaml', '--target', 'web/d0/fd00', '::', '1')).toEqual(['1/64'])
})

const shells = [
  { shell: 'bash', argv: 'bash --norc --noprofile', setup: 'eval "$(netlab completion bash)"' },
  { shell: 'zsh', argv: 'zsh -f', setup: 'autoload -Uz compinit; compinit -u; eval "$(netlab completion zsh)"' },
  { shell: 'fish', argv: 'fish --no-config', setup: 'netlab completion fish | source' },
].filter(({ shell }) => existsSync(`/usr/bin/${shell}`) || existsSync(`/bin/${shell}`))

test.each(shells)('$shell: typed', async ({ argv, setup }) => {
  // Lines that are typed before the shell has its terminal are lost.
  const script = `
    { sleep 1; printf '%s\\r' "$2"; sleep 1.5; printf 'netlab exec we\\t-- ip link show dev d\\t'; sleep 2
      printf '\\001echo what: \\005\\r'; sleep 0.3; printf 'exit\\r'; sleep 0.5; } | script -qec "$1" /dev/null`
  const { stdout } = await world.run(['sh', '-c', script, 'sh', argv, setup], { cwd: world.folder, env })
  expect(stdout).toMatch(/what: netlab exec web -- ip link show dev d0/)
})

test('an ordinary user’s labs are offered, and no sandbox is made to look for them', async () => {
  const user = await openUser()
  const run = (...args: string[]) => user.run([join(user.folder, 'dist/netlab.cjs'), ...args])
  const holders = async (): Promise<string> =>
    (await user.outside(['pgrep', '-f', `netlab-sandbo[x] ${user.sandbox}$`])).stdout
  try {
    expect(await run('complete', '--', 'destroy', '')).toMatchObject({ code: 0, stdout: ':labs\n', stderr: '' })
    expect(await holders()).toBe('')
    expect(await run('apply', 'labs/router.yaml', '-y')).toMatchObject({ code: 0 })
    expect((await run('complete', '--', 'destroy', '')).stdout).toBe('router\tlive, 3 namespaces\n:labs\n')
    expect((await run('complete', '--', 'plan', '--help')).stdout).toContain('--help')
    await run('destroy', 'router', '-y')
    expect(await holders()).toBe('')
  } finally {
    await user.close()
  }
})

import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { program } from '../../src/cli.ts'
import { helpOf, helpText } from '../../src/commands/help.ts'
import { KERNEL_COMMANDS } from '../../src/host/sandbox/choose.ts'

const visible = program.createHelp().visibleCommands(program)
const commands = visible.filter((command) => command.name() !== 'help')
/** The commands that read no kernel, and so run outside an ordinary user's sandbox; `graph` does with some options. */
const STATIC = ['validate', 'diff', 'export', 'graph', 'fmt', 'init', 'schema', 'completion']

const netlab = (...args: string[]) =>
  spawnSync(process.execPath, ['dist/netlab.cjs', ...args], { encoding: 'utf8', env: { PATH: process.env['PATH'] } })

test('every command is known to use the kernel or not', () => {
  const names = program.commands.map((command) => command.name())
  // Netlab itself calls these two, and nobody else (src/main.ts).
  const own = ['machine', 'enter']
  expect([...KERNEL_COMMANDS, ...STATIC, 'complete', 'session'].sort()).toEqual([...names, ...own].sort())
  expect(readFileSync('dist/netlab.cjs', 'utf8')).toContain(` in complete | ${KERNEL_COMMANDS.join(' | ')}) `)
})

describe('help', () => {
  const optionsOf = (command: Command): string[] =>
    command.options.flatMap(({ short, long }) => [short, long].flatMap((one) => one ?? []))

  test.each([program, ...commands].map((command) => [command.name(), command] as const))('%s', (name, command) => {
    const text = command.helpInformation() + helpText(name)
    expect(text).toMatch(/\nExamples:\n(  netlab .*\n)+\nExit codes:\n(  \S+  .*\n?)+$/)
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
    const { examples, exitCodes } = helpOf(name)
    expect(exitCodes[0]?.[0]).toMatch(/^0/)
    // The examples use what there is.
    for (const [example] of examples) {
      const [word, called, ...rest] = example.replace(/ (--|>|<) .*/, '').split(' ')
      expect(word).toBe('netlab')
      const meant = commands.find((one) => one.name() === called)
      expect({ example, known: meant !== undefined }).toEqual({ example, known: true })
      if (command !== program) expect(called).toBe(name)
      for (const option of rest.filter((part) => /^-./.test(part)))
        expect({ example, options: meant && optionsOf(meant) }).toMatchObject({
          example,
          options: expect.arrayContaining([option]) as string[],
        })
    }
  })

  test('is what --help prints', () => {
    const text = execFileSync(process.execPath, ['dist/netlab.cjs', 'plan', '--help'], { encoding: 'utf8' })
    expect(text).toContain(helpText('plan'))
    expect(text).toContain('--detailed-exitcode')
    expect(netlab('help', 'plan').stdout).toBe(text)
  })
})

describe('an unknown command', () => {
  test.each([
    ['ls', 'netlab list (list the live labs)?'],
    ['up', 'netlab apply ('],
    ['deploy', 'netlab apply ('],
    ['inspect', 'netlab show ('],
    ['down', 'netlab destroy ('],
    ['version', 'netlab --version?'],
    ['plna', 'netlab plan ('],
    ['lst', 'netlab list ('],
    ['labs/router.yaml', 'netlab plan labs/router.yaml ('],
  ])('%s', (word, meant) => {
    const { status, stdout, stderr } = netlab(word, '-a')
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain(`error: there is no command ${word}\n  Did you mean ${meant}`)
  })

  test('that is like no other names the help', () => {
    expect(netlab('frobnicate').stderr).toBe(
      'error: there is no command frobnicate\n  netlab --help lists the commands.\n',
    )
    expect(netlab('constructor').stderr).not.toContain('Did you mean')
  })
})

test('schema prints the schema', () => {
  expect(netlab('schema').stdout).toBe(readFileSync('schemas/lab.schema.json', 'utf8'))
})

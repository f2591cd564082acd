import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { program } from '../../src/cli.ts'
import { helpOf } from '../../src/commands/help.ts'
import { manPages } from '../../src/commands/man-page.ts'

const helper = program.createHelp()
const commands = helper.visibleCommands(program).filter((command) => command.name() !== 'help')
const pages = manPages()

test('there is one for every command, and the build has written them', () => {
  const names = ['netlab.1', ...commands.map((command) => `netlab-${command.name()}.1`)].sort()
  expect([...pages.keys()].sort()).toEqual(names)
  expect(readdirSync('man').sort()).toEqual(names)
  for (const [name, text] of pages) expect(readFileSync(`man/${name}`, 'utf8')).toBe(text)
})

test.each(commands.map((command) => [command.name(), command] as const))(
  '%s: all that its help says',
  (name, command) => {
    const text = (pages.get(`netlab-${name}.1`) ?? '').replaceAll('\\-', '-').replaceAll('\\(dq', '"')
    const { examples, exitCodes } = helpOf(name)
    const said = [
      command.description(),
      ...helper.visibleOptions(command).map((option) => helper.optionTerm(option)),
      ...helper.visibleArguments(command).map((argument) => helper.argumentDescription(argument)),
      ...[...examples, ...exitCodes].flat(),
    ]
    for (const words of said) expect(text).toContain(words)
  },
)

test('requests are at the start of a line, and nothing else is', () => {
  for (const text of pages.values())
    for (const line of text.trimEnd().split('\n')) expect(line).toMatch(/^(\.(TH|SH|TP|B|BR) ?|\\&|[^.'\s])/)
})

const hasMan = spawnSync('sh', ['-c', 'command -v man && command -v groff']).status === 0

test(hasMan ? 'man shows them without a warning' : 'man is not here: only their form is tried', () => {
  for (const name of hasMan ? pages.keys() : []) {
    const { status, stdout, stderr } = spawnSync('man', ['--warnings', '-l', `man/${name}`], { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain('EXIT STATUS')
  }
})

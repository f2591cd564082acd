import type { Command } from 'commander'
import { version } from '../../package.json'
import { program } from '../cli.ts'
import { helpOf } from './help.ts'

/** Text for roff: its own characters escaped, so that hyphens can be searched for and copied. */
const plain = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=['.])/gm, '\\&')
const bold = (text: string): string => `.B "${plain(text).replaceAll('"', '\\(dq')}"\n`
const section = (title: string, body: string): string => (body ? `.SH ${title}\n${body}` : '')
const terms = (rows: readonly (readonly [term: string, text: string])[]): string =>
  rows.map(([term, text]) => `.TP\n${bold(term)}${plain(text)}\n`).join('')

/** The man page of a command, or of netlab itself, as roff (man(7)), with everything that its `--help` says. */
function pageOf(command: Command): string {
  const helper = command.createHelp()
  const isProgram = command === program
  const name = isProgram ? 'netlab' : `netlab-${command.name()}`
  const { examples, exitCodes } = helpOf(command.name())
  const commands = helper.visibleCommands(command).filter((one) => one.name() !== 'help')
  const also = isProgram ? commands.map((one) => `netlab-${one.name()}`) : ['netlab']
  return [
    `.TH ${name.toUpperCase()} 1 "" "netlab ${version}" "netlab"\n`,
    section('NAME', `${plain(`${name} - ${command.description()}`).replace('\\- ', '\\- ')}\n`),
    section('SYNOPSIS', bold(helper.commandUsage(command))),
    section(
      'ARGUMENTS',
      terms(helper.visibleArguments(command).map((one) => [helper.argumentTerm(one), helper.argumentDescription(one)])),
    ),
    section(
      'OPTIONS',
      terms(helper.visibleOptions(command).map((one) => [helper.optionTerm(one), helper.optionDescription(one)])),
    ),
    section('COMMANDS', terms(commands.map((one) => [one.name(), helper.subcommandDescription(one)]))),
    section('EXAMPLES', terms(examples)),
    section('EXIT STATUS', terms(exitCodes)),
    section(
      'SEE ALSO',
      `${also
        .sort()
        .map((one) => `.BR ${plain(one)} (1)`)
        .join(',\n')}\n`,
    ),
  ].join('')
}

/** All man pages, by the names of their files. */
export const manPages = (): ReadonlyMap<string, string> =>
  new Map(
    [program, ...program.createHelp().visibleCommands(program)]
      .filter((command) => command.name() !== 'help')
      .map((command) => [`netlab${command === program ? '' : `-${command.name()}`}.1`, pageOf(command)]),
  )

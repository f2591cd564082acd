import type { Command } from 'commander'
import { distance } from 'fastest-levenshtein'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import { nearest } from './nearest.ts'

/** What other programs call the commands of netlab: Docker, containerlab, Terraform, kubectl, git. */
const synonyms: Readonly<Record<string, string>> = {
  ...called('apply', 'up', 'deploy', 'create', 'start', 'run', 'build', 'make', 'add', 'install', 'update', 'restart'),
  ...called(
    'destroy',
    'down',
    'stop',
    'rm',
    'remove',
    'delete',
    'del',
    'undeploy',
    'clean',
    'kill',
    'prune',
    'teardown',
  ),
  ...called('list', 'ls', 'labs', 'status'),
  ...called('show', 'inspect', 'describe', 'get', 'info', 'state', 'graph', 'topology'),
  ...called('show --rules', 'rules', 'firewall', 'iptables', 'nft'),
  ...called('plan', 'diff', 'preview', 'dry-run', 'drift', 'refresh'),
  ...called('plan --commands', 'commands', 'script', 'export'),
  ...called('validate', 'check', 'lint'),
  ...called('test', 'verify', 'ping', 'tests'),
  ...called('shell', 'ssh', 'login', 'enter', 'attach', 'console', 'connect', 'sh', 'bash'),
  ...called('logs', 'tail'),
  ...called('apply --revert-after 60s', 'revert', 'rollback', 'undo'),
  ...called('confirm', 'commit', 'keep'),
  ...called('doctor', 'setup', 'requirements'),
  ...called('--version', 'version'),
  ...called('--help', 'man', 'usage'),
}

function called(command: string, ...names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, command]))
}

/** Throws the UserError for a command that does not exist: it names the one that was probably meant. */
export function unknownCommand(host: Host, name: string, program: Command): never {
  const meant = meaningOf(host, name, program)
  const description = program.commands.find((command) => command.name() === meant?.split(' ')[0])?.description()
  throw UserError.of(
    'unknown-command',
    `there is no command ${name}`,
    [
      ...(meant === undefined ? [] : [`Did you mean netlab ${meant}${description ? ` (${description})` : ''}?`]),
      'netlab --help lists the commands.',
    ].join('\n'),
  )
}

/** The command line, without `netlab`, that a word probably means: a synonym, a lab file, or the command spelled most like it. */
function meaningOf(host: Host, name: string, program: Command): string | undefined {
  if (Object.hasOwn(synonyms, name)) return synonyms[name]
  if (/\.ya?ml$/.test(name) || (name.includes('/') && host.exists(name))) return `plan ${name}`
  const commands = program.createHelp().visibleCommands(program)
  const meant = nearest(
    name,
    commands.map((command) => command.name()),
  )
  return meant !== undefined && distance(meant, name) <= Math.min(2, name.length / 2) ? meant : undefined
}

import { basename, dirname, join } from 'node:path'
import { visible } from '../model/text.ts'

/** The folder in which the build puts the start files for shells. */
const FILES = join(dirname(__filename), 'prompt')

const fish = `functions -q fish_prompt; and functions -c fish_prompt netlab_prompt
function netlab_status; return $argv[1]; end
function fish_prompt
  set -l last $status
  printf '(%s) ' $NETLAB_PROMPT
  netlab_status $last
  netlab_prompt
end`

/**
 * The argv and variables that start the user's shell whose prompt begins with `(NAME)`, after the user's own configuration was read. The
 * name is passed in a variable, never in a script. A shell that netlab does not know is started without a prompt of its own.
 */
export function withPrompt(
  name: string,
  environment: Readonly<NodeJS.ProcessEnv>,
): { readonly argv: readonly string[]; readonly env: Readonly<Record<string, string>> } {
  const shell = environment['SHELL'] || '/bin/sh'
  const env = { NETLAB_PROMPT: visible(name) }
  switch (basename(shell)) {
    case 'bash':
      return { argv: [shell, '--rcfile', join(FILES, 'bash.sh')], env }
    case 'zsh':
      return {
        argv: [shell],
        env: { ...env, ZDOTDIR: join(FILES, 'zsh'), NETLAB_ZDOTDIR: environment['ZDOTDIR'] ?? '' },
      }
    case 'fish':
      return { argv: [shell, '-C', fish], env }
    case 'sh':
    case 'dash':
    case 'ash':
    case 'ksh':
    case 'mksh':
      return { argv: [shell], env: { ...env, ENV: join(FILES, 'sh.sh'), NETLAB_ENV: environment['ENV'] ?? '' } }
    default:
      return { argv: [shell], env }
  }
}

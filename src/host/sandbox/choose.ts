/** Commands that do not use the kernel. */
const STATIC = ['validate', 'fmt', 'init', 'completion', 'diff', 'help']
/** Commands whose arguments after the first one are not options of netlab. */
const PASSING = ['exec']

/** Where a command runs, and its arguments. */
export interface Choice {
  /** The sandbox to run in; absent: here. */
  readonly sandbox?: string
  /** The arguments without --sandbox, which has been evaluated. */
  readonly args: readonly string[]
}

/**
 * Decides where a command runs, before anything else is loaded: for an ordinary user in the user's sandbox, for root here,
 * unless --sandbox or NETLAB_SANDBOX names a sandbox.
 */
export function choose(args: readonly string[], env: NodeJS.ProcessEnv, isRoot: boolean): Choice {
  const kept: string[] = []
  const words: string[] = []
  let asked = Boolean(env['NETLAB_SANDBOX'])
  let isHelp = false
  let over = false
  for (const arg of args) {
    over ||= arg === '--' || (PASSING.includes(words[0] ?? '') && words.length > 1)
    if (!over && arg === '--sandbox') {
      asked = true
      continue
    }
    isHelp ||= !over && ['--help', '-h'].includes(arg)
    kept.push(arg)
    if (!arg.startsWith('-')) words.push(arg)
  }
  const [command] = words
  const isStatic = command === undefined || STATIC.includes(command) || isHelp
  if (isStatic || (isRoot && !asked)) return { args: kept }
  return { sandbox: env['NETLAB_SANDBOX'] || 'default', args: kept }
}

/** Commands that ask the kernel nothing. */
const STATIC = ['validate', 'fmt', 'init', 'completion', 'diff', 'help']
/** Of these, what follows the first argument is not netlab's. */
const PASSING = ['exec']

/** Where to run, and with which arguments. */
export interface Choice {
  /** The sandbox to run in; absent: here. */
  readonly sandbox?: string
  /** Without --sandbox, which is heard by now. */
  readonly args: readonly string[]
}

/**
 * Decides where a command runs, before anything is loaded: an ordinary user's in the user's sandbox, root's here unless
 * --sandbox or NETLAB_SANDBOX says otherwise.
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

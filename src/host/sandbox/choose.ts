/** The commands that use the kernel. src/launch.sh has them too: the build writes them there. */
export const KERNEL_COMMANDS = [
  ...[
    'plan',
    'apply',
    'destroy',
    'confirm',
    'watchdog',
    'show',
    'list',
    'ps',
    'exec',
    'shell',
    'logs',
    'test',
    'doctor',
  ],
  ...['cut', 'impair', 'partition', 'heal', 'fault', 'guard', 'break', 'hint'],
  ...['capture', 'watch', 'import', 'reach', 'trace', 'agent', 'sniff', 'machine', 'enter'],
]
/** Commands that use the kernel with one of these options, and otherwise only read a lab file. */
const WITH_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  graph: ['--live', '--plan'],
  session: ['--live'],
}
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
  let [isHelp, isFresh] = [false, false]
  let over = false
  for (const arg of args) {
    over ||= arg === '--' || (PASSING.includes(words[0] ?? '') && words.length > 1)
    if (!over && arg === '--sandbox') {
      asked = true
      continue
    }
    isHelp ||= !over && ['--help', '-h'].includes(arg)
    isFresh ||= !over && arg === '--fresh'
    kept.push(arg)
    if (!arg.startsWith('-')) words.push(arg)
  }
  const [command] = words
  const usesKernel =
    command !== undefined &&
    !isHelp &&
    !isFresh && // it has a throw-away sandbox of its own
    (KERNEL_COMMANDS.includes(command) || WITH_OPTIONS[command]?.some((option) => kept.includes(option)))
  if (!usesKernel || (isRoot && !asked)) return { args: kept }
  return { sandbox: env['NETLAB_SANDBOX'] || 'default', args: kept }
}

import { fileOf, isPath, placeIn, type Place } from './place.ts'
import { visible } from './text.ts'

/** A program with its arguments. Arguments are data: they never pass through a shell unquoted. */
export interface Command extends Place {
  readonly argv: readonly string[]
  /** What it reads on standard input. */
  readonly input?: string
  /** It runs in the home of its namespace (src/kinds/home.ts); absent: with the files of the machine. */
  readonly home?: true
  /** The only variables that it has, besides PATH; absent: those of netlab itself. */
  readonly environment?: Readonly<Record<string, string>>
  /** How long it may run, in seconds; absent: two minutes. */
  readonly timeout?: number
}

/** The result of a program that has ended. `code` is 128 + the signal's number when a signal ended it. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Programs that take `-n NAMESPACE` themselves. */
const placing: readonly string[] = ['ip', 'tc', 'bridge']

const plain = /^[A-Za-z0-9_@%+=:,./~-]+$/

/** A word quoted for a POSIX shell; in bash's `$'…'` form when it contains invisible characters. */
export function quote(word: string): string {
  if (plain.test(word)) return word
  return visible(word) === word
    ? `'${word.replaceAll("'", `'\\''`)}'`
    : `$'${visible(word.replace(/[\\']/g, String.raw`\$&`))}'`
}

/**
 * The argv that runs the command in its namespace, and in the home that the process `home` keeps. `nsenter` costs the same,
 * however many namespaces exist.
 */
export const placed = ({ argv, netns }: Command, home?: number): string[] => {
  const inside = home === undefined ? [] : [`--mount=/proc/${home}/ns/mnt`, `--uts=/proc/${home}/ns/uts`]
  return netns === undefined ? [...argv] : ['nsenter', `--net=${fileOf(netns)}`, ...inside, '--', ...argv]
}

/** The argv that runs the command from the machine's own namespace, as a person would type it. */
export function typed({ argv: words, netns, home, environment = {} }: Command): string[] {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  const argv = variables.length ? ['env', ...variables, ...words] : words
  // `ip -n` of iproute2 6.1 takes no path.
  if (netns === undefined || isPath(netns)) return placed({ argv, ...placeIn(netns) })
  if (home) return ['netlab', 'exec', netns, '--', ...argv]
  const [program = '', ...rest] = argv
  return placing.includes(program) ? [program, '-n', netns, ...rest] : ['ip', 'netns', 'exec', netns, ...argv]
}

/** The command as one line of shell: what `plan --commands` prints. Input follows as a here-document. */
export function shell(command: Command): string {
  const line = typed(command).map(quote).join(' ')
  if (command.input === undefined) return line
  return `${line} <<'EOF'\n${command.input.replace(/\n?$/, '\n')}EOF`
}

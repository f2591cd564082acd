import { constants } from 'node:os'
import { resolve } from 'node:path'
import type { LabContext } from '../model/kind.ts'
import { mapped } from './common.ts'
import { quantity } from './impairments.ts'
import type { ProcessSpec, Ready } from './process.ts'

/** The argv of a `command` or `run`: a text is run by a shell. */
export const argvOf = (command: unknown): string[] =>
  Array.isArray(command) ? command.map(String) : ['sh', '-c', String(command)]

type Plain = string | number | boolean
type Words = string | readonly Plain[]

/** A process as a lab file has it. */
export interface ProcessEntry extends Pick<ProcessSpec, 'cwd' | 'restart'> {
  readonly command: Words
  readonly reload?: Words
  readonly env?: Readonly<Record<string, Plain>>
  readonly ready?: Omit<Ready, 'run' | 'timeout'> & { readonly run?: Words; readonly timeout?: string | number }
  readonly after?: string | readonly string[]
  readonly user?: string | number
  readonly group?: string | number
  readonly stop?: string
  readonly stop_timeout?: string | number
  readonly once?: boolean
}

/** Part of marks, file names and ids. */
const processName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/
const variableName = /^(?!NETLAB_)[A-Za-z_][A-Za-z0-9_]*$/
/** What useradd(8) takes as a name, and more; passed to getent(1) and setpriv(1). */
const account = /^[A-Za-z0-9_][A-Za-z0-9_.@-]*\$?$/
const pattern = /^\/(.+)\/(i?)$/s

/** The longest `ready.timeout` and `stop_timeout`, in seconds. */
const LONGEST = { ready: 3600, stop: 600 }

/** The settings that an entry asks for; undefined after reporting an error. */
export function processFromLab(entry: ProcessEntry, context: LabContext): ProcessSpec | undefined {
  let failed = false
  const error: LabContext['error'] = (...said) => {
    failed = true
    context.error(...said)
  }
  const { env = {}, cwd, restart, reload, user, group, once } = entry
  const { name, namespace, folder } = context
  const command = argvOf(entry.command)
  const badName = Object.keys(env).find((key) => !variableName.test(key))
  if (!processName.test(name))
    error('bad-name', [], `"${name}" cannot be the name of a process`, 'Use letters, digits, _ . and -.', 'key')
  if (command[0] === '') error('bad-value', ['command'], 'the command is empty')
  if (badName !== undefined)
    error('bad-name', ['env', badName], `"${badName}" cannot be the name of an environment variable`, undefined, 'key')
  for (const field of ['user', 'group'] as const)
    if (entry[field] !== undefined && !account.test(String(entry[field])))
      error('bad-value', [field], `"${String(entry[field])}" is neither a name nor a number`)
  if (once && restart === 'always')
    error(
      'bad-value',
      ['restart'],
      'what runs once is not started again after it has ended with 0',
      'Write on-failure.',
    )
  const ready = readyOf(entry, error)
  const stop = stopOf(entry, error)
  const after = [entry.after ?? []].flat().map((other) => (other.includes('/') ? other : `${namespace}/${other}`))
  if (failed) return undefined
  const [program = ''] = command
  return {
    name,
    // Relative to the folder of the lab file, as all paths in it.
    command: /^\.\.?\//.test(program) ? [resolve(folder, program), ...command.slice(1)] : command,
    ...(Object.keys(env).length > 0 && { env: mapped(env, String) }),
    ...(cwd !== undefined && { cwd: resolve(folder, cwd) }),
    ...(reload !== undefined && { reload: argvOf(reload) }),
    ...(user !== undefined && { user: String(user) }),
    ...(group !== undefined && { group: String(group) }),
    ...(after.length > 0 && { after: [...new Set(after)] }),
    ...(ready !== undefined && { ready }),
    ...(once && { once }),
    ...(restart !== undefined && restart !== 'never' && { restart }),
    ...stop,
    dir: folder,
  }
}

/** A duration in seconds; undefined after reporting an error. */
function seconds(value: string | number, path: string[], most: number, error: LabContext['error']): number | undefined {
  const time = quantity(value, { ms: 1, s: 1000, m: 60_000 }, 1000)
  if (!time) return void error('bad-value', path, `"${value}" is no time`, 'Seconds, or a duration such as 500ms.')
  if (time > most * 1000)
    return void error('out-of-range', path, `${value} is too long`, `At most ${most / 60} minutes: ${most / 60}m.`)
  return time / 1000
}

/** Conditions, in the order in which they are tried: the one that starts a program comes last. */
function readyOf({ ready, once }: ProcessEntry, error: LabContext['error']): Ready | undefined {
  if (ready === undefined) return undefined
  const { tcp, udp, file, log, run, timeout } = ready
  const conditions = Object.keys(ready).filter((field) => field !== 'timeout')
  const [first] = conditions
  if (once && first !== undefined)
    error(
      'bad-value',
      ['ready', first],
      `${first} means nothing with once`,
      'What runs once is ready when it has ended with 0.',
      'key',
    )
  if (!once && first === undefined)
    error('bad-value', ['ready'], 'ready says nothing to wait for', 'Give tcp, udp, file, log or run.')
  if (file !== undefined && !file.startsWith('/')) error('bad-value', ['ready', 'file'], 'the file is an absolute path')
  if (log !== undefined) checkPattern(log, error)
  const limit = timeout === undefined ? undefined : seconds(timeout, ['ready', 'timeout'], LONGEST.ready, error)
  return {
    ...(tcp !== undefined && { tcp }),
    ...(udp !== undefined && { udp }),
    ...(file !== undefined && { file }),
    ...(log !== undefined && { log }),
    ...(run !== undefined && { run: argvOf(run) }),
    ...(limit !== undefined && { timeout: limit }),
  }
}

function checkPattern(log: string, error: LabContext['error']): void {
  const [, text, flags] = pattern.exec(log) ?? []
  if (text === undefined)
    return error('bad-value', ['ready', 'log'], `"${log}" is no pattern`, 'Write it as /started/ or /started/i.')
  try {
    new RegExp(text, flags)
  } catch (reason) {
    error('bad-value', ['ready', 'log'], `${log} is no pattern`, (reason as Error).message)
  }
}

/** The pattern of `ready.log` for grep -P. */
export const grepPattern = (log: string): string =>
  log.replace(pattern, (_, text: string, flag: string) => (flag ? `(?i)${text}` : text))

function stopOf(
  { stop, stop_timeout }: ProcessEntry,
  error: LabContext['error'],
): Pick<ProcessSpec, 'stop' | 'stop_timeout'> {
  const signal = stop === undefined ? undefined : `SIG${stop.toUpperCase().replace(/^SIG/, '')}`
  if (signal !== undefined && !Object.hasOwn(constants.signals, signal))
    error('bad-value', ['stop'], `"${stop}" is no signal`, 'One such as SIGTERM, SIGINT, SIGQUIT, SIGHUP.')
  else if (signal === 'SIGSTOP')
    error('bad-value', ['stop'], 'SIGSTOP does not end a process', 'One such as SIGTERM, SIGINT, SIGQUIT, SIGHUP.')
  const limit = stop_timeout === undefined ? undefined : seconds(stop_timeout, ['stop_timeout'], LONGEST.stop, error)
  return {
    ...(signal !== undefined && signal !== 'SIGTERM' && { stop: signal }),
    ...(limit !== undefined && { stop_timeout: limit }),
  }
}

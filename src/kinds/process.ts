import { quote, shell } from '../model/command.ts'
import type { Kind, LabContext } from '../model/kind.ts'
import { hostsOf, MOUNTS, namesIn } from '../model/names.ts'
import { running } from '../model/operation.ts'
import { processTag } from '../model/owner.ts'
import { fileOf, HERE_NAME, placeOf } from '../model/place.ts'
import type { Difference } from '../model/change.ts'
import type { Resource } from '../model/resource.ts'
import type { LiveProcess } from '../model/runner.ts'
import { mapped, same, within } from './common.ts'
import { START, STOP } from './process-scripts.ts'
import { ofNamespace, without } from './lab-entry.ts'

export type ProcessSpec = {
  readonly name: string
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Default: `/`. */
  readonly cwd?: string
  /** It is ready when something listens on this TCP port in its namespace, or when this file exists. */
  readonly ready?: { readonly tcp: number } | { readonly file: string }
  /** Default: `never`. */
  readonly restart?: 'always' | 'on-failure' | 'never'
  /** The folder of the lab file, passed as NETLAB_DIR; absent: not known. It is not compared with that of a running process. */
  readonly dir?: string
  /** Live: `stray` when it runs without its supervisor; `ended` when only its log is left. */
  readonly state?: 'stray' | 'ended'
}

/** `ns1/process/web` */
export const processId = (namespace: string, name: string): string => `${namespace}/process/${name}`

/** The argv of a `command` or `run`: a text is run by a shell. */
export const argvOf = (command: unknown): string[] =>
  Array.isArray(command) ? command.map(String) : ['sh', '-c', String(command)]

/** Part of marks, file names and ids. */
const processName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/
const variableName = /^(?!NETLAB_)[A-Za-z_][A-Za-z0-9_]*$/

/** A process as a lab file has it. */
type Entry = Pick<ProcessSpec, 'cwd' | 'ready' | 'restart'> & {
  readonly command: string | readonly (string | number | boolean)[]
  readonly env?: Readonly<Record<string, string | number | boolean>>
}

function fromLab(entry: Entry, { name, folder, error }: LabContext): ProcessSpec | undefined {
  const { env = {}, cwd, ready, restart } = entry
  const command = argvOf(entry.command)
  const badName = Object.keys(env).find((key) => !variableName.test(key))
  if (!processName.test(name))
    return void error(
      'bad-name',
      [],
      `"${name}" cannot be the name of a process`,
      'Use letters, digits, _ . and -.',
      'key',
    )
  if (command[0] === '') return void error('bad-value', ['command'], 'the command is empty')
  if (badName !== undefined)
    return void error(
      'bad-name',
      ['env', badName],
      `"${badName}" cannot be the name of an environment variable`,
      undefined,
      'key',
    )
  if (cwd !== undefined && !cwd.startsWith('/')) return void error('bad-value', ['cwd'], 'cwd is an absolute path')
  return {
    name,
    command,
    ...(Object.keys(env).length > 0 && { env: mapped(env, String) }),
    ...(cwd !== undefined && { cwd }),
    ...(ready !== undefined && { ready }),
    ...(restart !== undefined && restart !== 'never' && { restart }),
    dir: folder,
  }
}

/** A program that runs in a namespace from apply to destroy. Live ones are made by `processResource`, not from a dump. */
export const process: Kind<ProcessSpec> = {
  name: 'process',
  read: () => [],
  describe: ({ command, state }) => (state === 'ended' ? 'its log' : command.map(quote).join(' ')),
  fromLab,
  toLab: (r) => ofNamespace(r, { processes: { [r.spec.name]: without(r.spec, 'name', 'dir') } }),
  compare,
  needs: ({ namespace }) => [namespace],
  lostWith: ({ namespace }) => [namespace],
  lingers: () => true,

  create: (r, { lab, desired }) => {
    const { name, command, env = {}, cwd = '/', ready, restart = 'never', dir = '', state } = r.spec
    if (state === 'ended') return []
    const [kind, value] = Object.entries<string | number>(ready ?? {})[0] ?? ['', '']
    const { state: _, ...kept } = r.spec
    const mark = [lab, r.namespace, name, processTag(lab, r.namespace, name), JSON.stringify(kept)]
    const variables = Object.entries(env).map(([key, text]) => `${key}=${text}`)
    const words = [...mark, hostsOf(namesIn(desired)), dir, cwd, kind, String(value), restart, ...variables, ...command]
    const argv = [...MOUNTS, 'sh', '-c', START, 'sh', ...words]
    const folder = cwd === '/' ? [] : ['-C', cwd]
    const plain = folder.length + variables.length ? ['env', ...folder, ...variables, ...command] : command
    const typed = shell({ argv: plain, ...placeOf(r) })
    return [{ stage: 'start processes', operation: { ...within(r, ...argv), instead: `${typed} &` } }]
  },

  update: () => [],

  remove: ({ id, namespace, borrowed, spec: { name } }, { lab, desired }) => {
    const home = borrowed ? '/proc/self/ns/net' : fileOf(namespace)
    const marks = [`${lab}/${namespace}/${name}`, processTag(lab, namespace, name)]
    const argv = ['sh', '-c', STOP, 'sh', ...marks, home, ...(desired.has(id) ? ['keep-log'] : [])]
    const instead = `kill $(grep -lsE 'file locks +${marks[1]} ' /proc/[0-9]*/limits | cut -d/ -f3)`
    return [{ stage: 'stop processes', operation: { ...running({ argv }), instead } }]
  },
}

/** The differences. `ready` is not compared: it matters only at the start. */
function compare(live: ProcessSpec, desired: ProcessSpec): Difference[] {
  if (live.state !== undefined) {
    const forces = live.state === 'stray' ? 'what it started runs on without it' : 'only its log is left'
    return [{ field: 'state', from: live.state, to: 'running', forces }]
  }
  const [before, after] = [settings(live), settings(desired)]
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((field): Difference[] => {
    const [from, to] = [before[field], after[field]]
    if (same(from, to)) return []
    const forces = 'a process keeps what it was started with'
    return [{ field, ...(from !== undefined && { from }), ...(to !== undefined && { to }), forces }]
  })
}

/** The compared settings by the field of their difference: each variable has its own field. */
const settings = ({ command, env = {}, cwd, restart = 'never' }: ProcessSpec): Record<string, unknown> => ({
  command,
  ...Object.fromEntries(Object.entries(env).map(([name, value]) => [`env.${name}`, value])),
  cwd,
  restart,
})

/** The resource of a live process; a process with an unreadable spec is a stray. */
export function processResource({ namespace, name, root, state, spec }: LiveProcess): Resource<ProcessSpec> {
  const parsed = state === 'running' ? parse(spec) : undefined
  const known: ProcessSpec = parsed ?? { name, command: [], state: state === 'ended' ? 'ended' : 'stray' }
  return {
    id: processId(namespace, name),
    kind: 'process',
    namespace,
    ...(root && { borrowed: HERE_NAME }),
    spec: { ...known, name },
  }
}

function parse(text: string | undefined): ProcessSpec | undefined {
  try {
    const value = JSON.parse(text ?? '') as Partial<ProcessSpec> | null
    return Array.isArray(value?.command) ? (value as ProcessSpec) : undefined
  } catch {
    return undefined
  }
}

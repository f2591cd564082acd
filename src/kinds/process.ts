import { resolve } from 'node:path'
import { quote, shell } from '../model/command.ts'
import type { Kind, LabContext } from '../model/kind.ts'
import { hostsOf, MOUNTS, namesIn } from '../model/names.ts'
import { running } from '../model/operation.ts'
import { processTag } from '../model/owner.ts'
import { fileOf, HERE_NAME, placeOf } from '../model/place.ts'
import type { Difference } from '../model/change.ts'
import type { Resource, Resources } from '../model/resource.ts'
import type { LiveProcess } from '../model/runner.ts'
import { mapped, same, within } from './common.ts'
import { fileId } from './file.ts'
import { homeId } from './home.ts'
import { RELOAD, START, STOP } from './process-scripts.ts'
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
  /** The argv that makes it read its files again. Default: it is started again. */
  readonly reload?: readonly string[]
  /** The digest of the files of its namespace that it has loaded; absent: there are none. */
  readonly files?: string
  /** The folder of the lab file, passed as NETLAB_DIR; absent: not known. It is not compared with that of a running process. */
  readonly dir?: string
  /** The namespace whose home it is in, when its own is a second name of that. */
  readonly home?: string
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

type Words = string | readonly (string | number | boolean)[]

/** A process as a lab file has it. */
type Entry = Pick<ProcessSpec, 'cwd' | 'ready' | 'restart'> & {
  readonly command: Words
  readonly reload?: Words
  readonly env?: Readonly<Record<string, string | number | boolean>>
}

function fromLab(entry: Entry, { name, folder, error }: LabContext): ProcessSpec | undefined {
  const { env = {}, cwd, ready, restart, reload } = entry
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
  const [program = ''] = command
  return {
    name,
    // Relative to the folder of the lab file, as all paths in it.
    command: /^\.\.?\//.test(program) ? [resolve(folder, program), ...command.slice(1)] : command,
    ...(Object.keys(env).length > 0 && { env: mapped(env, String) }),
    ...(cwd !== undefined && { cwd: resolve(folder, cwd) }),
    ...(reload !== undefined && { reload: argvOf(reload) }),
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
  published: ({ files: _, home: __, ...spec }) => spec,
  toLab: (r) => ofNamespace(r, { processes: { [r.spec.name]: without(r.spec, 'name', 'dir', 'files', 'home') } }),
  compare,
  needs: (r) => [r.namespace, ...(r.borrowed ? [] : [homeId(r.spec.home ?? r.namespace)])],
  lostWith: ({ namespace, spec }) => [namespace, homeId(spec.home ?? namespace)],
  lingers: () => true,

  create: (r, { lab, desired }) => {
    const { name, command, env = {}, cwd = '/', ready, restart = 'never', dir = '', files = '', state } = r.spec
    if (state === 'ended') return []
    const [kind, value] = Object.entries<string | number>(ready ?? {})[0] ?? ['', '']
    const { state: _, ...kept } = r.spec
    const mark = [lab, r.namespace, name, processTag(lab, r.namespace, name), JSON.stringify(kept)]
    const variables = Object.entries(env).map(([key, text]) => `${key}=${text}`)
    const names = r.borrowed || ownsHosts(r, desired) ? '' : hostsOf(namesIn(desired))
    const words = [...mark, names, dir, cwd, kind, String(value), restart, files, ...variables, ...command]
    const argv = [...(r.borrowed ? MOUNTS : []), 'sh', '-c', START, 'sh', ...words]
    const folder = cwd === '/' ? [] : ['-C', cwd]
    const plain = folder.length + variables.length ? ['env', ...folder, ...variables, ...command] : command
    const typed = shell({ argv: plain, ...placeOf(r), ...(!r.borrowed && { home: true }) })
    return [
      {
        stage: 'start processes',
        operation: { ...within(r, ...argv), ...(!r.borrowed && { home: true }), instead: `${typed} &` },
      },
    ]
  },

  update: ({ desired: r }) => {
    const { reload = [], files = '', name } = r.spec
    const argv = ['sh', '-c', RELOAD, 'sh', `${r.namespace}:${name}`, files, ...reload]
    const instead = shell({ argv: reload, ...placeOf(r), home: true })
    return [{ stage: 'start processes', operation: { ...within(r, ...argv), home: true, instead } }]
  },

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
  const isStale = live.files !== desired.files
  const way = desired.reload ? {} : { forces: 'it reads its files when it starts' }
  return [
    ...(isStale ? [{ field: 'files', from: 'as they were', to: 'as they are now', ...way }] : []),
    ...[...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((field): Difference[] => {
      const [from, to] = [before[field], after[field]]
      if (same(from, to)) return []
      const forces = 'a process keeps what it was started with'
      return [{ field, ...(from !== undefined && { from }), ...(to !== undefined && { to }), forces }]
    }),
  ]
}

/** Whether the lab gives the namespace a hosts file, which netlab then leaves alone. */
const ownsHosts = ({ namespace, spec }: Resource<ProcessSpec>, desired: Resources): boolean =>
  desired.has(fileId(spec.home ?? namespace, '/etc/hosts'))

/** The compared settings by the field of their difference: each variable has its own field. */
const settings = ({ command, env = {}, cwd, restart = 'never' }: ProcessSpec): Record<string, unknown> => ({
  command,
  ...Object.fromEntries(Object.entries(env).map(([name, value]) => [`env.${name}`, value])),
  cwd,
  restart,
})

/** The resource of a live process, which has loaded these files; a process with an unreadable spec is a stray. */
export function processResource(
  { namespace, name, root, state, spec }: LiveProcess,
  files?: string,
): Resource<ProcessSpec> {
  const parsed = state === 'running' ? parse(spec) : undefined
  const { files: _, ...started } = parsed ?? {}
  const known: ProcessSpec = parsed
    ? { ...(started as ProcessSpec), ...(files && { files }) }
    : { name, command: [], state: state === 'ended' ? 'ended' : 'stray' }
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

import { quote } from '../model/command.ts'
import { HERE_NAME } from '../model/place.ts'
import type { Difference } from '../model/change.ts'
import type { Fields } from '../model/fields.ts'
import type { Kind } from '../model/kind.ts'
import type { Resource } from '../model/resource.ts'
import type { LiveProcess } from '../model/runner.ts'
import { same } from './common.ts'
import { ofNamespace, without } from './lab-entry.ts'
import { processFromLab } from './process-lab.ts'
import { homeOfProcess, idOfProcess, reloaded, setupId, started, stopped } from './process-start.ts'

/** What makes a process ready: all of it. */
export interface Ready {
  /** Something listens on this TCP port in its namespace. */
  readonly tcp?: number
  /** Something listens on this UDP port in its namespace. */
  readonly udp?: number
  /** This file exists. */
  readonly file?: string
  /** A line that it has printed since it was started matches: `/started/i`. */
  readonly log?: string
  /** The argv of a program that ends with 0 in its namespace. */
  readonly run?: readonly string[]
  /** How long to wait, in seconds. Default: 10. */
  readonly timeout?: number
}

export type ProcessSpec = {
  readonly name: string
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Default: `/`. */
  readonly cwd?: string
  /** The user that it runs as, a name or a number. Default: the one that netlab runs as. */
  readonly user?: string
  /** Its group. Default: the user's. */
  readonly group?: string
  /** The processes that must be ready before it is started: `NAMESPACE/NAME`. */
  readonly after?: readonly string[]
  /** Default: it is ready when it has run for a moment. */
  readonly ready?: Ready
  /** It is done when it has ended with 0. */
  readonly once?: true | undefined
  /** Default: `never`. */
  readonly restart?: 'always' | 'on-failure' | 'never'
  /** The argv that makes it read its files again. Default: it is started again. */
  readonly reload?: readonly string[]
  /** The digest of the files of its namespace that it has loaded; absent: there are none. */
  readonly files?: string
  /** The namespace whose home it is in, when its own is a second name of that. */
  readonly home?: string
  /** The signal that ends it. Default: SIGTERM. */
  readonly stop?: string
  /** How long it may take to end, in seconds. Default: 2. */
  readonly stop_timeout?: number
  /** The folder of the lab file, passed as NETLAB_DIR; absent: not known. It is not compared with that of a running process. */
  readonly dir?: string
  /**
   * Live: `stray` when it runs without its supervisor; `ended` when only its log is left; `unfinished` when it is to run once
   * and has not ended yet.
   */
  readonly state?: 'stray' | 'ended' | 'unfinished'
}

/** `ns1/process/web` */
export const processId = (namespace: string, name: string): string => idOfProcess(`${namespace}/${name}`)

/** The ids of the programs that come before it. */
const awaits = ({ spec: { after = [] } }: Resource<ProcessSpec>): string[] => after.map(idOfProcess)

/** A program that runs in a namespace from apply to destroy. Live ones are made by `processResource`, not from a dump. */
export const process: Kind<ProcessSpec> = {
  name: 'process',
  read: () => [],
  describe: ({ command, state }) => (state === 'ended' ? 'its log' : command.map(quote).join(' ')),
  fromLab: processFromLab,
  published: ({ files: _, home: __, ...spec }) => spec,
  toLab: (r) => ofNamespace(r, { processes: { [r.spec.name]: without(r.spec, 'name', 'dir', 'files', 'home') } }),
  compare,
  needs: (r) => [...(r.borrowed ? [r.namespace] : [r.namespace, homeOfProcess(r)]), ...awaits(r)],
  awaits,
  below: () => [],
  lostWith: (r) => [r.namespace, homeOfProcess(r)],
  lingers: () => true,
  requires: ({ spec: { command, user, group } }) => [
    command[0]?.split('/').at(-1) ?? '',
    ...(user === undefined && group === undefined ? [] : ['setpriv']),
  ],
  create: (r, context) => (r.spec.state === undefined ? [started(r, r.spec, context)] : []),
  update: ({ desired }) => [reloaded(desired)],
  remove: (r, context) => [stopped(r, r.spec, context)],
}

const UNLIKE: Readonly<Record<NonNullable<ProcessSpec['state']>, string>> = {
  stray: 'what it started runs on without it',
  ended: 'only its log is left',
  unfinished: 'an earlier run did not wait for its end',
}

/** The differences. `ready` and `after` are not compared: they matter only at the start. */
function compare(live: ProcessSpec, desired: ProcessSpec): Difference[] {
  if (live.state !== undefined) {
    const to = desired.once ? 'done' : 'running'
    return [{ field: 'state', from: live.state, to, forces: UNLIKE[live.state] }]
  }
  const [before, after] = [settings(live), settings(desired)]
  const way = desired.reload ? {} : { forces: 'it reads its files when it starts' }
  const stale =
    live.files === desired.files ? [] : [{ field: 'files', from: 'as they were', to: 'as they are now', ...way }]
  const others = [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((field): Difference[] => {
    const [from, to] = [before[field], after[field]]
    if (same(from, to)) return []
    const forces = 'a process keeps what it was started with'
    return [{ field, ...(from !== undefined && { from }), ...(to !== undefined && { to }), forces }]
  })
  return [...stale, ...others]
}

/** The compared settings by the field of their difference: each variable has its own field. */
function settings({ command, env = {}, ...spec }: ProcessSpec): Fields {
  const { cwd, user, group, once, restart = 'never', reload, stop, stop_timeout } = spec
  return {
    ...{ restart, command, cwd, user, group, once, reload, stop, stop_timeout },
    ...Object.fromEntries(Object.entries(env).map(([name, value]) => [`env.${name}`, value])),
  }
}

/** The resource of a live process, which has loaded these files, or of what a setup has left; one with an unreadable spec is a stray. */
export function processResource({ namespace, name, root, state, spec, done }: LiveProcess, files?: string): Resource {
  const parsed = state === 'running' ? parse(spec) : undefined
  const place = { namespace, ...(root && { borrowed: HERE_NAME }) }
  const unlike = parsed ? (parsed.once && !done ? 'unfinished' : undefined) : state === 'ended' ? 'ended' : 'stray'
  const more = unlike && { state: unlike }
  if (parsed && 'commands' in parsed)
    return { id: setupId(namespace), kind: 'setup', ...place, spec: { ...parsed, ...more } }
  const { files: _, ...known } = parsed ?? { name, command: [] }
  const loaded = parsed && files ? { files } : {}
  return { id: processId(namespace, name), kind: 'process', ...place, spec: { ...known, ...loaded, ...more, name } }
}

function parse(text: string | undefined): ProcessSpec | undefined {
  try {
    const value = JSON.parse(text ?? '') as Partial<ProcessSpec & { commands: unknown }> | null
    return Array.isArray(value?.command) || Array.isArray(value?.commands) ? (value as ProcessSpec) : undefined
  } catch {
    return undefined
  }
}

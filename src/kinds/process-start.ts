import { quote, shell } from '../model/command.ts'
import type { Emission } from '../model/change.ts'
import type { PlanContext } from '../model/kind.ts'
import { MOUNTS } from '../model/names.ts'
import { running } from '../model/operation.ts'
import { processTag } from '../model/owner.ts'
import { fileOf, placeOf } from '../model/place.ts'
import { oncePer, type Resource } from '../model/resource.ts'
import { within } from './common.ts'
import { fileId, homeId } from './file.ts'
import { grepPattern } from './process-lab.ts'
import { RELOAD, START, STOP } from './process-scripts.ts'
import type { ProcessSpec } from './process.ts'

/** How long a process may take to be ready, in seconds. */
const READY_WITHIN = 10
/** How a process is ended: by this signal, and by SIGKILL after this time in seconds. */
export const STOPPING = { stop: 'SIGTERM', stop_timeout: 2 } as const
/** How much longer than that the script may take as a whole, in seconds. */
const MARGIN = 60

/** A process as it is started; `kept` is what its mark says, by which it is compared later. */
export type Startable = ProcessSpec & { readonly kept?: object }

/** `ns1/setup` */
export const setupId = (namespace: string): string => `${namespace}/setup`

/** `ns1/process/web`, for `ns1/web`. */
export const idOfProcess = (name: string): string => name.replace('/', '/process/')

/** The words of `ready` for START. */
const wordsOf = ({ tcp, udp, file, log, run }: NonNullable<ProcessSpec['ready']>): string[] => [
  ...(tcp === undefined ? [] : ['tcp', String(tcp)]),
  ...(udp === undefined ? [] : ['udp', String(udp)]),
  ...(file === undefined ? [] : ['file', file]),
  ...(log === undefined ? [] : ['log', grepPattern(log)]),
  ...(run === undefined ? [] : ['run', ...run]),
]

const hundredths = (seconds: number): string => String(Math.round(seconds * 100))

/** The operation that starts a process and waits until it is ready, after those that it comes after. */
export function started(r: Resource<any>, spec: Startable, { lab, desired, hosts }: PlanContext): Emission {
  const { kept, ...own } = spec
  const { name, command, env = {}, cwd = '/', user = '', group = '', after = [], restart = 'never', dir = '' } = own
  const { ready = {}, once } = own
  const words = wordsOf(ready)
  const patience = ready.timeout ?? READY_WITHIN
  const mark = [lab, r.namespace, name, processTag(lab, r.namespace, name), JSON.stringify(kept ?? own)]
  const variables = Object.entries(env).map(([key, text]) => `${key}=${text}`)
  const times = [hundredths(patience), String(words.length)]
  const settings = [dir, cwd, restart, once ? 'true' : '', user, group, own.files ?? '', ...times]
  // In a home whose hosts file is the lab's, the names are not written.
  const names = desired.has(fileId(own.home ?? r.namespace, '/etc/hosts')) ? '' : hosts()
  const inside = r.borrowed ? {} : { home: true as const }
  const argv = [...(r.borrowed ? MOUNTS : []), 'sh', '-c', START, 'sh', ...mark, names, ...settings]
  const folder = cwd === '/' ? [] : ['-C', cwd]
  const as = [...(user ? ['-u', `#${user}`.replace(/^#(?!\d+$)/, '')] : []), ...(group ? ['-g', group] : [])]
  const plain = folder.length + variables.length ? ['env', ...folder, ...variables, ...command] : command
  const typed = shell({ argv: as.length ? ['sudo', ...as, ...plain] : plain, ...placeOf(r), ...inside })
  const setup = setupId(r.namespace)
  const before = [...(r.id !== setup && desired.has(setup) ? [setup] : []), ...after.map(idOfProcess)]
  return {
    stage: 'start processes',
    operation: {
      ...within(r, ...argv, ...words, ...variables, ...command),
      ...inside,
      instead: once ? typed : `${typed} &`,
      timeout: patience + MARGIN,
    },
    ...(before.length > 0 && { after: before }),
  }
}

/** The id of the home that a process runs in. */
export const homeOfProcess = ({ namespace, spec }: Resource<Pick<ProcessSpec, 'home'>>): string =>
  homeId(spec.home ?? namespace)

/** The operation by which a process reads its files again. */
export function reloaded(r: Resource<ProcessSpec>): Emission {
  const { reload = [], files = '', name } = r.spec
  const argv = ['sh', '-c', RELOAD, 'sh', `${r.namespace}:${name}`, files, ...reload]
  const instead = shell({ argv: reload, ...placeOf(r), home: true })
  return { stage: 'start processes', operation: { ...within(r, ...argv), home: true, instead } }
}

/** The operation that ends a process, after those that come after it. */
export function stopped(r: Resource<any>, spec: ProcessSpec, { lab, live, desired }: PlanContext): Emission {
  const { name, stop, stop_timeout: patience } = { ...STOPPING, ...spec }
  const home = r.borrowed ? '/proc/self/ns/net' : fileOf(r.namespace)
  const tag = processTag(lab, r.namespace, name)
  const words = [`${lab}/${r.namespace}/${name}`, tag, home, stop.slice('SIG'.length), hundredths(patience)]
  const argv = ['sh', '-c', STOP, 'sh', ...words, ...(desired.has(r.id) ? ['keep-log'] : [])]
  const option = stop === 'SIGTERM' ? '' : `-s ${quote(stop.slice('SIG'.length))} `
  const instead = `kill ${option}$(grep -lsE 'file locks +${tag} ' /proc/[0-9]*/limits | cut -d/ -f3)`
  const followers = followersIn(live).get(r.id)
  return {
    stage: 'stop processes',
    operation: { ...running({ argv }), instead, timeout: patience + MARGIN },
    ...(followers && { after: followers }),
  }
}

/** The ids of the processes that come after each process. */
const followersIn = oncePer((resources): ReadonlyMap<string, readonly string[]> => {
  const result = new Map<string, string[]>()
  for (const { id, kind, spec } of resources.values())
    for (const name of kind === 'process' ? ((spec['after'] ?? []) as string[]) : []) {
      const before = idOfProcess(name)
      const followers = result.get(before)
      if (followers) followers.push(id)
      else result.set(before, [id])
    }
  return result
})

import { join } from 'node:path'
import { logFile } from '../host/process-logs.ts'
import { idle } from '../host/status-line.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import { NEAR } from '../model/other-machine.ts'
import { otherWorldHint } from './elsewhere.ts'
import { locatedHere, spreadOf, type SpreadLab } from './lab-runner.ts'
import { locate, type LocateOptions } from './locate.ts'
import { loadLocated } from './open-located.ts'

interface Options extends LocateOptions {
  readonly follow?: boolean
}

/**
 * `netlab logs NS/PROC [LAB]`: prints the log of a process. `netlab logs [LAB]`: those of all processes of a lab, each line with the
 * process before it. With `follow` also what is added, until the logs are removed.
 */
export async function logs(
  host: Host,
  first: string | undefined,
  second: string | undefined,
  { follow = false, ...options }: Options,
): Promise<number> {
  if (first === undefined || !isProcess(first)) {
    if (second !== undefined)
      throw UserError.of(
        'unknown-process',
        `${first} is not a process`,
        'Write NAMESPACE/PROCESS, as in netlab logs web/nginx',
      )
    const spread = await spreadOf(host, locate(first, options))
    return spread ? await logsOfMachines(spread, follow) : await logsOfLab(host, first, follow, options)
  }
  const [namespace = '', name = ''] = first.split('/')
  const located = locatedHere({ ...options, ...(second !== undefined && { lab: second }) })
  const spread = located && (await spreadOf(host, located))
  if (spread?.places[namespace] !== undefined && spread.places[namespace] !== NEAR) {
    const { host: all } = spread.runner
    const words = [...all.self, 'logs', first, spread.lab.name, ...(follow ? ['--follow'] : [])]
    return await all.attach({ argv: words, netns: namespace })
  }
  const file = logFile(host, labOf(host, namespace, name, second, options), namespace, name)
  if (!host.exists(file)) throw noLog(host, namespace, name)
  for await (const piece of host.pieces(file, follow)) await print(piece)
  return 0
}

/** Prints the logs of the processes of all machines of a lab. */
async function logsOfMachines({ lab, runner, places, peers }: SpreadLab, follow: boolean): Promise<number> {
  const argv = [...runner.host.self, 'logs', lab.name, ...(follow ? ['--follow'] : [])]
  const machine = async ({ name }: SpreadLab['peers'][number]): Promise<void> => {
    const netns = Object.keys(places).find((one) => places[one] === name && !lab.namespaces.get(one)?.borrowed)
    if (netns === undefined) return
    for await (const piece of runner.host.start({ argv, netns }).stdout) await print(piece as Uint8Array)
  }
  if (follow) await Promise.all(peers.map(machine))
  else for (const peer of peers) await machine(peer)
  return 0
}

/** Prints the logs of a lab's processes, one after the other, and then what is added as it comes. */
async function logsOfLab(host: Host, argument: string | undefined, follow: boolean, options: LocateOptions) {
  const lab = nameOf(host, argument, options)
  const all = knownLogs(host).filter((one) => one.lab === lab)
  if (all.length === 0)
    throw UserError.of('unknown-process', `no process of lab ${lab} has printed anything`, known(host))
  const width = Math.max(...all.map(({ process }) => process.length))
  const lines = async (one: string, going: boolean): Promise<void> => {
    const [namespace = '', name = ''] = one.split('/')
    const text = new TextDecoder()
    let rest = ''
    for await (const piece of host.pieces(logFile(host, lab, namespace, name), going)) {
      const whole = (rest + text.decode(piece, { stream: true })).split('\n')
      rest = whole.pop() ?? ''
      if (whole.length) await print(whole.map((line) => `${one.padEnd(width)} | ${line}\n`).join(''))
    }
    if (rest) await print(`${one.padEnd(width)} | ${rest}\n`)
  }
  if (follow) await Promise.all(all.map(({ process }) => lines(process, true)))
  else for (const { process } of all) await lines(process, false)
  return 0
}

function print(text: string | Uint8Array): Promise<unknown> {
  idle()
  return new Promise((done) => process.stdout.write(text, done))
}

/** Whether it is written as NAMESPACE/PROCESS; `labs/web.yaml` is a lab. */
function isProcess(text: string): boolean {
  const parts = text.split('/')
  return parts.length === 2 && parts.every(isName) && !/\.ya?ml$/.test(text)
}

const isName = (text: string): boolean => /^[\w.-]+$/.test(text) && !/^\.+$/.test(text)
const list = (host: Host, ...path: string[]): string[] => host.list(join(host.logFolder(), ...path))

/** The name of a lab that was named by its file or name. */
function nameOf(host: Host, argument: string | undefined, options: LocateOptions): string {
  const located = locate(argument, options)
  return loadLocated(located, host)?.name ?? ('name' in located ? located.name : '')
}

/** The lab that was named, or the only one with a log of this process. */
function labOf(host: Host, namespace: string, name: string, argument: string | undefined, options: Options): string {
  if (argument !== undefined) return nameOf(host, argument, options)
  const labs = list(host).filter((lab) => host.exists(logFile(host, lab, namespace, name)))
  const [only] = labs
  if (only === undefined) throw noLog(host, namespace, name)
  if (labs.length > 1)
    throw UserError.of(
      'unknown-process',
      `several labs have a process ${namespace}/${name}`,
      labs.map((lab) => `netlab logs ${namespace}/${name} ${lab}`).join('\n'),
    )
  return only
}

const noLog = (host: Host, namespace: string, name: string): UserError =>
  UserError.of(
    'unknown-process',
    `there is no log of ${namespace}/${name}`,
    [...otherWorldHint(host, [namespace], `logs ${namespace}/${name}`), known(host)].join('\n'),
  )

/** The processes with a log, as NAMESPACE/NAME, and their labs. */
export const knownLogs = (host: Host): { readonly process: string; readonly lab: string }[] =>
  list(host).flatMap((lab) =>
    list(host, lab).flatMap((namespace) =>
      list(host, lab, namespace).map((file) => ({ process: `${namespace}/${file.replace(/\.log$/, '')}`, lab })),
    ),
  )

function known(host: Host): string {
  const all = knownLogs(host).map(({ process, lab }) => `  ${process} of lab ${lab}`)
  return all.length ? `There are logs of:\n${all.join('\n')}` : 'No process of a lab has run here.'
}

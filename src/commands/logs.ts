import { join } from 'node:path'
import { logFile } from '../host/process-logs.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import { otherWorldHint } from './elsewhere.ts'
import { locate, type LocateOptions } from './locate.ts'
import { loadLocated } from './prepare.ts'

interface Options extends LocateOptions {
  readonly follow?: boolean
}

/** `netlab logs NS/PROC [LAB]`: prints the log of the process; with --follow also what is added, until it is removed. */
export async function logs(
  host: Host,
  process_: string,
  argument: string | undefined,
  options: Options,
): Promise<number> {
  const [namespace = '', name = '', extra] = process_.split('/')
  if (!isName(namespace) || !isName(name) || extra !== undefined)
    throw UserError.of(
      'unknown-process',
      `${process_} is no process`,
      'Write NAMESPACE/PROCESS, as in netlab logs web/nginx',
    )
  const file = logFile(host, labOf(host, namespace, name, argument, options), namespace, name)
  if (!host.exists(file)) throw noLog(host, namespace, name)
  for await (const piece of host.pieces(file, options.follow === true))
    await new Promise((done) => process.stdout.write(piece, done))
  return 0
}

const isName = (text: string): boolean => /^[\w.-]+$/.test(text) && !/^\.+$/.test(text)
const list = (host: Host, ...path: string[]): string[] => host.list(join(host.logFolder(), ...path))

/** The lab that was named, or the only one with a log of this process. */
function labOf(host: Host, namespace: string, name: string, argument: string | undefined, options: Options): string {
  if (argument !== undefined) {
    const located = locate(argument, options)
    return loadLocated(located, host)?.name ?? ('name' in located ? located.name : '')
  }
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

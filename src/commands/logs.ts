import { join } from 'node:path'
import { logFile } from '../host/process-logs.ts'
import { thisMachine } from '../host/this-machine.ts'
import { UserError } from '../model/diagnostic.ts'
import { locate } from './locate.ts'
import { loadLocated } from './prepare.ts'

interface Options {
  readonly follow?: boolean
}

/** `netlab logs NS/PROC [LAB]`: prints the log of the process; with --follow also what is added, until it is removed. */
export async function logs(process_: string, argument: string | undefined, { follow }: Options): Promise<number> {
  const [namespace = '', name = '', extra] = process_.split('/')
  if (!isName(namespace) || !isName(name) || extra !== undefined)
    throw UserError.of(
      'unknown-process',
      `${process_} is no process`,
      'Write NAMESPACE/PROCESS, as in netlab logs web/nginx',
    )
  const file = logFile(labOf(namespace, name, argument), namespace, name)
  if (!thisMachine.exists(file)) throw UserError.of('unknown-process', `there is no log of ${process_}`, known())
  for await (const piece of thisMachine.pieces(file, follow === true))
    await new Promise((done) => process.stdout.write(piece, done))
  return 0
}

const isName = (text: string): boolean => /^[\w.-]+$/.test(text) && !/^\.+$/.test(text)
const list = (...path: string[]): string[] => thisMachine.list(join(thisMachine.logFolder(), ...path))

/** The lab that was named, or the only one with a log of this process. */
function labOf(namespace: string, name: string, argument: string | undefined): string {
  if (argument !== undefined) {
    const located = locate(argument)
    return loadLocated(located)?.name ?? ('name' in located ? located.name : '')
  }
  const labs = list().filter((lab) => thisMachine.exists(logFile(lab, namespace, name)))
  const [only] = labs
  if (only === undefined) throw UserError.of('unknown-process', `there is no log of ${namespace}/${name}`, known())
  if (labs.length > 1)
    throw UserError.of(
      'unknown-process',
      `several labs have a process ${namespace}/${name}`,
      labs.map((lab) => `netlab logs ${namespace}/${name} ${lab}`).join('\n'),
    )
  return only
}

function known(): string {
  const all = list().flatMap((lab) =>
    list(lab).flatMap((namespace) =>
      list(lab, namespace).map((file) => `  ${namespace}/${file.replace(/\.log$/, '')} of lab ${lab}`),
    ),
  )
  return all.length ? `There are logs of:\n${all.join('\n')}` : 'No process of a lab has run here.'
}

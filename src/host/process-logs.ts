import { join } from 'node:path'
import { thisMachine } from './this-machine.ts'

/** The path of the log of a process. */
export const logFile = (lab: string, namespace: string, name: string): string =>
  join(thisMachine.logFolder(), lab, namespace, `${name}.log`)

/** The last lines in the log of a process; empty when it has no log. */
export function lastWords(lab: string, namespace: string, name: string): readonly string[] {
  const lines = (thisMachine.readFile(logFile(lab, namespace, name)) ?? '').trimEnd().split('\n')
  return lines.slice(-10).filter(Boolean)
}

import { join } from 'node:path'
import type { Host } from '../model/host.ts'

/** The path of the log of a process. */
export const logFile = (host: Host, lab: string, namespace: string, name: string): string =>
  join(host.logFolder(), lab, namespace, `${name}.log`)

/** The last lines in the log of a process; empty when it has no log. */
export function lastWords(host: Host, lab: string, namespace: string, name: string): readonly string[] {
  const lines = (host.readFile(logFile(host, lab, namespace, name)) ?? '').trimEnd().split('\n')
  return lines.slice(-10).filter(Boolean)
}

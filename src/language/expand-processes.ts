import { processId } from '../kinds/process.ts'
import type { Expansion } from './expansion.ts'
import type { Settings } from './lab-file.ts'

/** Part of marks, file names and ids. */
const processName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/

/** The argv that a `command` or `run` means: text is for a shell. */
export const argvOf = (command: unknown): string[] =>
  Array.isArray(command) ? command.map(String) : ['sh', '-c', String(command)]

/** Processes of every namespace. */
export function expandProcesses(x: Expansion): void {
  for (const [namespace, fields] of Object.entries(x.file.namespaces))
    for (const [name, p] of Object.entries(fields?.processes ?? {})) {
      const path = ['namespaces', namespace, 'processes', name]
      const { command, env, cwd, ready, restart } = p as Settings & { env?: Settings }
      const badName = Object.keys(env ?? {}).find(
        (key) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(key) || key.startsWith('NETLAB_'),
      )
      if (!processName.test(name))
        x.report.error(path, `"${name}" cannot be the name of a process`, 'Use letters, digits, _ . and -.', 'key')
      else if (argvOf(command)[0] === '') x.report.error([...path, 'command'], 'the command is empty')
      else if (badName !== undefined)
        x.report.error(
          [...path, 'env', badName],
          `"${badName}" cannot be the name of an environment variable`,
          undefined,
          'key',
        )
      else if (cwd !== undefined && !String(cwd).startsWith('/'))
        x.report.error([...path, 'cwd'], 'cwd is an absolute path')
      else
        x.add(
          {
            id: processId(namespace, name),
            kind: 'process',
            namespace,
            spec: {
              name,
              command: argvOf(command),
              ...(env &&
                Object.keys(env).length && {
                  env: Object.fromEntries(Object.entries(env).map(([k, v]) => [k, String(v)])),
                }),
              ...(cwd !== undefined && { cwd }),
              ...(ready !== undefined && { ready }),
              ...(restart !== undefined && restart !== 'never' && { restart }),
              dir: x.folder,
            },
          },
          path,
          'key',
        )
    }
}

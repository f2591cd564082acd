import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Resource, Resources } from '../model/resource.ts'

const FIX =
  'This sandbox has one user id. To get more: install newuidmap (package uidmap), grant ids in /etc/subuid and /etc/subgid, and begin with a new sandbox.'

/**
 * Throws a UserError when a process is to run as a user or group that does not exist, or that a sandbox with one user id cannot have.
 * Numbers need no account. A namespace with account files of its own is not looked at.
 */
export async function mustHaveAccounts(resources: Resources, host: Host): Promise<void> {
  const processes = [...resources.values()].filter(
    ({ kind, spec }) => kind === 'process' && (spec['user'] !== undefined || spec['group'] !== undefined),
  )
  if (processes.length === 0) return
  const only = host.isSandbox && userIds(host) === 1
  const errors: Diagnostic[] = []
  for (const [field, database] of [
    ['user', 'passwd'],
    ['group', 'group'],
  ] as const) {
    const asked = processes.filter(({ spec }) => spec[field] !== undefined)
    const name = ({ spec }: Resource): string => String(spec[field])
    const known = await accounts(database, asked.map(name), host)
    const error = (r: Resource, code: Diagnostic['code'], summary: string, detail: string): void => {
      const position = r.source?.([field])
      errors.push({ code, severity: 'error', summary, detail, ...(position && { position }) })
    }
    for (const r of asked) {
      const isRoot = ['root', '0'].includes(name(r))
      if (only && !isRoot) error(r, 'not-in-sandbox', `${r.id} cannot run as ${field} ${name(r)} here`, FIX)
      else if (isName(name(r)) && !known.has(name(r)) && !resources.has(`${r.namespace}/file/etc/${database}`))
        error(
          r,
          'unknown-account',
          `there is no ${field} ${name(r)} on this machine`,
          `getent ${database} lists those that exist.`,
        )
    }
  }
  if (errors.length) throw new UserError(errors)
}

const isName = (account: string): boolean => !/^\d+$/.test(account)

/** The fields of the users or groups with these names, by name; numbers are left out. */
export async function accounts(
  database: 'passwd' | 'group',
  names: readonly string[],
  host: Host,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const asked = [...new Set(names)].filter(isName)
  if (asked.length === 0) return new Map()
  return new Map((await accountEntries(database, asked, host)).map((fields) => [fields[0] ?? '', fields]))
}

/** The fields of the users or groups with these names or numbers, as far as there are any (getent(1)). */
export async function accountEntries(
  database: 'passwd' | 'group',
  keys: Iterable<string>,
  host: Host,
): Promise<string[][]> {
  const { stdout } = await host.run({ argv: ['getent', database, '--', ...keys] })
  return stdout.split('\n').map((line) => line.split(':'))
}

/** How many user ids there are (uid_map of user_namespaces(7)). */
export const userIds = (host: Host): number =>
  (host.readFile('/proc/self/uid_map') ?? '0 0 4294967295')
    .trim()
    .split('\n')
    .reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[2]), 0)

import type { Owned } from '../kinds/file.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Resource, Resources } from '../model/resource.ts'
import { accountEntries, accounts, userIds } from './accounts.ts'

/**
 * The resources with the numbers of the users and groups that own files and folders of homes, which the machine knows by name.
 * Throws a UserError for names that it does not know, and for owners other than root where there is one user id only.
 */
export async function withOwners(resources: Resources, host: Host): Promise<Resources> {
  const owned = [...resources.values()].filter(
    ({ kind, spec }) => (kind === 'file' || kind === 'folder') && spec['owner'],
  )
  if (owned.length === 0) return resources
  const named = owned.map(({ spec }) => String(spec['owner']).split(':'))
  const users = await accounts(
    'passwd',
    named.map(([user = '']) => user),
    host,
  )
  const groups = await accounts(
    'group',
    named.flatMap(([, group = []]) => group),
    host,
  )
  const most = userIds(host)
  const errors: Diagnostic[] = []
  const result = new Map(resources)
  for (const resource of owned as Resource<Owned>[]) {
    const { owner = 'root' } = resource.spec
    const [user = '', group] = owner.split(':')
    const entry = users.get(user)
    const uid = entry?.[2] ?? user
    const gid = group === undefined ? (entry?.[3] ?? user) : (groups.get(group)?.[2] ?? group)
    const unknown = /^\d+$/.test(uid) ? (/^\d+$/.test(gid) ? undefined : `group ${group}`) : `user ${user}`
    const position = resource.source && { position: resource.source() }
    if (unknown !== undefined)
      errors.push({
        code: 'unknown-reference',
        severity: 'error',
        summary: `this machine has no ${unknown}`,
        detail: 'Install the program that brings it, or give its number.',
        ...position,
      })
    else if (Number(uid) >= most || Number(gid) >= most)
      errors.push({
        code: 'not-in-sandbox',
        severity: 'error',
        summary: `${owner} cannot own a file here: this sandbox has ${most === 1 ? 'one user id only' : `${most} user ids only`}`,
        detail:
          'Install uidmap, and give yourself a range in /etc/subuid and /etc/subgid (docs/rootless.md); or run netlab as root.',
        ...position,
      })
    else result.set(resource.id, { ...resource, spec: { ...resource.spec, uid: Number(uid), gid: Number(gid) } })
  }
  if (errors.length) throw new UserError(errors)
  return result
}

/**
 * The resources with the names of the users and groups that own live files and folders, so that a lab file means the same on a
 * machine with other numbers. Numbers without a name stay.
 */
export async function withOwnerNames(resources: Resources, host: Host): Promise<Resources> {
  const owned = [...resources.values()].filter(
    ({ kind, spec }) => (kind === 'file' || kind === 'folder') && (spec['uid'] || spec['gid']),
  ) as Resource<Owned>[]
  if (owned.length === 0) return resources
  const entries = async (database: 'passwd' | 'group', numbers: readonly number[]): Promise<Map<string, string[]>> => {
    const found = await accountEntries(database, new Set(numbers.map(String)), host)
    return new Map(found.map((fields) => [fields[2] ?? '', fields]))
  }
  const numbers = (field: 'uid' | 'gid'): number[] => owned.map(({ spec }) => spec[field] ?? 0)
  const [users, groups] = [await entries('passwd', numbers('uid')), await entries('group', numbers('gid'))]
  const result = new Map(resources)
  for (const r of owned) {
    const [uid, gid] = [String(r.spec.uid ?? 0), String(r.spec.gid ?? 0)]
    const [user = uid, , , primary] = users.get(uid) ?? []
    const owner = primary === gid ? user : `${user}:${groups.get(gid)?.[0] ?? gid}`
    result.set(r.id, { ...r, spec: { ...r.spec, owner } })
  }
  return result
}

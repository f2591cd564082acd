import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'

/** The first id inside, the first one outside, and how many (uid_map of user_namespaces(7)). */
type Extent = readonly [inside: number, outside: number, count: number]
type Which = 'uid' | 'gid'

const attempt = <T>(work: () => T): T | undefined => {
  try {
    return work()
  } catch {
    return undefined
  }
}

/**
 * Gives the new user namespace of a process its ids. Root has all of them there, as they are. Anybody else is root there,
 * with more ids than that one where /etc/subuid and /etc/subgid grant some and newuidmap(1) is installed. Throws the
 * kernel's words when not even one can be given.
 */
export function mapIds(pid: number): void {
  for (const which of ['uid', 'gid'] as const) {
    const id = (which === 'uid' ? process.geteuid?.() : process.getegid?.()) ?? 0
    if (process.geteuid?.() === 0 && attempt(() => write(pid, which, own(which)))) continue
    const more = granted(which)
    if (more && helped(pid, which, [[0, id, 1], more])) continue
    if (which === 'gid') writeFileSync(`/proc/${pid}/setgroups`, 'deny')
    write(pid, which, [[0, id, 1]])
  }
}

function write(pid: number, which: Which, extents: readonly Extent[]): true {
  writeFileSync(`/proc/${pid}/${which}_map`, extents.map((extent) => `${extent.join(' ')}\n`).join(''))
  return true
}

/** Every id that this process knows itself, as itself. */
const own = (which: Which): Extent[] =>
  readFileSync(`/proc/self/${which}_map`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [inside = 0, , count = 0] = line.trim().split(/\s+/).map(Number)
      return [inside, inside, count]
    })

const helped = (pid: number, which: Which, extents: readonly Extent[]): boolean =>
  spawnSync(`new${which}map`, [String(pid), ...extents.flat().map(String)], { stdio: 'ignore' }).status === 0

/** The first range that subuid(5) or subgid(5) grants this user. */
function granted(which: Which): Extent | undefined {
  const users = [String(process.geteuid?.()), attempt(() => userInfo().username)]
  const lines = attempt(() => readFileSync(`/etc/sub${which}`, 'utf8').split('\n')) ?? []
  const [, first, count] = lines.map((line) => line.split(':')).find(([user]) => users.includes(user)) ?? []
  return Number(count) > 0 ? [1, Number(first), Number(count)] : undefined
}

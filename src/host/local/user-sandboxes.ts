import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import type { OtherWorld } from '../../model/host.ts'

/** The argv of the process that keeps a sandbox ends so (src/host/sandbox/holder.ts). */
const HOLDER = /\0netlab-sandbox\0([a-z0-9-]+)\0$/

/** The sandboxes of this machine's users, with their namespaces; none unless this process is root, who alone can look into them. */
export function userSandboxes(): OtherWorld[] {
  if (process.geteuid?.() !== 0) return []
  return readdirSync('/proc')
    .filter((entry) => /^\d/.test(entry))
    .flatMap((pid) => {
      try {
        const [, name] = HOLDER.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? []
        if (name === undefined || !existsSync(`/proc/${pid}/root/run/netlab-sandbox-${name}`)) return []
        return [worldOf(name, statSync(`/proc/${pid}`).uid, readdirSync(`/proc/${pid}/root/run/netns`))]
      } catch {
        return [] // it has ended meanwhile
      }
    })
}

function worldOf(sandbox: string, uid: number, namespaces: readonly string[]): OtherWorld {
  const named = sandbox === 'default' ? '' : `NETLAB_SANDBOX=${sandbox} `
  const user = nameOf(uid)
  const where = `in the sandbox${named && ` ${sandbox}`} of ${user}`
  if (uid === 0) return { where, call: named ? `${named}netlab` : 'netlab --sandbox', namespaces }
  const isCaller = process.env['SUDO_UID'] === String(uid)
  return isCaller
    ? { where: `${where}, without sudo`, call: `${named}netlab`, namespaces }
    : { where, call: `sudo -u ${user.startsWith('#') ? `'${user}'` : user} ${named}netlab`, namespaces }
}

/** The name of a user; the number where the user has none, as sudo takes it. */
const nameOf = (uid: number): string =>
  readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([, , id]) => id === String(uid))?.[0] ?? `#${uid}`

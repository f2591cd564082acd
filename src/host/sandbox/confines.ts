import { accessSync, constants, existsSync } from 'node:fs'
import { isSandboxed } from './holder.ts'

/** Sysctls that exist only in namespaces of the initial user namespace (net/ipv6/route.c, net/xfrm/xfrm_sysctl.c). */
const HIDDEN = /^net\.(ipv6\.route|core\.xfrm_\w+$)/

const canOpen = (path: string): boolean => {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}

/**
 * What a lab lacks when this process creates it; undefined on the machine itself. An ordinary user outside a sandbox can
 * only validate the file, which another user may apply.
 */
export function confines() {
  const sandboxed = isSandboxed()
  if (!sandboxed && process.geteuid?.() === 0) return undefined
  return {
    severity: sandboxed ? ('error' as const) : ('warning' as const),
    tun: canOpen('/dev/net/tun'),
    hides: (key: string) => HIDDEN.test(key) && !(sandboxed && existsSync(`/proc/sys/${key.replaceAll('.', '/')}`)),
  }
}

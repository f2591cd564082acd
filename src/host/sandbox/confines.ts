import { accessSync, constants, existsSync } from 'node:fs'
import { isSandboxed } from './holder.ts'

/** Families of settings that the kernel has only in namespaces of its first user namespace (net/ipv6/route.c, net/xfrm/xfrm_sysctl.c). */
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
 * What a lab lacks where this process would make it; undefined on the machine itself. An ordinary user who is not in a
 * sandbox only looks at the file: somebody else may be meant to apply it.
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

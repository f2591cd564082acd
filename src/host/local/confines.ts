import { accessSync, constants } from 'node:fs'
import type { Confines } from '../../model/host.ts'
import { attempt } from './files.ts'

/** Sysctls that exist only in namespaces of the initial user namespace (net/ipv6/route.c, net/xfrm/xfrm_sysctl.c). */
const HIDDEN = /^net\.(ipv6\.route|core\.xfrm_\w+$)/

/** What an ordinary user's labs lack, who can check a lab file on the machine itself that another user may apply. */
export const userConfines = (): Confines => ({
  severity: 'warning',
  machine: false,
  tun: attempt(() => (accessSync('/dev/net/tun', constants.R_OK | constants.W_OK), true)) === true,
  hides: (key) => HIDDEN.test(key),
})

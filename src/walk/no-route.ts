/** The errors with which the kernel refuses a route (`errno.h`). */
export const [EACCES, EINVAL, EXDEV, EMSGSIZE, ENETUNREACH, EHOSTUNREACH] = [13, 22, 18, 90, 101, 113] as const

/** Why a namespace has no route to an address, by the error that the kernel answers. */
export function noRouteText(namespace: string, address: string, errno: number): string {
  if (errno === ENETUNREACH) return `${namespace} has no route to ${address}`
  if (errno === EHOSTUNREACH) return `a route of ${namespace} says that ${address} is unreachable`
  if (errno === EACCES) return `a route of ${namespace} prohibits ${address}`
  if (errno === EINVAL)
    return `${namespace} discards packets for ${address}: by a blackhole route, or as an address that cannot be`
  return `${namespace} has no route to ${address} (error ${errno})`
}

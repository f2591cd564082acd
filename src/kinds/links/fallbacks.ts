/**
 * The devices that modules of tunnels put into every namespace, and that cannot be deleted (`fb_tunnel_dev` in net/ipv4 and
 * net/ipv6; net.core.fb_tunnels_only_for_init_net).
 */
const types: ReadonlyMap<string, string> = new Map([
  ['tunl0', 'ipip'],
  ['sit0', 'sit'],
  ['ip6tnl0', 'ip6tnl'],
  ['gre0', 'gre'],
  ['gretap0', 'gretap'],
  ['erspan0', 'erspan'],
  ['ip6gre0', 'ip6gre'],
  ['ip_vti0', 'vti'],
  ['ip6_vti0', 'vti6'],
])

/** Whether an interface of this type cannot have this name: the kernel has taken it when the type is first used. */
export const isTaken = (name: string, type: string): boolean => types.get(name) === type

/** Whether the kernel made it by itself: it has such a name, and leads nowhere. */
export const isFallback = (name: string, { local, remote }: Readonly<Record<string, unknown>>): boolean =>
  types.has(name) && local === undefined && remote === undefined

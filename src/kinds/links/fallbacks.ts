/**
 * The devices that modules of tunnels put into every namespace, and that cannot be deleted (`fb_tunnel_dev` in net/ipv4 and
 * net/ipv6; net.core.fb_tunnels_only_for_init_net).
 */
const names = new Set(['tunl0', 'sit0', 'ip6tnl0', 'gre0', 'gretap0', 'erspan0', 'ip6gre0', 'ip_vti0', 'ip6_vti0'])

/** Whether an interface of this type cannot have this name: the kernel has taken it when the type is first used. */
export const isTaken = (name: string, type: string): boolean => names.has(name) && name === `${type}0`

/** Whether the kernel made it by itself: it has such a name, and leads nowhere. */
export const isFallback = (name: string, { local, remote }: Readonly<Record<string, unknown>>): boolean =>
  names.has(name) && local === undefined && remote === undefined

export type AddressSpec = {
  readonly dev: string
  /** `192.168.0.2/24`, canonical. */
  readonly address: string
  readonly family: 4 | 6
  /** The address at the other end of a point-to-point link; the prefix length is that of its network. */
  readonly remote?: string
  /** IPv4 only, where it is not the usual one. */
  readonly scope?: string
  /** IPv4 only: `eth0:1`. */
  readonly label?: string
  /** IPv4 only. */
  readonly broadcast?: string
  /** Of the route to its subnet that the kernel makes. On an interface of the machine's own: the lab's mark. */
  readonly metric?: number
  /** 0: no connection begins with it as source. Live it may be any number of seconds. */
  readonly preferred_lft?: number
  readonly noprefixroute?: true
  readonly home?: true
  readonly mngtmpaddr?: true
  readonly autojoin?: true
  /** The id of the interface's first address in the same IPv4 subnet less that of the interface, when this is another one. */
  readonly primary?: string
  /** Routes that the kernel made along with it, and that are gone: to itself, to its subnet (live side only). */
  readonly lacks?: readonly ('local' | 'subnet')[]
  /** It goes by itself in some time (live side only). */
  readonly valid_lft?: 'limited'
  /** The daemon that set it (live side only). */
  readonly proto?: string
  /** How an address that is nobody's setting came: with a lifetime, as DHCP gives it, or from a router's advertisement. */
  readonly origin?: 'dynamic' | 'slaac'
}

/** Flags of ip-address(8) that say something of the address, not of its state. */
export const addressFlags = ['noprefixroute', 'home', 'mngtmpaddr', 'autojoin'] as const

/** What identifies an address among those of its interface: `10.0.0.1/24`, `10.0.0.1 peer 10.0.0.2/32`. */
export const nameOfAddress = ({ address, remote }: Pick<AddressSpec, 'address' | 'remote'>): string =>
  remote === undefined ? address : address.replace('/', ` peer ${remote}/`)

/** The address alone, without a prefix length. */
export const hostOf = ({ address }: Pick<AddressSpec, 'address'>): string => address.slice(0, address.indexOf('/'))

/** What iproute2 gives an IPv4 address (default_scope in ip/ipaddress.c). */
export const usualAddressScope = (address: string): 'host' | 'global' =>
  address.startsWith('127.') ? 'host' : 'global'

/** The address in the words of ip-address(8): its name, and what is unusual of it. */
export const addressWords = (spec: AddressSpec): string[] => [
  ...nameOfAddress(spec).split(' '),
  ...(['scope', 'label', 'broadcast', 'metric'] as const).flatMap((field) =>
    spec[field] === undefined ? [] : [field, String(spec[field])],
  ),
  ...addressFlags.filter((flag) => spec[flag]),
  ...(spec.preferred_lft === undefined ? [] : ['preferred_lft', String(spec.preferred_lft)]),
]

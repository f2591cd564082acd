export type AddressSpec = {
  readonly dev: string
  /** `192.168.0.2/24`, canonical. */
  readonly address: string
  readonly family: 4 | 6
  /** The address at the other end of a point-to-point link; the prefix length is that of its network. */
  readonly remote?: string
  /** IPv4 only, when it is not the one that iproute2 chooses (`usualAddressScope`). */
  readonly scope?: string
  /** IPv4 only: `eth0:1`. */
  readonly label?: string
  /** IPv4 only. */
  readonly broadcast?: string
  /** The metric of the kernel's route to the subnet. On an interface of the machine's own it is the lab's mark. */
  readonly metric?: number
  /** 0: deprecated, so that no new connection uses it as source. Live, it may be any number of seconds. */
  readonly preferred_lft?: number
  readonly noprefixroute?: true
  readonly home?: true
  readonly mngtmpaddr?: true
  readonly autojoin?: true
  /** The address that is primary in the same IPv4 subnet (its id without the interface's), when this one is secondary. */
  readonly primary?: string
  /** The kernel's routes for this address that somebody removed: to the address itself, to its subnet (live side only). */
  readonly lacks?: readonly ('local' | 'subnet')[]
  /** The kernel removes it when its lifetime ends (live side only). */
  readonly valid_lft?: 'limited'
  /** The daemon that set it (live side only). */
  readonly proto?: string
  /** Where an address that nobody set by hand came from: with a lifetime, as from DHCP, or from a router advertisement. */
  readonly origin?: 'dynamic' | 'slaac'
}

/** Flags of ip-address(8) that are settings of an address, not its state. */
export const addressFlags = ['noprefixroute', 'home', 'mngtmpaddr', 'autojoin'] as const

/** What identifies an address among those of its interface: `10.0.0.1/24`, `10.0.0.1 peer 10.0.0.2/32`. */
export const nameOfAddress = ({ address, remote }: Pick<AddressSpec, 'address' | 'remote'>): string =>
  remote === undefined ? address : address.replace('/', ` peer ${remote}/`)

/** The address alone, without a prefix length. */
export const hostOf = ({ address }: Pick<AddressSpec, 'address'>): string => address.slice(0, address.indexOf('/'))

/** The scope that iproute2 gives an IPv4 address (default_scope in ip/ipaddress.c). */
export const usualAddressScope = (address: string): 'host' | 'global' =>
  address.startsWith('127.') ? 'host' : 'global'

/** The address in the words of ip-address(8): the address and all settings that are not defaults. */
export const addressWords = (spec: AddressSpec): string[] => [
  ...nameOfAddress(spec).split(' '),
  ...(['scope', 'label', 'broadcast', 'metric'] as const).flatMap((field) =>
    spec[field] === undefined ? [] : [field, String(spec[field])],
  ),
  ...addressFlags.filter((flag) => spec[flag]),
  ...(spec.preferred_lft === undefined ? [] : ['preferred_lft', String(spec.preferred_lft)]),
]

import type { Resources } from './resource.ts'

/** Names → the one address that each resolves to. */
export type Names = ReadonlyMap<string, string>

/** An address that a namespace has. */
export interface Addressed {
  readonly namespace: string
  readonly dev: string
  /** With or without a prefix length. */
  readonly address: string
}

const isLinkLocal = (address: string): boolean => /^fe[89ab]/i.test(address)

/**
 * What the name of a namespace means: its first address in the order given, IPv4 before IPv6, `lo`'s only when there
 * is no other. `shares` are second names (name → namespace).
 */
export function namesOf(addresses: readonly Addressed[], shares: Names): Names {
  const best = new Map<string, { address: string; rank: number }>()
  for (const { namespace, dev, address: cidr } of addresses) {
    const address = cidr.replace(/\/.*/, '')
    if (isLinkLocal(address)) continue
    const rank = (dev === 'lo' ? 2 : 0) + (address.includes(':') ? 1 : 0)
    if (rank < (best.get(namespace)?.rank ?? Infinity)) best.set(namespace, { address, rank })
  }
  const names = new Map([...best].map(([name, { address }]) => [name, address]))
  for (const [name, of] of shares) {
    const address = names.get(of)
    if (address !== undefined) names.set(name, address)
  }
  return names
}

/** The names of a lab's namespaces, from its resources: what the file wants, or what is live. */
export function namesIn(resources: Resources): Names {
  const addresses: Addressed[] = []
  const shares = new Map<string, string>()
  for (const { id, kind, namespace, spec } of resources.values())
    if (kind === 'address') addresses.push({ namespace, dev: String(spec['dev']), address: String(spec['address']) })
    else if (kind === 'share') shares.set(id, String(spec['of']))
  return namesOf(addresses, shares)
}

/**
 * What names mean to a lab: what its file says, and where the file has no address (DHCP, SLAAC) a live one. The kernel does
 * not know in which order a file lists things, so of the live addresses of a namespace the one of the file is first, and
 * then the names of the interfaces decide, `eth2` before `eth10`.
 */
export function liveNames(file: Names, live: readonly Addressed[], shares: Names): Names {
  const rank = ({ namespace, address }: Addressed): number => (file.get(namespace) === address ? 0 : 1)
  const natural = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true })
  return namesOf(
    [...live].sort((a, b) => rank(a) - rank(b) || natural(a.dev, b.dev)),
    shares,
  )
}

/** The names as lines of a hosts(5) file, sorted, so that the order of things never makes a difference. */
export const hostsOf = (names: Names): string =>
  [...names]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, address]) => `${address} ${name}\n`)
    .join('')

/**
 * Shell: takes the lines `$1` into a hosts file that only this mount namespace sees. Nothing is left on any disk: the
 * file lies on a tmpfs whose only name, after this, is /etc/hosts. Where there is no file to put it over, an overlay
 * brings one. Of the machine's own names only those of the loopback addresses stay. A fresh /sys shows the interfaces of
 * the namespace, as `ip netns exec` has it.
 */
export const NAMED = `
named() {
  mount -t sysfs sysfs /sys 2>/dev/null
  mount -t tmpfs -o mode=755 netlab /tmp || return
  { grep -sE '^(127\\.|::1[[:space:]])' /etc/hosts || printf '127.0.0.1 localhost\\n::1 localhost\\n'
    printf %s "$1"; } >/tmp/hosts
  if [ -e /etc/hosts ]; then mount --bind /tmp/hosts /etc/hosts
  else
    mkdir /tmp/etc /tmp/work && mv /tmp/hosts /tmp/etc &&
    mount -t overlay -o lowerdir=/etc,upperdir=/tmp/etc,workdir=/tmp/work overlay /etc
  fi
  umount -l /tmp
}`

/** A mount namespace of its own that still hears of namespaces which are deleted. */
export const MOUNTS = ['unshare', '--mount', '--propagation', 'slave', '--'] as const

/** What programs in a namespace of a lab are told in their environment; `dir`: the folder of the lab file, if it is known. */
export const toldTo = (lab: string, namespace: string, dir?: string): string[] => [
  `NETLAB_LAB=${lab}`,
  `NETLAB_NAMESPACE=${namespace}`,
  ...(dir === undefined ? [] : [`NETLAB_DIR=${dir}`]),
]

const SURROUNDED = `${NAMED}
named "$1"
shift
while [ "$1" != -- ]; do
  export "$1"
  shift
done
shift
exec "$@"`

/**
 * The argv in surroundings where names mean addresses, with these variables (NAME=VALUE) added; it replaces itself, so
 * signals and exit codes are the argv's.
 */
export const withNames = (names: Names, variables: readonly string[], argv: readonly string[]): string[] => [
  ...MOUNTS,
  ...['sh', '-c', SURROUNDED, 'sh', hostsOf(names), ...variables, '--', ...argv],
]

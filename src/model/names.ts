import { oncePer, type Resources } from './resource.ts'

/** Names → the address that each resolves to. */
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
 * The names of namespaces and the address that each stands for: its first address in the given order, IPv4 before IPv6, an
 * address of `lo` only when there is no other. `shares` are second names (name → namespace).
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

/** The names of a lab's namespaces and their addresses, from desired or live resources. */
export function namesIn(resources: Resources): Names {
  const addresses: Addressed[] = []
  const shares = new Map<string, string>()
  for (const { id, kind, namespace, spec } of resources.values())
    if (kind === 'address') addresses.push({ namespace, dev: String(spec['dev']), address: String(spec['address']) })
    else if (kind === 'share') shares.set(id, String(spec['of']))
  return namesOf(addresses, shares)
}

/**
 * The names of a lab from its live addresses. The address that the file gives a namespace comes first if it is live. The others
 * (DHCP, SLAAC) are ordered by the names of their interfaces, `eth2` before `eth10`: the kernel does not keep the file's order.
 */
export function liveNames(file: Names, live: readonly Addressed[], shares: Names): Names {
  const rank = ({ namespace, address }: Addressed): number => (file.get(namespace) === address ? 0 : 1)
  const natural = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true })
  return namesOf(
    [...live].sort((a, b) => rank(a) - rank(b) || natural(a.dev, b.dev)),
    shares,
  )
}

/** The names as lines of a hosts(5) file, sorted, so that equal names give equal files. */
export const hostsOf = (names: Names): string =>
  [...names]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, address]) => `${address} ${name}\n`)
    .join('')

/** The names of a lab's namespaces in these resources, as lines of a hosts(5) file. */
export const hostsIn = oncePer((resources): string => hostsOf(namesIn(resources)))

/**
 * A shell script that puts the lines in `$1` into a hosts file for this mount namespace alone. The file is on a tmpfs, mounted
 * only at /etc/hosts, so nothing remains on a disk. If /etc/hosts does not exist, an overlay over /etc provides it. Of the
 * machine's own names only those of loopback addresses are kept. A new /sys shows the interfaces of the namespace, as in `ip
 * netns exec`. In a home, which has a file of its own, that is replaced when its lines differ: in one step, because programs read it.
 */
export const NAMED = `
named() {
  if [ -e /run/.netlab/hostname ]; then
    [ -n "$1" ] && [ -e /run/.netlab/loopback ] || return 0
    lines=$(cat /run/.netlab/loopback; echo; printf %s "$1")
    [ "$(cat /etc/hosts)" = "$lines" ] ||
      { (umask 022; printf '%s\\n' "$lines" >/etc/hosts.$$) && mv -f /etc/hosts.$$ /etc/hosts; }
    return
  fi
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

/** The argv for a new mount namespace in which deleted network namespaces are still unmounted. */
export const MOUNTS = ['unshare', '--mount', '--propagation', 'slave', '--'] as const

/** The environment variables (NAME=VALUE) of programs in a namespace of a lab; `dir`: the folder of its file, if known. */
export const labVariables = (lab: string, namespace: string, dir?: string): string[] => [
  `NETLAB_LAB=${lab}`,
  `NETLAB_NAMESPACE=${namespace}`,
  ...(dir === undefined ? [] : [`NETLAB_DIR=${dir}`]),
]

const SURROUNDED = `${NAMED}
named "$1"
cd -- "$2" 2>/dev/null
shift 2
while [ "$1" != -- ]; do
  export "$1"
  shift
done
shift
exec "$@"`

/**
 * The argv that runs `argv` where names resolve to their addresses, with these variables (NAME=VALUE) added. It replaces itself
 * by `argv`, so signals and exit codes are those of `argv`. `home`: it is run in a home, and goes to this folder first.
 */
export const withNames = (
  names: Names,
  variables: readonly string[],
  argv: readonly string[],
  home?: { readonly cwd: string },
): string[] => [
  ...(home ? [] : MOUNTS),
  ...['sh', '-c', SURROUNDED, 'sh', hostsOf(names), home?.cwd ?? '.', ...variables, '--', ...argv],
]

import type { Fields } from '../model/fields.ts'
import type { ComposeService } from './compose-services.ts'

/** The host's interface to the world, and its address there (TEST-NET-3 of RFC 5737). */
export const UPLINK = { dev: 'uplink0', host: '203.0.113.1' } as const
/** The address of somebody outside. */
export const OUTSIDE = '203.0.113.9'

/** The most checks that something cannot be reached: each takes a second. */
const MOST_APART = 10

/** Checks of what the file promises: who reaches whom, what is published, and what stays apart. */
export function checksOf(services: readonly ComposeService[], outside: string | undefined, host: string): Fields[] {
  return [
    ...services.flatMap((one, n) => together(one, services.slice(n + 1))),
    ...apart(services),
    ...(outside === undefined ? [] : services.flatMap((one) => outwards(one, outside))),
    ...(outside === undefined ? [] : services.flatMap((one) => published(one, outside))),
    ...services.flatMap(({ name, shares }) =>
      shares === host && outside !== undefined
        ? [{ name: `${name} has the host’s addresses`, from: outside, ping: UPLINK.host }]
        : [],
    ),
  ]
}

/** The next service in each network of this one. */
const together = ({ name, members }: ComposeService, others: readonly ComposeService[]): Fields[] =>
  members.flatMap(({ network }) => {
    for (const other of others) {
      const found = other.members.find((member) => member.network === network)
      if (found) return [{ name: `${name} and ${other.name} are in ${network.name}`, from: name, ping: found.address }]
    }
    return []
  })

/** Services that have no network in common. */
function apart(services: readonly ComposeService[]): Fields[] {
  const checks: Fields[] = []
  for (const [n, one] of services.entries())
    for (const other of services.slice(n + 1)) {
      const [address] = other.members.map((member) => member.address)
      const isShared = one.members.some(({ network }) => other.members.some((member) => member.network === network))
      if (one.members.length === 0 || address === undefined || isShared || checks.length >= MOST_APART) continue
      checks.push({
        name: `${one.name} does not reach ${other.name}`,
        from: one.name,
        ping: address,
        expect: 'fail',
        timeout: 1,
      })
    }
  return checks
}

function outwards({ name, members }: ComposeService, outside: string): Fields[] {
  if (members.length === 0) return []
  const isOpen = members.some(({ network }) => !network.isInternal)
  return [
    isOpen
      ? { name: `${name} reaches the outside`, from: name, ping: OUTSIDE }
      : { name: `${name} does not reach the outside`, from: name, ping: outside, expect: 'fail', timeout: 1 },
  ]
}

/** Published ports are reached at the host's address. netlab itself answers at the other end. */
const published = ({ name, ports }: ComposeService, outside: string): Fields[] =>
  ports.flatMap(({ protocol, published: port, target }) =>
    protocol === 'tcp' || protocol === 'udp'
      ? [
          {
            name: `port ${port} leads to ${name}`,
            from: outside,
            [protocol]: `${UPLINK.host}:${port}`,
            to: `${name}:${target}`,
          },
        ]
      : [],
  )

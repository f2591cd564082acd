import { largeMtus, effectiveMtu } from '../kinds/links/large-mtus.ts'
import type { Lab, OpenLab } from '../language/load-lab.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import { IPV6_MIN_MTU } from '../model/link-type.ts'
import { NEAR } from '../model/other-machine.ts'
import { linkId } from '../model/resource.ts'
import { onAll } from './all-peers.ts'
import type { Peer } from './connect.ts'
import type { MachineOperations } from './machine-protocol.ts'
import { overheadOf, roomOf, type Road, type Spread, type Wire } from './wires.ts'

type Greeting = MachineOperations['hello']
/** By name, what the machines have said of themselves. */
export type Met = ReadonlyMap<string, Greeting['result']>

/** The roads that a machine is asked for before the lab file is expanded: to those whose addresses are in it. */
export function roadsBetween(name: string, { machines }: OpenLab): Pick<Greeting['input'], 'roads'> {
  const from = machines?.get(name)?.address
  if (from === undefined) return {}
  const to = [...(machines ?? [])].flatMap(([other, { address }]) => (other === name ? [] : (address ?? [])))
  return { roads: { to, from } }
}

/** The addresses of the machines, as far as they are known: those of the file, else those that ssh has used. */
function addressesOf({ machines }: Lab, met: Met): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [name, { address }] of met) {
    const known = machines?.get(name)?.address ?? address
    if (known !== undefined && name !== NEAR) found[name] = known
  }
  return found
}

/** Throws a UserError when two machines are the same: each would wait for the other to let go of the lab. */
export function mustDiffer(met: Met, opened: OpenLab): void {
  const names = new Map<string, string>()
  const wrong = [...met].flatMap(([name, { id }]): Diagnostic[] => {
    const same = names.get(id)
    if (same === undefined) names.set(id, name)
    if (same === undefined) return []
    const other = same === NEAR ? 'the machine that netlab runs on' : `the same machine as ${same}`
    return [
      {
        code: 'same-machine',
        severity: 'error',
        summary: `${name} is ${other}`,
        detail: same === NEAR ? 'What is to be there needs no machine.' : 'Name it once.',
        position: opened.position(['machines', name]),
      },
    ]
  })
  if (wrong.length) throw new UserError(wrong.map(opened.quote))
}

/** Throws a UserError when a link to another machine begins in a sandbox. */
export function mustLead(wires: readonly Wire[], met: Met, { resources }: Lab, opened: OpenLab): void {
  const wrong = wires.flatMap(({ ends, machines }) =>
    ends.flatMap((end, i): Diagnostic[] => {
      const name = machines[i] ?? ''
      if (met.get(name)?.hasRoads !== false) return []
      return [
        {
          code: 'no-way',
          severity: 'error',
          summary: `${end} cannot be joined to ${machines[1 - i]}: netlab is not root on ${name}, and a sandbox has no way out`,
          detail: `Be root on ${name}, or put both ends of the link on one machine.`,
          ...at(end, resources),
        },
      ]
    }),
  )
  if (wrong.length) throw new UserError(wrong.map(opened.quote))
}

/** How the machines at the ends of the wires reach each other. Throws a UserError when two do not. */
export async function roadsFor(
  wires: readonly Wire[],
  met: Met,
  peers: readonly Peer[],
  opened: OpenLab,
  lab: Lab,
): Promise<Pick<Spread, 'addresses' | 'roads'>> {
  const addresses = addressesOf(lab, met)
  const neighbors = new Map<string, Set<string>>()
  for (const { machines } of wires)
    for (const [i, name] of machines.entries())
      neighbors.set(name, (neighbors.get(name) ?? new Set()).add(machines[1 - i] ?? ''))
  const roads: Record<string, Record<string, Road>> = {}
  const ask = async (peer: Peer): Promise<void> => {
    const others = [...(neighbors.get(peer.name) ?? [])].filter((name) => addresses[name] !== undefined)
    if (others.length === 0) return
    const from = addresses[peer.name]
    const told = met.get(peer.name)?.roads
    const to = others.flatMap((name) => addresses[name] ?? []).filter((address) => !told?.[address])
    const more = to.length ? await peer.ask('roads', { to, ...(from !== undefined && { from }) }) : {}
    const found = { ...told, ...more }
    roads[peer.name] = Object.fromEntries(
      others.flatMap((name) => {
        const road = found[addresses[name] ?? '']
        if (road && peer.name === NEAR) addresses[NEAR] ??= road.source
        return road ? [[name, { device: road.device, mtu: road.mtu }]] : []
      }),
    )
  }
  // The address of this machine follows from its way to the others.
  if (addresses[NEAR] === undefined) for (const peer of peers) if (peer.name === NEAR) await ask(peer)
  await onAll(
    peers.filter(({ name }) => roads[name] === undefined),
    ask,
  )
  const wrong = wires.flatMap(({ ends, machines: [a, b] }): Diagnostic[] => {
    const [from, to] = roads[a]?.[b] ? [b, a] : [a, b]
    if (roads[from]?.[to]) return []
    const own = addresses[from] === undefined ? '' : ` from its address ${addresses[from]}`
    const why =
      addresses[to] === undefined
        ? `the address of ${to} is not known`
        : `${from} has no route to ${addresses[to]}${own}`
    return [
      {
        code: 'no-way',
        severity: 'error',
        summary: `${ends[0]} and ${ends[1]} cannot be joined: ${why}`,
        detail: 'Give each machine, as its address, one of its own to which the others have a route.',
        ...at(ends[0], lab.resources),
      },
    ]
  })
  if (wrong.length) throw new UserError(wrong.map(opened.quote))
  return { addresses, roads }
}

const at = (id: string, resources: Lab['resources'], part?: readonly string[]): Pick<Diagnostic, 'position'> => {
  const position = resources.get(id)?.source?.(part)
  return position ? { position } : {}
}

/**
 * Throws a UserError when a link has a larger MTU than fits between its machines, or something of a lab `withSmallMtus` a larger one
 * than these leave it, or one that is too small for its IPv6 addresses.
 */
export function mustFit(wires: readonly Wire[], spread: Spread, { resources }: Lab, opened: OpenLab): void {
  const wrong = wires.flatMap((wire): Diagnostic[] => {
    const room = roomOf(wire, spread) ?? 0
    const { mtu = 0, ends, machines } = wire
    if (mtu <= room) return []
    return [
      {
        code: 'mtu-too-large',
        severity: 'error',
        summary: `an MTU of ${mtu} does not fit between ${machines.join(' and ')}: their packets carry ${room} bytes of a link`,
        detail: `VXLAN adds ${overheadOf(spread.addresses[machines[0]] ?? '')} bytes to each. Lower the mtu by ${mtu - room}, or raise the MTU between the machines.`,
        ...at(ends[0], resources),
      },
    ]
  })
  const above = largeMtus(resources).map(({ link, lower, mtu, most }): Diagnostic => ({
    code: 'mtu-too-large',
    severity: 'error',
    summary: `an MTU of ${mtu} does not fit on ${lower}: packets between machines leave ${most}`,
    detail: `Lower the mtu by ${mtu - most}, or raise the MTU between the machines.`,
    ...at(link.id, resources, ['mtu']),
  }))
  const small = [...resources.values()].flatMap((r): Diagnostic[] => {
    if (r.kind !== 'address' || r.spec['family'] !== 6) return []
    const link = resources.get(linkId(r.namespace, String(r.spec['dev'])))
    const mtu = (link && effectiveMtu(link, resources)) ?? Infinity
    if (mtu >= IPV6_MIN_MTU) return []
    return [
      {
        code: 'out-of-range',
        severity: 'error',
        summary: `packets between machines leave ${link?.id.replace('/', ':')} an MTU of ${mtu}, and IPv6 needs ${IPV6_MIN_MTU}`,
        detail: `Raise the MTU between the machines by ${IPV6_MIN_MTU - mtu}.`,
        ...at(r.id, resources),
      },
    ]
  })
  const all = [...wrong, ...above, ...small]
  if (all.length) throw new UserError(all.map(opened.quote))
}

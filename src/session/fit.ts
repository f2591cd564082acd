import { dependents, usersOf } from '../kinds/dependents.ts'
import type { Lab } from '../language/load-lab.ts'
import type { Check } from '../model/check.ts'
import { canonicalAddress } from '../model/cidr.ts'
import { lenderText } from '../model/lender.ts'
import type { Resource } from '../model/resource.ts'
import { topologyOf } from '../model/topology.ts'
import { checkName } from '../checks/engine.ts'
import type { LeftOut } from '../views/check-results.ts'

/** A lab as far as a copy can have it. */
export interface Fitted {
  readonly lab: Lab
  readonly leftOut: readonly LeftOut[]
}

/**
 * Leaves out of a lab what a throw-away sandbox cannot have: interfaces of the machine's own and somebody else's namespaces,
 * with all that needs them; and processes if they are not to run. What the lab makes in the machine's own namespace, it makes in
 * the sandbox's.
 */
export function fitted(lab: Lab, processes: boolean): Fitted {
  const reasons = new Map<string, string>()
  for (const [name, { lender }] of lab.namespaces)
    if (lender) reasons.set(name, `it is ${lenderText(lender)}, somebody else’s`)
  for (const { id, kind } of lab.resources.values()) {
    if (kind === 'existing') reasons.set(id, 'it is the machine’s own')
    else if (kind === 'process' && !processes) reasons.set(id, '--no-processes')
  }
  if (reasons.size === 0) return { lab, leftOut: [] }
  const users = usersOf(lab.resources)
  const gone = new Set(reasons.keys())
  const leftOut = [...reasons].map(([id, reason]): LeftOut => {
    const also = dependents(id, users).filter((one) => !gone.has(one))
    for (const one of also) gone.add(one)
    return { id, reason, also }
  })
  const resources = new Map([...lab.resources].filter(([id]) => !gone.has(id)))
  const namespaces = new Map([...lab.namespaces].filter(([name, { lender }]) => !lender && !gone.has(name)))
  const addresses = new Set([...gone].flatMap((id) => addressOf(lab.resources.get(id))))
  const isGone = (use: string): boolean =>
    gone.has(use) || addresses.has(use) || (lab.namespaces.has(use) && !namespaces.has(use))
  const checks = lab.checks.filter((check) => !usedBy(check).some(isGone))
  for (const check of lab.checks)
    if (!checks.includes(check))
      leftOut.push({ id: checkName(check), reason: 'the check needs what was left out', also: [] })
  return { lab: { ...lab, resources, namespaces, checks, topology: topologyOf(resources) }, leftOut }
}

/** The address of an address. */
const addressOf = (r: Resource | undefined): string[] =>
  r?.kind === 'address' ? [String(r.spec['address']).replace(/\/.*/, '')] : []

/** What a check uses: namespaces, addresses, and ids of interfaces. */
function usedBy({ from, ping, tcp, udp, to, observe = [] }: Check): string[] {
  const hosts = [ping, ...[tcp, udp, to].map((text) => text?.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'))]
  const all = hosts.flatMap((host) => (host === undefined ? [] : (canonicalAddress(host) ?? host)))
  return [from, ...all, ...observe.flatMap(({ at }) => [at.replace(/:.*/, ''), at.replace(':', '/')])]
}

import { kindOf } from '../kinds/index.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { LabPath } from '../model/kind.ts'
import { HERE_NAME } from '../model/place.ts'
import { linkId, nameOf, namespaceOf, type Resource, type Resources } from '../model/resource.ts'
import { isLink } from '../model/topology.ts'
import { interfaceName, namespaceName, reservedInterfaces } from '../language/valid-names.ts'

/** A comment of the file that is written, above what is at the path. */
export interface Remark {
  readonly at: LabPath
  readonly text: string
}

/** A live network as far as a lab file can say it, and the rest as remarks. */
export interface Network {
  readonly resources: Resources
  readonly remarks: readonly Remark[]
  /** Namespaces that have more than the file lists, which must stay. */
  readonly kept: ReadonlySet<string>
}

/**
 * Divides what is live into what a lab file has words for and what it has not: devices of unknown types, links that lead out of
 * these namespaces, and everything on them. Throws a UserError for names that no lab file can have.
 */
export function expressible(live: Resources): Network {
  mustBeNames(live)
  const unsaid = new Map<string, string>()
  for (const r of live.values()) {
    const why = unsayable(r, live)
    if (why !== undefined) unsaid.set(r.id, why)
  }
  // The owner's end of a cable goes with the namespace at the other end, so the file cannot rely on it.
  const ends = [...unsaid.keys()].map((id) => live.get(String(live.get(id)?.spec['peer'])))
  const gone = new Set([...unsaid.keys(), ...ends.flatMap((end) => (end?.kind === 'existing' ? [end.id] : []))])
  for (let before = -1; before < gone.size;) {
    before = gone.size
    for (const r of live.values())
      if (!gone.has(r.id) && reliesOn(r).some((id) => gone.has(id) || !live.has(id))) gone.add(r.id)
  }
  const remarks: Remark[] = []
  const kept = new Set<string>()
  for (const id of gone) {
    const r = live.get(id)
    if (!r) continue
    if (!r.borrowed) kept.add(r.namespace)
    if (kindOf(r.kind).automatic?.(r) && r.kind === 'address') continue
    remarks.push({ at: ['namespaces', r.namespace], text: `Not managed: ${unsaid.get(id) ?? nameInPlan(r)}` })
  }
  const bridged = new Set([...live.values()].flatMap(({ kind, namespace }) => (kind === 'bridge' ? [namespace] : [])))
  const resources = new Map([...live].filter(([id, r]) => !gone.has(id) && !isUseless(r, bridged)))
  for (const id of kept) {
    const home = resources.get(id)
    if (home) resources.set(id, { ...home, spec: { ...home.spec, others: 'keep' } })
  }
  return { resources, remarks, kept }
}

/** Whether the kernel has made it by itself, or it is a setting of bridges where none is. */
const isUseless = (r: Resource, bridged: ReadonlySet<string>): boolean =>
  r.kind === 'sysctl'
    ? String(r.spec['key']).startsWith('net.bridge.') && !bridged.has(r.namespace)
    : r.kind === 'address' && kindOf(r.kind).automatic?.(r) === true

/** A resource for people, in the words of a plan. */
export function nameInPlan(r: Resource): string {
  const about = kindOf(r.kind).describe(r.spec)
  const name = nameOf(r.id)
  if (r.kind === 'address') return `address ${String(r.spec['address'])} of ${String(r.spec['dev'])}`
  if (r.kind === 'route' || r.kind === 'rule') return [name.replace('/', ' '), about].filter(Boolean).join(' ')
  return about ? `${name}: ${about}` : name
}

/** Why a lab file cannot say this; undefined when it can. */
function unsayable(r: Resource, live: Resources): string | undefined {
  const name = nameOf(r.id)
  if (r.kind === 'device') return `${name}, a device of type ${String(r.spec['type'])}, for which labs have no word`
  if (/ #\d+$/.test(r.id)) return `${nameInPlan(r)}, a second one with the same destination and metric`
  if (!isLink(r)) return undefined
  const { peer, link } = r.spec as { peer?: string; link?: string }
  if (r.kind === 'veth' && peer === undefined) return `${name}, a cable whose other end is out of sight`
  if (peer !== undefined && live.get(peer)?.kind === 'existing')
    return `${name}, a cable to ${whereabouts(peer)}, which no lab takes over`
  if (peer !== undefined && !live.has(peer)) return `${name}, a cable to ${whereabouts(peer)}, which is not imported`
  if (link !== undefined && !live.has(link))
    return `${name}, a ${r.kind} on ${whereabouts(link)}, which is not imported`
  return undefined
}

/** `ns:eth0`, or what is known of an interface without a name. */
const whereabouts = (id: string): string => {
  const [namespace, name] = [namespaceOf(id), nameOf(id)]
  if (name.startsWith('#')) return namespace === '?' ? 'a namespace without a name' : `an interface of ${namespace}`
  return namespace === HERE_NAME ? `the machine’s own ${name}` : `${namespace}:${name}`
}

/** The ids of what a resource cannot be said without. A borrowed namespace is always there. */
const reliesOn = (r: Resource): string[] => [
  ...kindOf(r.kind)
    .needs(r)
    .filter((id) => !r.borrowed || id !== r.namespace),
  ...(typeof r.spec['peer'] === 'string' ? [r.spec['peer']] : []),
  ...(typeof r.spec['master'] === 'string' ? [linkId(r.namespace, r.spec['master'])] : []),
]

/** Throws a UserError with all names that no lab file can have. */
function mustBeNames(live: Resources): void {
  const wrong = (what: string, name: string, rename: string): Diagnostic => ({
    code: 'bad-name',
    severity: 'error',
    summary: `no lab file can have ${what} of the name ${JSON.stringify(name)}`,
    detail: rename,
  })
  const errors = [...live.values()].flatMap((r) => {
    const name = nameOf(r.id)
    if ((r.kind === 'namespace' || r.kind === 'share') && !namespaceName.test(r.id))
      return [wrong('a namespace', r.id, 'Give it another name, or import the others by name.')]
    if (!isLink(r) || (interfaceName.test(name) && !reservedInterfaces.includes(name))) return []
    return r.kind === 'existing'
      ? []
      : [wrong(`an interface of ${r.namespace}`, name, 'Give it another name first: ip link set … name …')]
  })
  if (errors.length) throw new UserError(errors)
}

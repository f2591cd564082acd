import { canonicalAddress, familyOf } from '../model/cidr.ts'
import type { Kind, LabContext } from '../model/kind.ts'
import type { NeighborSpec } from '../model/neighbor-spec.ts'
import type { Operation } from '../model/operation.ts'
import { placeOf } from '../model/place.ts'
import { linkId, type Resource } from '../model/resource.ts'
import { isLost } from './common.ts'
import { routingDaemonOf } from './protocols.ts'
import { isMac, badMac, ofNamespace, without } from './lab-entry.ts'

/** `ns0/veth0/neighbor/10.0.0.9`, `ns0/veth0/proxy/10.0.0.9` */
export const neighborId = (namespace: string, { dev, to, proxy }: Pick<NeighborSpec, 'dev' | 'to' | 'proxy'>): string =>
  `${linkId(namespace, dev)}/${proxy ? 'proxy' : 'neighbor'}/${to}`

/** A neighbour as a lab file has it. */
export interface NeighborFile {
  readonly to: string
  readonly lladdr?: string
  readonly dev?: string
  readonly proxy?: boolean
  readonly router?: boolean
}

function fromLab(entry: NeighborFile, { error, deviceTo }: LabContext): NeighborSpec | undefined {
  const to = canonicalAddress(entry.to)
  const lladdr = entry.lladdr?.toLowerCase()
  if (to === undefined) return void error('bad-value', ['to'], `"${entry.to}" is not an address`)
  if (entry.proxy && (lladdr !== undefined || entry.router))
    return void error(
      'senseless-field',
      [],
      'a proxy entry has neither lladdr nor router',
      'The interface’s own address is told.',
    )
  if (!entry.proxy && lladdr === undefined)
    return void error('missing-field', [], `the neighbour ${entry.to} needs lladdr, its MAC address`, 'Or proxy: true.')
  if (lladdr !== undefined && !isMac(lladdr)) return void error('bad-value', ['lladdr'], ...badMac(entry.lladdr))
  const dev = deviceTo?.(to, entry.dev)
  if (dev === undefined) return undefined
  return {
    to,
    dev,
    family: familyOf(to),
    ...(lladdr !== undefined && { lladdr }),
    ...(entry.proxy && { proxy: true }),
    ...(entry.router && { router: true }),
  }
}

/** A static neighbour entry (ARP or NDP), or a proxy entry. Entries of daemons belong to others. */
export const neighbor: Kind<NeighborSpec> = {
  name: 'neighbor',
  read: (dump, { namespace, borrowed, lab }) =>
    dump.neighbors.flatMap((n): Resource<NeighborSpec>[] => {
      const to = canonicalAddress(n.dst)
      const has = (flag: 'proxy' | 'router' | 'extern_learn' | 'managed'): boolean => n[flag] !== undefined
      const lasts = n.state?.includes('PERMANENT') && n.lladdr !== undefined
      if (to === undefined || !(lasts || has('proxy') || has('managed'))) return []
      const protocol = routingDaemonOf(n.protocol, lab)
      const spec: NeighborSpec = {
        to,
        dev: n.dev,
        family: familyOf(to),
        ...(n.lladdr !== undefined && lasts && { lladdr: n.lladdr }),
        ...(has('proxy') && { proxy: true }),
        ...(has('router') && { router: true }),
        ...(has('extern_learn') && { extern_learn: true }),
        ...(has('managed') && { managed: true }),
        ...(protocol !== undefined && { protocol }),
      }
      const others = spec.protocol !== undefined || spec.extern_learn
      const id = neighborId(namespace, spec)
      return [{ id, kind: 'neighbor', namespace, ...(borrowed && { borrowed }), ...(others && { others }), spec }]
    }),
  fromLab,
  toLab: (r) => ofNamespace(r, { neighbors: [without(r.spec, 'family', 'extern_learn', 'managed', 'protocol')] }),
  describe: ({ lladdr, proxy, router, extern_learn, managed, protocol }) =>
    [
      ...(lladdr === undefined ? [] : [`is at ${lladdr}`]),
      ...Object.entries({ proxy, router, extern_learn, managed }).flatMap(([flag, set]) => (set ? [flag] : [])),
      ...(protocol === undefined ? [] : [`protocol ${protocol}`]),
    ].join(' '),
  compare: (live, desired) =>
    (['lladdr', 'router', 'extern_learn', 'managed', 'protocol'] as const).flatMap((field) => {
      const [from, to] = [live[field], desired[field]]
      return from === to ? [] : [{ field, ...(from !== undefined && { from }), ...(to !== undefined && { to }) }]
    }),
  needs: ({ namespace, spec }) => [linkId(namespace, spec.dev)],
  lostWith: ({ namespace, spec }) => [namespace, linkId(namespace, spec.dev)],
  // The kernel may have learnt it already.
  create: (r) => [{ stage: 'add neighbors', operation: replacement(r) }],
  // Without a protocol in the message, the kernel keeps the old one.
  update: ({ live, desired }) => [
    {
      stage: 'add neighbors',
      operation: replacement(desired, live.spec.protocol === undefined ? undefined : 'boot'),
    },
  ],
  remove: (r, context) =>
    isLost(neighbor, r, context)
      ? []
      : [
          {
            stage: 'delete neighbors',
            operation: { do: 'neighbor.delete', place: placeOf(r), neighbor: r.spec },
          },
        ],
}

const replacement = (r: Resource<NeighborSpec>, protocol?: 'boot'): Operation => ({
  do: 'neighbor.replace',
  place: placeOf(r),
  neighbor: r.spec,
  protocol,
})

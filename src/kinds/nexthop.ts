import { canonicalAddress, familyOf } from '../model/cidr.ts'
import type { Difference } from '../model/change.ts'
import { canonicalEncap, featureOf } from '../model/encap.ts'
import type { IpNexthop } from '../model/ip-nexthop.ts'
import type { Kind } from '../model/kind.ts'
import { groupText, nexthopWords, type NexthopMember, type NexthopSpec } from '../model/nexthop-spec.ts'
import type { Operation } from '../model/operation.ts'
import { labProtocol } from '../model/owner.ts'
import { placeOf } from '../model/place.ts'
import { linkId, type Resource, type Resources } from '../model/resource.ts'
import { isLost, same } from './common.ts'
import { ofNamespace, without } from './lab-entry.ts'
import { isKernels, routingDaemonOf } from './protocols.ts'

/** `ns0/nexthop/10` */
export const nexthopId = (namespace: string, id: number): string => `${namespace}/nexthop/${id}`

/** Scope of an IPv4 nexthop without a gateway (fib_check_nh_nongw in net/ipv4/fib_semantics.c); an IPv6 one has `link`. */
const HOST = '254'
/** Seconds (NH_RES_DEFAULT_IDLE_TIMER in net/ipv4/nexthop.c). */
const IDLE_TIMER = 120

const memberOf = ({ id, weight = 1 }: NexthopMember): NexthopMember => ({ id, ...(weight !== 1 && { weight }) })

type Resilience = Pick<NexthopSpec, 'buckets' | 'idle_timer' | 'unbalanced_timer'>

/** Resilience of a group, without the kernel's defaults. */
export const resilience = ({ buckets, idle_timer = IDLE_TIMER, unbalanced_timer = 0 }: Resilience) => ({
  type: 'resilient' as const,
  ...(buckets !== undefined && { buckets }),
  ...(idle_timer !== IDLE_TIMER && { idle_timer }),
  ...(unbalanced_timer !== 0 && { unbalanced_timer }),
})

function specOf(n: IpNexthop): NexthopSpec {
  const { id, dev, encap, group } = n
  const fdb = n.fdb === null && { fdb: true as const }
  if (group)
    return {
      id,
      group: group.map(memberOf),
      ...(n.type === 'resilient' && resilience(n.resilient_args ?? {})),
      ...fdb,
    }
  const via = n.gateway === undefined ? undefined : (canonicalAddress(n.gateway) ?? n.gateway)
  const family = n.family ?? (via === undefined ? (n.scope === HOST ? 4 : 6) : familyOf(via))
  return {
    id,
    family,
    ...(via !== undefined && { via }),
    ...(dev !== undefined && n.blackhole === undefined && { dev }),
    ...(n.flags?.includes('onlink') && { onlink: true }),
    ...(encap !== undefined && { encap: canonicalEncap(encap) ?? encap }),
    ...(n.blackhole === null && { blackhole: true }),
    ...fdb,
  }
}

/** What the kernel changes only by deleting the object: replace_nexthop in net/ipv4/nexthop.c. */
const fixed: Readonly<Record<string, string>> = {
  type: 'the kernel cannot change the type of a group',
  buckets: 'the kernel cannot change the number of buckets',
  blackhole: 'a blackhole is replaced only by deleting it',
  fdb: 'a nexthop is either for routes or for forwarding entries',
  family: 'routes that use it are of this family',
}
const compared = [
  ...(['family', 'via', 'dev', 'onlink', 'encap', 'blackhole', 'fdb', 'group'] as const),
  ...(['type', 'buckets', 'idle_timer', 'unbalanced_timer', 'protocol'] as const),
]
/** What a plan shows of a field. */
const valueOf = (spec: NexthopSpec, field: keyof NexthopSpec): unknown =>
  field === 'group' && spec.group ? groupText(spec.group) : spec[field]

const NOT_A_GROUP = 'the kernel does not turn a nexthop into a group, or a group into a nexthop'

const members = ({ namespace, spec }: Resource<NexthopSpec>): string[] =>
  (spec.group ?? []).map(({ id }) => nexthopId(namespace, id))

const setting = (how: 'add' | 'replace', r: Resource<NexthopSpec>, lab: string): Operation => ({
  do: `nexthop.${how}`,
  place: placeOf(r),
  nexthop: r.spec,
  protocol: r.borrowed ? labProtocol(lab) : undefined,
})

/** The settings with the timers that the kernel otherwise leaves as they are. */
const withTimers = (spec: NexthopSpec): NexthopSpec =>
  spec.type === 'resilient' ? { idle_timer: IDLE_TIMER, unbalanced_timer: 0, ...spec } : spec

/** A nexthop object, or a group of them, that routes and forwarding entries of VXLANs name by its id. */
export const nexthop: Kind<NexthopSpec> = {
  name: 'nexthop',
  read: ({ nexthops = [] }, { namespace, borrowed, lab }) =>
    nexthops.flatMap((n): Resource<NexthopSpec>[] => {
      if (borrowed ? n.protocol !== String(labProtocol(lab)) : isKernels(n.protocol)) return []
      const protocol = routingDaemonOf(n.protocol, lab)
      const spec = { ...specOf(n), ...(protocol !== undefined && { protocol }) }
      const others = protocol !== undefined && { others: true as const }
      return [
        { id: nexthopId(namespace, n.id), kind: 'nexthop', namespace, ...(borrowed && { borrowed }), ...others, spec },
      ]
    }),
  toLab: (r) => {
    const { family, via } = r.spec
    return ofNamespace(r, {
      nexthops: [
        { ...without(r.spec, 'family', 'protocol'), ...(family === 6 && via === undefined && { family: 'inet6' }) },
      ],
    })
  },
  describe: (spec) =>
    [...nexthopWords(spec), ...(spec.family === 6 && spec.via === undefined ? ['inet6'] : [])].join(' '),

  compare(live, desired) {
    const regrouped = !live.group !== !desired.group
    return compared.flatMap((field): Difference[] => {
      const [from, to] = [valueOf(live, field), valueOf(desired, field)]
      if (same(from, to)) return []
      const forces = regrouped ? NOT_A_GROUP : fixed[field]
      return [
        {
          field,
          ...(from !== undefined && { from }),
          ...(to !== undefined && { to }),
          ...(forces !== undefined && { forces }),
        },
      ]
    })
  },

  requires: ({ spec }) => [featureOf(spec.encap) ?? []].flat(),
  needs: (r) => [r.namespace, ...(r.spec.dev === undefined ? [] : [linkId(r.namespace, r.spec.dev)]), ...members(r)],
  // The kernel takes a member that goes out of its groups.
  lostWith: ({ namespace, spec }) => [namespace, ...(spec.dev === undefined ? [] : [linkId(namespace, spec.dev)])],
  removedLast: true,

  /** A group goes with the last of its members (remove_nexthop_from_groups in net/ipv4/nexthop.c). */
  lostWithLast: (gone, live: Resources) =>
    [...live.values()].flatMap((r): [string, string][] => {
      if (r.kind !== 'nexthop' || gone.has(r.id)) return []
      const all = members(r as Resource<NexthopSpec>)
      const last = all.at(-1)
      return last !== undefined && all.every((id) => gone.has(id)) ? [[r.id, last]] : []
    }),
  afterLosing(r, goes) {
    const left = r.spec.group?.filter(({ id }) => !goes(nexthopId(r.namespace, id)))
    return left === undefined || left.length === r.spec.group?.length ? r : { ...r, spec: { ...r.spec, group: left } }
  },

  create: (r, { lab }) => [
    { stage: r.spec.group ? 'add nexthop groups' : 'add nexthops', operation: setting('add', r, lab) },
  ],
  update: ({ desired }, { lab }) => [
    {
      stage: desired.spec.group ? 'add nexthop groups' : 'add nexthops',
      operation: setting('replace', { ...desired, spec: withTimers(desired.spec) }, lab),
    },
  ],
  // What used it uses another by then; one that is made anew under its id is deleted before.
  remove: (r, context) =>
    isLost(nexthop, r, context)
      ? []
      : [
          {
            stage: context.desired.has(r.id) ? 'clear nexthops' : 'delete nexthops',
            operation: { do: 'nexthop.delete', place: placeOf(r), id: r.spec.id },
          },
        ],
}

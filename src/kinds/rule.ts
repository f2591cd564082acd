import type { Kind, PlanContext } from '../model/kind.ts'
import type { Operation } from '../model/operation.ts'
import { labProtocol } from '../model/owner.ts'
import { placeOf } from '../model/place.ts'
import { linkId, type Resource } from '../model/resource.ts'
import type { Dump, IpRule } from '../model/runner.ts'
import type { Emission } from '../model/change.ts'
import { ipprotoNumber, looksLike, passesFor, ruleTerms, type RuleSpec, type ruleWords } from '../model/rule-spec.ts'
import { isTableOfLab } from './bound-route.ts'
import { isLost } from './common.ts'
import { routingDaemonOf } from './protocols.ts'
import { ofNamespace, without } from './lab-entry.ts'
import { ruleFromLab } from './rule-lab.ts'

/** The kernel's own rules: priority → table of local, main and default (ip-rule(8)). */
const KERNELS: Readonly<Record<number, string>> = { 0: '255', 32766: '254', 32767: '253' }
/** The rules of a new namespace, by family (fib_default_rules_init, fib6_rules_net_init in the kernel's net/). */
const initial = { 4: [0, 32766, 32767], 6: [0, 32766] } as const
/** RTPROT_KERNEL: the kernel creates a rule for VRFs. */
const BY_KERNEL = '2'
/** Whether a rule is one that every namespace begins with. */
export const isOfKernel = ({ family, priority, table, ...more }: RuleSpec): boolean =>
  initial[family].some((one) => one === priority) &&
  KERNELS[priority] === String(table) &&
  Object.keys(more).length === 0

/** What is known of rules: namespaces with the same rules share them. */
const known = new WeakMap<IpRule, boolean>()
function isKernels(r: IpRule, family: 4 | 6): boolean {
  let is = known.get(r)
  if (is === undefined) known.set(r, (is = looksLikeKernels(r, family)))
  return is
}
const looksLikeKernels = (r: IpRule, family: 4 | 6): boolean =>
  ('l3mdev' in r && r.protocol === BY_KERNEL) ||
  (r.table !== undefined &&
    initial[family].some((priority) => priority === r.priority) &&
    KERNELS[r.priority] === r.table &&
    !specifics.some((field) => r[field] !== undefined) &&
    Object.keys(others(r)).length === 0 &&
    r.src === 'all')
const specifics = ['dst', 'fwmark', 'iif', 'oif'] as const
const actions: Readonly<Record<string, RuleSpec['action']>> = {
  6: 'blackhole',
  7: 'unreachable',
  8: 'prohibit',
  blackhole: 'blackhole',
  unreachable: 'unreachable',
  prohibit: 'prohibit',
}

/** The other selectors of a live rule. */
function others(r: IpRule): Pick<RuleSpec, (typeof ruleWords)[number]> {
  const range = (one: number | undefined, from: number | undefined, to: number | undefined) =>
    from === undefined ? one : `${from}-${to}`
  const found = {
    not: r.not === null ? true : undefined,
    tos: r.tos && `0x${Number(r.tos).toString(16)}`, // `ip` prints 0x08
    uidrange: range(undefined, r.uid_start, r.uid_end),
    ipproto: r.ipproto && ipprotoNumber(r.ipproto),
    sport: range(r.sport, r.sport_start, r.sport_end),
    dport: range(r.dport, r.dport_start, r.dport_end),
    tun_id: r.tun_id,
    suppress_prefixlength: r.suppress_prefixlen,
    suppress_ifgroup: r.suppress_ifgroup === undefined ? undefined : Number(r.suppress_ifgroup),
    realms: r.flow_to && [r.flow_from, r.flow_to].filter((realm) => realm !== undefined).join('/'),
    goto: r.goto,
    nop: r.nop === null ? true : undefined,
    l3mdev: r.l3mdev === null ? true : undefined,
  } as const
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined))
}

/** `ns0/rule/100 from 10.0.0.0/8 table 100`: only all of its attributes together identify a rule. */
export const ruleId = (namespace: string, s: RuleSpec): string =>
  [`${namespace}/rule${s.family === 6 ? '6' : ''}/${s.priority}`, ...ruleTerms(s)].join(' ')

const cidr = (host: string | undefined, length: number | undefined): string | undefined =>
  host === undefined || host === 'all' ? undefined : `${host}/${length ?? (host.includes(':') ? 128 : 32)}`

/** `0x1` or `0x1/0xff`. A mark of 0 always has a mask: without one, the kernel matches no mark. */
function markOf(mark: string, mask: string | undefined): string {
  const [bits, those] = [Number(mark), Number(mask ?? 0xffffffff)].map((n) => `0x${n.toString(16)}`)
  return mask === undefined && bits !== '0x0' ? bits! : `${bits}/${those}`
}

function specOf(r: IpRule, family: 4 | 6): RuleSpec {
  const from = cidr(r.src, r.srclen)
  const to = cidr(r.dst, r.dstlen)
  const action = r.action === undefined ? undefined : actions[r.action]
  return {
    family,
    priority: r.priority,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(r.iif !== undefined && { iif: r.iif }),
    ...(r.oif !== undefined && { oif: r.oif }),
    ...(r.fwmark !== undefined && { fwmark: markOf(r.fwmark, r.fwmask) }),
    ...(action ? { action } : r.table === undefined ? {} : { table: Number(r.table) }),
    ...others(r),
  }
}

/** `family` for a lab file, which needs it only for IPv6 rules without addresses: other such rules are IPv4. */
const familyOf = ({ family, from, to }: RuleSpec) =>
  family === 6 && from === undefined && to === undefined && { family: 'inet6' }

/** A routing policy rule (`ip rule`). It cannot be changed in place. */
export const rule: Kind<RuleSpec> = {
  name: 'rule',
  read({ rules, rules6 }: Dump, { namespace, borrowed, lab, made, unmarked }) {
    const found = (
      spec: RuleSpec,
      more: Pick<Resource, 'borrowed' | 'lost' | 'others' | 'unmarked'>,
    ): Resource<RuleSpec> => ({
      id: ruleId(namespace, spec),
      kind: 'rule',
      namespace,
      spec,
      ...more,
    })
    const read = (list: readonly IpRule[], family: 4 | 6): Resource<RuleSpec>[] => {
      if (borrowed)
        return list.flatMap((r) => {
          const isLabs = r.protocol === String(labProtocol(lab))
          if (!isLabs && (!unmarked || isKernels(r, family))) return []
          const others = routingDaemonOf(r.protocol, lab) === undefined ? {} : { others: true as const }
          const free = isLabs ? {} : { unmarked: Number(r.protocol ?? 0), ...others }
          return [found(specOf(r, family), { borrowed, ...free })]
        })
      const others: IpRule[] = []
      const kernels = new Set<number>()
      for (const r of list)
        if (isKernels(r, family)) kernels.add(r.priority)
        else others.push(r)
      // A namespace without IPv6 has no IPv6 rules.
      const lost = made && list.length ? initial[family].filter((priority) => !kernels.has(priority)) : []
      return [
        ...others.map((r) =>
          found(specOf(r, family), routingDaemonOf(r.protocol, lab) === undefined ? {} : { others: true }),
        ),
        ...lost.map((priority) => found({ family, priority, table: Number(KERNELS[priority]) }, { lost: true })),
      ]
    }
    return [...read(rules, 4), ...read(rules6, 6)]
  },
  describe: () => '',
  fromLab: ruleFromLab,
  toLab: (r) => ofNamespace(r, { rules: [{ ...without(r.spec, 'family'), ...familyOf(r.spec) }] }),
  compare: () => [],
  needs: ({ namespace }) => [namespace],
  lostWith: ({ namespace }) => [namespace],
  create(r, context) {
    const { kept, looks } = peersOf(r, context)
    // The kernel would take it for one that has more selectors: that one comes later, and all in their order.
    const others = looks.has(looksLike(r.spec)) ? kept : []
    return [
      ...others.map((one) => operation('delete', one, context.lab)),
      operation('add', r, context.lab),
      ...others.map((one) => operation('add', one, context.lab)),
    ].map((one) => ({ stage: 'add rules', operation: one }))
  },
  update: () => [],
  // The kernel has both for a moment: they differ only in their protocol.
  adopt: (r, lab) => remarked(r, labProtocol(lab), r.unmarked),
  release: (r, lab) => remarked(r, r.unmarked, labProtocol(lab)),
  bound({ namespace, spec, id }, borrowed) {
    const { isLabs, all } = borrowed
    const rules = all.filter(({ kind }) => kind === rule.name) as Resource<RuleSpec>[]
    const isPeer = (one: RuleSpec): boolean => one.family === spec.family && one.priority === spec.priority
    if (rules.some((one) => one.id !== id && isPeer(one.spec))) return 'another rule has its priority'
    if (rules.some((one) => one.unmarked !== undefined && one.spec.goto === spec.priority))
      return 'another rule leads to it'
    const named = [spec.iif, spec.oif].filter((name) => name !== undefined)
    if (named.some((name) => isLabs(linkId(namespace, name)))) return undefined
    const isOfTable = typeof spec.table === 'number' && isTableOfLab(namespace, spec.table, borrowed)
    return isOfTable ? undefined : 'it is not only for interfaces of the lab'
  },
  remove(r, context) {
    if (isLost(rule, r, context)) return []
    const { rules, kept, isMixed } = peersOf(r, context)
    if (!isMixed) return [{ stage: 'delete rules', operation: operation('delete', r, context.lab) }]
    if (rules.find(({ id }) => context.goes(id))?.id !== r.id) return []
    // From the first on, each is the first that has what it has.
    return [
      ...rules.map((one) => operation('delete', one, context.lab)),
      ...kept.map((one) => operation('add', one, context.lab)),
    ].map((one) => ({ stage: 'delete rules', operation: one }))
  },
}

const operation = (how: 'add' | 'delete', r: Resource<RuleSpec>, lab: string): Operation => ({
  do: `rule.${how}`,
  place: placeOf(r),
  rule: r.spec,
  protocol: r.borrowed ? labProtocol(lab) : undefined,
})

/** The operations that give a rule another protocol: the kernel cannot change it in place. */
const remarked = (r: Resource<RuleSpec>, to: number | undefined, from: number | undefined): Emission[] =>
  [
    { do: 'rule.add' as const, protocol: to },
    { do: 'rule.delete' as const, protocol: from },
  ].map((how) => ({ stage: 'add rules', operation: { ...how, place: placeOf(r), rule: r.spec } }))

/** The live rules of one family and priority, in the order of the kernel. */
interface Peers {
  readonly rules: readonly Resource<RuleSpec>[]
  /** The kernel would take one that stays for one that is to be deleted. */
  readonly isMixed: boolean
  /** Those that stay. */
  readonly kept: readonly Resource<RuleSpec>[]
  /** What those pass for. */
  readonly looks: ReadonlySet<string>
}
const peers = new WeakMap<PlanContext, Map<string, Peers>>()
const keyOf = ({ namespace, spec }: Resource<RuleSpec>): string => `${namespace} ${spec.family} ${spec.priority}`

function peersOf(r: Resource<RuleSpec>, context: PlanContext): Peers {
  let all = peers.get(context)
  if (!all) {
    const lists = new Map<string, Resource<RuleSpec>[]>()
    for (const found of context.live.values()) {
      if (found.kind !== 'rule') continue
      const one = found as Resource<RuleSpec>
      const list = lists.get(keyOf(one))
      if (list) list.push(one)
      else lists.set(keyOf(one), [one])
    }
    all = mappedPeers(lists, context)
    peers.set(context, all)
  }
  return all.get(keyOf(r)) ?? { rules: [r], isMixed: false, kept: [], looks: new Set() }
}

const mappedPeers = (lists: ReadonlyMap<string, readonly Resource<RuleSpec>[]>, { goes }: PlanContext) =>
  new Map(
    [...lists].map(([key, rules]): [string, Peers] => {
      const kept: Resource<RuleSpec>[] = []
      let isMixed = false
      for (const one of rules)
        if (goes(one.id)) isMixed ||= kept.some((other) => hasAll(other.spec, one.spec))
        else kept.push(one)
      return [key, { rules, isMixed, kept, looks: new Set(kept.flatMap(({ spec }) => passesFor(spec))) }]
    }),
  )

/** Whether a rule has all that another has, as the kernel compares them to delete one: it does not look at `not` (rule_find in net/core/fib_rules.c). */
const hasAll = (rule: RuleSpec, other: RuleSpec): boolean =>
  (Object.keys(other) as (keyof RuleSpec)[]).every((field) => field === 'not' || rule[field] === other[field])

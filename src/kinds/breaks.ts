import { contains, parseCidr } from '../model/cidr.ts'
import type { AddressSpec } from '../model/address-spec.ts'
import type { Breakage } from '../model/drill.ts'
import type { IptablesSpec, NftSpec } from '../model/firewall.ts'
import type { NeighborSpec } from '../model/neighbor-spec.ts'
import { nameOf, type Resource, type Resources } from '../model/resource.ts'
import type { RouteSpec } from '../model/route-spec.ts'
import { isLink, topologyOf, type Topology } from '../model/topology.ts'
import { addressId } from './address-settings.ts'
import type { SysctlSpec } from './sysctl.ts'
import type { VlansSpec } from './vlans.ts'

/** What a break says of itself, and what it makes of the resource; undefined: it is removed. */
type Draft = Pick<Breakage, 'level' | 'wrong'> & {
  readonly to: Resource<any> | undefined
  /** What the kernel removes along with it. */
  readonly lost?: readonly Resource<any>[]
}

/** The ways to break resources of a kind: those in which people do it. */
interface Breakable {
  readonly about: string
  /** Names the place without saying what is wrong there. */
  readonly place: (r: Resource<any>) => string
  readonly breaks: (r: Resource<any>, net: Topology) => Draft[]
}

/** The ways to break a lab in one place, in the order of its resources. The same lab always has the same. */
export function breakages(resources: Resources): Breakage[] {
  const net = topologyOf(resources)
  return [...resources.values()].flatMap((r) => {
    if (r.borrowed !== undefined || r.implied) return []
    const { about, place, breaks } = table[r.kind] ?? (isLink(r) ? link : NOTHING)
    return breaks(r, net).map(({ level, wrong, to, lost = [] }): Breakage => {
      const gone = [...(to?.id === r.id ? [] : [r]), ...lost].map(({ id }) => [id, undefined] as const)
      return {
        ...{ level, wrong, about, id: r.id, namespace: r.namespace, place: place(r) },
        instead: new Map<string, Resource | undefined>([...gone, ...(to ? [[to.id, to as Resource] as const] : [])]),
      }
    })
  })
}

const changed = <S extends object>(r: Resource<S>, spec: Partial<S>): Resource<S> => ({
  ...r,
  spec: { ...r.spec, ...spec },
})

const route: Breakable = {
  about: 'It is about routes: ip route get ADDRESS says which one a packet takes.',
  place: ({ namespace, spec }: Resource<RouteSpec>) => `Compare the route of ${namespace} to ${spec.to} with the file.`,
  breaks: (r: Resource<RouteSpec>) => {
    const { to, via, table } = r.spec
    const place = `${r.namespace}${table === undefined ? '' : ` (table ${table})`}`
    const other = via === undefined ? undefined : neighborOf(via)
    return [
      { level: table === undefined ? 1 : 3, wrong: `${place} has lost its route to ${to}.`, to: undefined },
      ...(other === undefined
        ? []
        : [
            {
              level: 2 as const,
              wrong: `The route of ${place} to ${to} goes via ${other} instead of ${via}.`,
              to: changed(r, { via: other }),
            },
          ]),
    ]
  },
}

/** An address beside this one. */
function neighborOf(address: string): string | undefined {
  const [, head, last = ''] = /^(.*[.:])([0-9a-f]+)$/.exec(address) ?? []
  if (head === undefined) return undefined
  if (head.endsWith('.')) return `${head}${Number(last) < 200 ? Number(last) + 50 : Number(last) - 50}`
  return `${head}${(parseInt(last, 16) ^ 0x50).toString(16)}`
}

const address: Breakable = {
  about: 'It is about addresses: ip -br address shows them with their prefixes.',
  place: ({ namespace, spec }: Resource<AddressSpec>) =>
    `Compare the address of ${namespace}:${spec.dev} with the file.`,
  breaks: (r: Resource<AddressSpec>, net) => {
    const own = parseCidr(r.spec.address)
    const longest = r.spec.family === 6 ? 128 : 32
    if (!own || own.prefix >= longest - 1 || r.spec.dev === 'lo') return []
    return [longest, longest - 2, Math.min(longest - 2, own.prefix + 4)].flatMap((prefix): Draft[] => {
      const text = `${own.address}/${prefix}`
      if (prefix === own.prefix) return []
      const lost = net.within(r.namespace).filter(({ kind, spec }) => {
        const via = spec['via']
        return kind === 'route' && typeof via === 'string' && contains(own, via) && !contains({ ...own, prefix }, via)
      })
      return [
        {
          level: 2,
          wrong: `${r.namespace}:${r.spec.dev} has the address ${text} instead of ${r.spec.address}.`,
          to: { ...changed(r, { address: text }), id: addressId(r.namespace, r.spec.dev, text) },
          lost,
        },
      ]
    })
  },
}

const link: Breakable = {
  about: 'It is about interfaces and cables: ip -d link shows their state.',
  place: ({ id, namespace }) => `Look at the interface ${nameOf(id)} of ${namespace}.`,
  breaks: (r: Resource, net) => {
    const { up, mtu, master, id: vid } = r.spec as Readonly<Record<string, unknown>>
    const name = `${r.namespace}:${nameOf(r.id)}`
    const on = net.on(r.id).filter(({ kind, spec }) => kind === 'route' || spec['family'] === 6)
    return [
      ...(up === true
        ? [{ level: 1 as const, wrong: `${name} is down.`, to: changed(r, { up: false }), lost: on }]
        : []),
      ...(typeof master === 'string'
        ? [{ level: 2 as const, wrong: `${name} is no port of ${master} any more.`, to: without(r, 'master') }]
        : []),
      ...(typeof mtu === 'number' && mtu > 1280
        ? [{ level: 3 as const, wrong: `${name} has an MTU of 1280 instead of ${mtu}.`, to: changed(r, { mtu: 1280 }) }]
        : []),
      ...(r.kind === 'vlan' && typeof vid === 'number'
        ? [
            {
              level: 2 as const,
              wrong: `${name} is in VLAN ${otherVlan(vid)} instead of ${vid}.`,
              to: changed(r, { id: otherVlan(vid) }),
            },
          ]
        : []),
    ]
  },
}

/** A VLAN beside this one. */
const otherVlan = (vid: number): number => (vid < 4000 ? vid + 1 : vid - 1)

function without(r: Resource, field: string): Resource {
  const { [field]: _, ...spec } = r.spec
  return { ...r, spec }
}

const vlans: Breakable = {
  about: 'It is about VLANs: bridge vlan shows those of each port.',
  place: ({ namespace, spec }: Resource<VlansSpec>) => `Compare the VLANs of the port ${spec.port} of ${namespace}.`,
  breaks: (r: Resource<VlansSpec>) =>
    Object.entries(r.spec.vlans).map(([vid, flags]) => {
      const { [vid]: _, ...rest } = r.spec.vlans
      const other = String(otherVlan(Number(vid)))
      return {
        level: 2,
        wrong: `${r.namespace}:${r.spec.port} is in VLAN ${other} instead of ${vid}.`,
        to: changed(r, { vlans: { ...rest, [other]: flags } }),
      }
    }),
}

const sysctl: Breakable = {
  about: 'It is about a setting of the kernel: sysctl net shows them.',
  place: ({ namespace, spec }: Resource<SysctlSpec>) => `Look at ${spec.key} in ${namespace}.`,
  breaks: (r: Resource<SysctlSpec>) =>
    r.spec.value === '1'
      ? [
          {
            level: /forward/.test(r.spec.key) ? 1 : 3,
            wrong: `${r.spec.key} of ${r.namespace} is 0 instead of 1.`,
            to: changed(r, { value: '0' }),
          },
        ]
      : [],
}

const neighbor: Breakable = {
  about: 'It is about neighbours: ip neighbour shows the MAC addresses that are known.',
  place: ({ namespace, spec }: Resource<NeighborSpec>) => `Compare the neighbour ${spec.to} of ${namespace}.`,
  breaks: (r: Resource<NeighborSpec>) => {
    const { to, lladdr } = r.spec
    if (lladdr === undefined) return []
    const wrong = `${lladdr.slice(0, -1)}${lladdr.endsWith('0') ? '1' : '0'}`
    return [
      {
        level: 3,
        wrong: `${r.namespace} knows ${to} with the MAC address ${wrong}.`,
        to: changed(r, { lladdr: wrong }),
      },
    ]
  },
}

const rule: Breakable = {
  about: 'It is about the rules that choose a table of routes: ip rule lists them.',
  place: ({ namespace }) => `Compare the rules of ip rule in ${namespace} with the file.`,
  breaks: (r) => [
    { level: 3, wrong: `${r.namespace} has lost its rule ${nameOf(r.id).replace('rule/', '')}.`, to: undefined },
  ],
}

const firewallWords = {
  about: 'It is about a firewall: netlab show NS --rules has a counter for each rule.',
  place: ({ namespace }: Resource) => `Compare the firewall of ${namespace} with the file.`,
}

/** What a rule of iptables or nftables does, in its own word; the order of rules that do the same hardly matters. */
const verdictOf = (rule: string): string | undefined =>
  /(?:-j|-g) (\S+)|\b(accept|drop|reject|return|(?:jump|goto) \S+)\b/.exec(rule)?.slice(1).find(Boolean)

/** A chain with its rules in another order, or without one of them. */
function ruleBreaks(rules: readonly string[]): { level: 2 | 3; rules: string[]; wrong: string }[] {
  return rules.flatMap((text, i) => {
    const others = rules.toSpliced(i, 1)
    const next = rules[i + 1]
    return [
      { level: 2 as const, rules: others, wrong: `has lost its rule ${i + 1}: ${text}` },
      ...(next === undefined || verdictOf(next) === verdictOf(text)
        ? []
        : [
            {
              level: 3 as const,
              rules: others.toSpliced(i + 1, 0, text),
              wrong: `has its rules ${i + 1} and ${i + 2} in the wrong order: ${text}`,
            },
          ]),
    ]
  })
}

const iptables: Breakable = {
  ...firewallWords,
  breaks: (r: Resource<IptablesSpec>) =>
    Object.entries(r.spec.tables).flatMap(([table, chains]) =>
      Object.entries(chains).flatMap(([name, chain]) =>
        ruleBreaks(chain.rules).map(({ level, rules, wrong }) => ({
          level,
          wrong: `The chain ${name} (${table}) of ${r.namespace} ${wrong}`,
          to: changed(r, { tables: { ...r.spec.tables, [table]: { ...chains, [name]: { ...chain, rules } } } }),
        })),
      ),
    ),
}

const nftables: Breakable = {
  ...firewallWords,
  breaks: (r: Resource<NftSpec>) =>
    Object.entries(r.spec.tables).flatMap(([name, all]) =>
      Object.entries(all.chains).flatMap(([chain, one]) =>
        ruleBreaks(one.rules).map(({ level, rules, wrong }) => ({
          level,
          wrong: `The chain ${chain} (${name}) of ${r.namespace} ${wrong}`,
          to: changed(r, {
            tables: { ...r.spec.tables, [name]: { ...all, chains: { ...all.chains, [chain]: { ...one, rules } } } },
          }),
        })),
      ),
    ),
}

const NOTHING: Breakable = { about: '', place: () => '', breaks: () => [] }

const table: Readonly<Record<string, Breakable>> = {
  ...{ route, address, vlans, sysctl, neighbor, rule, iptables, nftables },
  ...{ ip6tables: iptables, loopback: NOTHING, existing: NOTHING },
}

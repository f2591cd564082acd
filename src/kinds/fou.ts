import { canonicalAddress, familyOf } from '../model/cidr.ts'
import type { Difference } from '../model/change.ts'
import type { IpFou } from '../model/tunnel-dump.ts'
import type { Kind, LabContext } from '../model/kind.ts'
import type { Resource } from '../model/resource.ts'
import { isLost, within } from './common.ts'
import { ofNamespace, without } from './lab-entry.ts'

/** A UDP port that receives the packets of tunnels (ip-fou(8)). */
export type FouSpec = Omit<IpFou, 'family' | 'gue'> & { readonly family: 4 | 6 }

/** A port as a lab file has it. */
export interface FouFile {
  readonly port: number
  readonly ipproto?: number
  readonly gue?: true
  readonly family?: 'inet' | 'inet6'
  readonly local?: string
}

/** `h1/fou/5555`, `h1/fou/5555 inet6`: a namespace has one port of a number for each family (fou_add_to_port_list in net/ipv4/fou.c). */
const fouId = (namespace: string, { port, family }: FouSpec): string =>
  `${namespace}/fou/${port}${family === 6 ? ' inet6' : ''}`

/** The resource of a port. */
export const fouResource = (namespace: string, spec: FouSpec): Resource<FouSpec> => ({
  id: fouId(namespace, spec),
  kind: 'fou',
  namespace,
  spec,
})

function fromLab(entry: FouFile, { namespace, addressesOf, error }: LabContext): FouSpec | undefined {
  const { port, ipproto, gue, local, family = 'inet' } = entry
  if ((ipproto === undefined) === (gue === undefined))
    return void error('senseless-field', [], 'a port needs ipproto or gue', 'ipproto: 4 is IPv4, 41 IPv6, 47 GRE. With gue, a header in each packet says it.') // prettier-ignore
  const address = local === undefined ? undefined : canonicalAddress(local)
  if (local !== undefined && (address === undefined || (entry.family && familyOf(address) !== numberOf(family))))
    return void error('bad-value', ['local'], `"${local}" is no ${entry.family === undefined ? '' : family === 'inet' ? 'IPv4 ' : 'IPv6 '}address`) // prettier-ignore
  if (address !== undefined && !addressesOf?.(namespace)?.some((cidr) => cidr.startsWith(`${address}/`)))
    return void error('unknown-reference', ['local'], `${namespace} does not have ${address}`, 'The kernel refuses an address that no interface has.') // prettier-ignore
  return {
    port,
    family: address === undefined ? numberOf(family) : familyOf(address),
    ...(ipproto !== undefined && { ipproto }),
    ...(address !== undefined && { local: address }),
  }
}

const numberOf = (family: string): 4 | 6 => (family === 'inet6' ? 6 : 4)

/** The words of ip-fou(8) that say which port it is. */
const which = ({ port, family, ipproto: _, ...rest }: FouSpec): string[] => [
  ...['port', String(port), ...(family === 6 ? ['-6'] : [])],
  ...Object.entries(rest).flatMap(([word, value]) => [word, String(value)]),
]

const forces = 'the kernel cannot change a port: it is opened anew'

/** The UDP ports of a namespace that receive the packets of tunnels with `encap`. */
export const fou: Kind<FouSpec> = {
  name: 'fou',
  read: ({ fou = [] }, { namespace, borrowed }) =>
    borrowed
      ? []
      : fou.map(({ gue: _, family, ...rest }) => fouResource(namespace, { ...rest, family: numberOf(family) })),
  fromLab,
  toLab: (r) => {
    const { family, ipproto } = r.spec
    const entry = { ...without(r.spec, 'family'), ...(family === 6 && { family: 'inet6' }) }
    return ofNamespace(r, { fou: [{ ...entry, ...(ipproto === undefined && { gue: true }) }] })
  },
  describe: ({ ipproto }) => (ipproto === undefined ? 'gue' : `ipproto ${ipproto}`),
  compare: (live, desired) =>
    (['ipproto', 'local', 'peer', 'peer_port', 'dev'] as const).flatMap((field): Difference[] => {
      const [from, to] = [live[field], desired[field]]
      if (from === to) return []
      return [{ field, ...(from !== undefined && { from }), ...(to !== undefined && { to }), forces }]
    }),
  requires: () => ['fou_port'],
  needs: ({ namespace }) => [namespace],
  lostWith: ({ namespace }) => [namespace],
  create: (r) => {
    const { ipproto } = r.spec
    const carried = ipproto === undefined ? ['gue'] : ['ipproto', String(ipproto)]
    return [{ stage: 'add neighbors', operation: within(r, 'ip', 'fou', 'add', ...which(r.spec), ...carried) }]
  },
  update: () => [],
  remove: (r, context) =>
    isLost(fou, r, context)
      ? []
      : [{ stage: 'delete neighbors', operation: within(r, 'ip', 'fou', 'del', ...which(r.spec)) }],
}

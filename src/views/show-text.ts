import type { Colors } from 'picocolors/types'
import { nameOf, namespaceOf } from '../model/resource.ts'
import { isLink, topologyOf, type Link, type Topology } from '../model/topology.ts'
import type { ResourceJson, ShowJson } from './json.ts'

interface Row {
  readonly name: string
  readonly addresses: string
  readonly text: string
}

/** Who is connected to whom, with which addresses: a block per namespace, a line per interface, then the rest. */
export function renderShow({ lab, resources }: ShowJson, c: Colors): string {
  const topology = topologyOf(new Map(resources.map((r) => [r.id, r])))
  const namespaces = [...new Set(resources.map(({ namespace }) => namespace))]
  const blocks = namespaces.map((namespace) => block(namespace, topology, c))
  return `${c.bold(lab)}: ${namespaces.length} namespace${namespaces.length === 1 ? '' : 's'}\n${blocks.join('')}`
}

function block(namespace: string, topology: Topology<ResourceJson>, c: Colors): string {
  const list = topology.within(namespace)
  const addresses = (link: ResourceJson): string =>
    topology
      .on(link.id)
      .flatMap((r) => (r.kind === 'address' ? [addressText(r, link)] : []))
      .join(', ')
  const rows = topology
    .links(namespace)
    .map((link): Row => ({
      name: `${nameOf(link.id)}${stateOf(link)}`,
      addresses: addresses(link),
      text: connection(link, topology) + whose(link),
    }))
    .filter(({ name, addresses }) => name !== 'lo' || addresses !== '')
  const width = (key: 'name' | 'addresses'): number => Math.max(0, ...rows.map((row) => row[key].length))
  const [names, cidrs] = [width('name'), width('addresses')]
  const hasBridge = list.some(({ kind }) => kind === 'bridge')
  const rest = list.filter(
    (r) =>
      !isLink(r) &&
      r.kind !== 'address' &&
      r.kind !== 'namespace' &&
      !isForwarding(r) &&
      // net.bridge.* has no effect in a namespace without a bridge.
      (hasBridge || !r.id.includes('/sysctl/net.bridge.')),
  )
  const marks = [list.some(({ root }) => root) && 'this machine', forwards(list)].filter(Boolean).join(', ')
  return [
    `\n${c.bold(c.cyan(namespace))}${marks && c.dim(`  ${marks}`)}\n`,
    ...rows.map(
      ({ name, addresses, text }) =>
        `  ${c.bold(name.padEnd(names))}  ${addresses.padEnd(cidrs)}  ${text}`.trimEnd() + '\n',
    ),
    ...rest.filter(({ others }) => !others).map((r) => line(r, '', c)),
    ...folded(rest.filter(({ others }) => others)).map((r) =>
      typeof r === 'string' ? `  ${c.dim(r)}\n` : line(r, OTHERS, c),
    ),
  ].join('')
}

function line({ kind, id, description }: ResourceJson, mark: string, c: Colors): string {
  const about = subject(id)
  return `  ${c.dim(mark + kind)} ${about === kind ? '' : `${about} `}${c.dim(description)}`.trimEnd() + '\n'
}

/** The prefix for what belongs to others. */
const OTHERS = 'others’ '
/** From this many resources of one kind, only their number is shown: a daemon may have thousands of routes. */
const MANY = 20

function folded(others: readonly ResourceJson[]): (ResourceJson | string)[] {
  const kinds = [...new Set(others.map(({ kind }) => kind))]
  return kinds.flatMap((kind): (ResourceJson | string)[] => {
    const some = others.filter((r) => r.kind === kind)
    return some.length > MANY ? [`${OTHERS}${kind} entries: ${some.length}; --json lists them`] : some
  })
}

const whose = ({ others }: ResourceJson): string => (others ? ' (others’)' : '')

/** `10.0.0.7/24`, and its origin if the lab did not set it. */
function addressText(r: ResourceJson, link: ResourceJson): string {
  const { origin, proto } = r.spec
  const how = origin === 'slaac' ? 'SLAAC' : (origin ?? proto)
  return `${r.id.slice(link.id.length + 1)}${how === undefined ? whose(r) : ` (${String(how)})`}`
}

const stateOf = ({ spec }: ResourceJson): string => (spec['up'] === false ? ' (down)' : '')

/** What follows the kind in an id: `ns0/route/default` → `default`. */
const subject = (id: string): string =>
  /\/(?:route|rule6?|neighbor|proxy|process|qdisc|sysctl)\/(.*)$/.exec(id)?.[1] ?? nameOf(id)

const forwardings = { IPv4: 'net.ipv4.ip_forward', IPv6: 'net.ipv6.conf.all.forwarding' }
const isForwarding = ({ kind, spec }: ResourceJson): boolean =>
  kind === 'sysctl' && Object.values(forwardings).includes(String(spec['key']))

/** `forwards`, `forwards IPv4`; undefined when it does not. */
function forwards(list: readonly ResourceJson[]): string | undefined {
  const on = Object.entries(forwardings).flatMap(([family, key]) =>
    list.some(({ kind, spec }) => kind === 'sysctl' && spec['key'] === key && spec['value'] === '1') ? [family] : [],
  )
  return on.length === 2 ? 'forwards' : on.length ? `forwards ${on[0]}` : undefined
}

/** `── ns-router:veth0`, `── br0 of sw`, or what the interface is. */
function connection({ id, kind, namespace, spec }: Link<ResourceJson>, topology: Topology<ResourceJson>): string {
  const { peer, mtu, master, link } = spec
  const peerOf = topology.peer(id)
  const isUsual = mtu === undefined || kind === 'loopback' || (mtu === 1500 && (peerOf?.spec.mtu ?? mtu) === mtu)
  const size = isUsual ? '' : `, mtu ${mtu}`
  const port = master === undefined ? '' : `port of ${master} `
  if (peer !== undefined) {
    const into = peerOf?.spec.master
    const state = peerOf ? stateOf(peerOf) : ''
    return `${port}── ${namespaceOf(peer)}:${into === undefined ? nameOf(peer) : `${into} (port ${nameOf(peer)})`}${state}${size}`
  }
  const members = topology.ports(id).map((member) => nameOf(member.id))
  const on = link === undefined ? '' : ` on ${link.replace(`${namespace}/`, '')}`
  if (kind === 'loopback') return ''
  return `${port}${kind}${on}${members.length ? `: ${members.join(' ')}` : ''}${size}`
}

import { constants } from 'node:os'
import type { Colors } from 'picocolors/types'
import type { ProcessState } from '../model/process-state.ts'
import { nameOf, namespaceOf } from '../model/resource.ts'
import { isLink, topologyOf, type Link, type Topology } from '../model/topology.ts'
import { blockTitle, foldBlocks, foldNames, ODD, plainLine } from './fold.ts'
import { faultSection } from './fault-text.ts'
import type { ResourceJson, ShowJson } from './json.ts'

/** The cells of a row. Of an interface: its name, its addresses, what it is connected to. Of anything else: its subject, its kind, the rest. */
const CELLS = 4
type Row = readonly [name: string, second: string, rest: string, form: Form]
type Form = 'interface' | 'line'

/**
 * Who is connected to whom, with which addresses: a block per namespace, a line per interface, then the rest. Namespaces and lines
 * that are alike but for numbers are shown as one, unless `full`.
 */
export function renderShow({ lab, resources, faults }: ShowJson, c: Colors, full = false): string {
  const topology = topologyOf(new Map(resources.map((r) => [r.id, r])))
  const namespaces = [...new Set(resources.map(({ namespace }) => namespace))]
  const blocks = foldBlocks(
    namespaces.map((namespace) => ({ name: namespace, rows: rowsOfNamespace(namespace, topology, full) })),
    CELLS,
    full,
  )
  const texts = blocks.map((block) => {
    const [[, marks = ''] = [], ...rows] = block.rows.map(({ cells, alike }) => plainRow(cells, alike, c))
    const title = blockTitle(block, (name) => c.bold(c.cyan(name)))
    return `\n${title}${marks && c.dim(`  ${marks}`)}\n${aligned(rows, c)}`
  })
  return `${c.bold(lab)}: ${namespaces.length} namespace${namespaces.length === 1 ? '' : 's'}\n${texts.join('')}${faultSection(faults, c)}`
}

/** The cells without marks of values that differ, and at their end how many rows they stand for. */
function plainRow(cells: readonly string[], alike: string, c: Colors): readonly string[] {
  const [name = '', second = '', rest = '', form = ''] = cells
  const odd = cells.some((cell) => cell.includes(ODD)) ? ODD : ''
  const more = plainLine(`${alike && c.dim(`  # ${alike} alike`)}${odd}`, c)
  return [...[name, second, rest].map((cell) => cell.replaceAll(ODD, '')), form, more]
}

function aligned(rows: readonly (readonly string[])[], c: Colors): string {
  const interfaces = rows.filter(([, , , form]) => form === 'interface')
  const width = (cell: number): number => Math.max(0, ...interfaces.map((row) => row[cell]!.length))
  const [names, cidrs] = [width(0), width(1)]
  return rows
    .map(([name = '', second = '', rest = '', form, more = '']) => {
      const line =
        form === 'interface'
          ? `  ${c.bold(name.padEnd(names))}  ${second.padEnd(cidrs)}  ${rest}`
          : `  ${c.dim(second)}${name && ` ${name}`}${rest && ` ${c.dim(rest)}`}`
      return `${line.trimEnd()}${more}\n`
    })
    .join('')
}

/** The rows of a namespace; the first has what is said beside its name. */
export function rowsOfNamespace(namespace: string, topology: Topology<ResourceJson>, full: boolean): Row[] {
  const list = topology.within(namespace)
  const addresses = (link: ResourceJson): string =>
    topology
      .on(link.id)
      .flatMap((r) => (r.kind === 'address' ? [addressText(r, link)] : []))
      .join(', ')
  const rows = topology
    .links(namespace)
    .map((link): Row => [
      `${nameOf(link.id)}${stateOf(link)}`,
      addresses(link),
      connection(link, topology, full) + whose(link),
      'interface',
    ])
    .filter(([name, addresses]) => name !== 'lo' || addresses !== '')
  const hasBridge = list.some(({ kind }) => kind === 'bridge')
  const rest = list.filter(
    (r) =>
      !isLink(r) &&
      r.kind !== 'address' &&
      r.kind !== 'namespace' &&
      r.kind !== 'borrowed' &&
      !isForwarding(r) &&
      // net.bridge.* has no effect in a namespace without a bridge.
      (hasBridge || !r.id.includes('/sysctl/net.bridge.')),
  )
  const lender = list.find(({ kind }) => kind === 'borrowed')
  const marks = [list.some(({ root }) => root) && 'this machine', lender?.description, forwards(list)]
    .filter(Boolean)
    .join(', ')
  return [
    ['', marks, '', 'line'],
    ...rows,
    ...rest.filter(({ others }) => !others).map(line),
    ...ofOthers(
      rest.filter(({ others }) => others),
      full,
    ),
  ]
}

function line({ kind, id, description: settings, others, learnt_by, process }: ResourceJson): Row {
  const about = subject(id)
  const description = process ? `${process.state === 'ended' ? '' : settings}  ${stateText(process)}` : settings
  const text = learnt_by === undefined ? description : `${withoutProtocol(description)}  learnt by ${learnt_by}`
  return [about === kind ? '' : about, `${others && learnt_by === undefined ? OTHERS : ''}${kind}`, text.trim(), 'line']
}

/** `pid 4711, for 5 s`, `done`, `ended by SIGTERM`. */
function stateText({ state, pid, age, restarts = 0, exit_code }: ProcessState): string {
  const signal = Object.entries(constants.signals).find(([, number]) => number + 128 === exit_code)?.[0]
  const end = signal === undefined ? `with exit code ${exit_code}` : `by ${signal}`
  if (state === 'ended') return `ended${exit_code === undefined ? '' : ` ${end}`}`
  if (state !== 'running') return state
  const again = restarts === 0 ? '' : `, restarted ${restarts} ${restarts === 1 ? 'time' : 'times'}, ended last ${end}`
  return `pid ${pid}${age === undefined ? '' : `, for ${duration(age)}`}${again}`
}

/** `5 s`, `3 min`, `2 h`, `4 d`. */
function duration(seconds: number): string {
  const [unit, length] =
    seconds < 120 ? ['s', 1] : seconds < 7200 ? ['min', 60] : seconds < 172_800 ? ['h', 3600] : ['d', 86_400]
  return `${Math.floor(seconds / Number(length))} ${unit}`
}

const withoutProtocol = (description: string): string => description.replace(/ ?\b(?:proto|protocol) \S+$/, '')

/** The prefix for what belongs to others. */
const OTHERS = 'others’ '
/** From this many resources of one kind, only their number is shown: a daemon may have thousands of routes. */
const MANY = 20

function ofOthers(others: readonly ResourceJson[], full: boolean): Row[] {
  const kinds = [...new Set(others.map(({ kind }) => kind))]
  return kinds.flatMap((kind): Row[] => {
    const some = others.filter((r) => r.kind === kind)
    if (full || some.length <= MANY) return some.map(line)
    const by = [...new Set(some.map(({ learnt_by }) => learnt_by))].filter((name) => name !== undefined)
    const learnt = by.length ? `, learnt by ${by.join(', ')}` : ''
    return [['', `${OTHERS}${kind} entries: ${some.length}${learnt}; --full lists them`, '', 'line']]
  })
}

const whose = ({ others }: ResourceJson): string => (others ? ' (others’)' : '')

/** `10.0.0.7/24`, and if the lab did not set it, who did: `(by dhcp, limited lifetime)`. */
function addressText(r: ResourceJson, link: ResourceJson): string {
  const how = [
    ...(r.spec['origin'] === 'slaac' ? ['SLAAC'] : r.learnt_by === undefined ? [] : [`by ${r.learnt_by}`]),
    ...(r.spec['valid_lft'] === undefined ? [] : ['limited lifetime']),
  ]
  return `${r.id.slice(link.id.length + 1)}${how.length ? ` (${how.join(', ')})` : whose(r)}`
}

const stateOf = ({ spec }: ResourceJson): string => (spec['up'] === false ? ' (down)' : '')

/** What follows the kind in an id: `ns0/route/default` → `default`, `ns0/file/etc/motd` → `/etc/motd`. */
const subject = (id: string): string =>
  /^[^/]+\/(?:file|folder)(\/.*)$/.exec(id)?.[1] ??
  /\/(?:route|rule6?|neighbor|proxy|process|qdisc|sysctl)\/(.*)$/.exec(id)?.[1] ??
  nameOf(id)

const forwardings = { IPv4: 'net.ipv4.ip_forward', IPv6: 'net.ipv6.conf.all.forwarding' }
const isForwarding = ({ kind, spec }: ResourceJson): boolean =>
  kind === 'sysctl' && Object.values(forwardings).includes(String(spec['key']))

/** `forwards`, `forwards IPv4`, of the resources of a namespace; undefined when it does not. */
export function forwards(list: readonly ResourceJson[]): string | undefined {
  const on = Object.entries(forwardings).flatMap(([family, key]) =>
    list.some(({ kind, spec }) => kind === 'sysctl' && spec['key'] === key && spec['value'] === '1') ? [family] : [],
  )
  return on.length === 2 ? 'forwards' : on.length ? `forwards ${on[0]}` : undefined
}

/** `── ns-router:veth0`, `── br0 of sw`, or what the interface is. */
function connection(
  { id, kind, namespace, spec }: Link<ResourceJson>,
  topology: Topology<ResourceJson>,
  full: boolean,
): string {
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
  return `${port}${kind}${on}${members.length ? `: ${foldNames(members, full)}` : ''}${size}`
}

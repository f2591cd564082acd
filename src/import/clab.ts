import { canonicalAddress, parseCidr, subnetOf } from '../model/cidr.ts'
import { isFields, type Fields } from '../model/fields.ts'
import { namespaceName } from '../language/valid-names.ts'
import { FORWARDING } from '../kinds/sysctl-lab.ts'
import { addressesAlone } from './short-forms.ts'
import { commandOfNode, type NodeDraft } from './clab-commands.ts'
import { linksOf, type ClabEnd, type ClabLink } from './clab-links.ts'
import { foreignFile, asList, type ForeignFile, type FromFile } from './foreign-file.ts'

const READ_OF_NODES = new Set(['kind', 'exec', 'network-mode', 'image', 'group', 'labels', 'mgmt-ipv4', 'mgmt-ipv6'])
/** Kinds of nodes that are plain Linux, and those that are a bridge. */
const BRIDGES = new Set(['bridge', 'ovs-bridge'])

/**
 * A lab with the nodes and links of a containerlab file. What `exec` says in words of `ip` and `sysctl` becomes addresses, routes and
 * settings. Throws a UserError for what it cannot read.
 */
export function fromClab(file: string, text: string): FromFile {
  const source = foreignFile(file, text)
  const { topology } = source.value
  if (!isFields(topology) || !isFields(topology['nodes'])) throw source.wrong(['topology'], `${file} has no nodes`)
  for (const key of Object.keys(source.value))
    if (!['name', 'topology', 'prefix'].includes(key)) source.leave([key], 'labs have no management network')
  for (const key of Object.keys(topology))
    if (!['nodes', 'links', 'kinds', 'defaults', 'groups'].includes(key))
      source.leave(['topology', key], 'netlab does not know it')
  const nodes = topology['nodes']
  const drafts = new Map<string, NodeDraft>()
  const namespaces: Record<string, Fields | null> = {}
  const kinds = new Map<string, string>()
  for (const name of Object.keys(nodes)) {
    const { kind, shares, draft } = nodeOf(source, topology, name)
    kinds.set(name, kind)
    drafts.set(name, draft)
    namespaces[name] = shares === undefined ? null : { shares }
  }
  const links = linksOf(source, topology['links'], kinds, drafts)
  const ended = new Set(links.flatMap(({ ends }) => ends.map(({ node, dev }) => `${node}:${dev}`)))
  for (const [name, draft] of drafts) {
    if (namespaces[name] !== null) continue
    if (BRIDGES.has(kinds.get(name) ?? '')) namespaces[name] = { bridges: { [name.slice(0, 15)]: null } }
    else namespaces[name] = fieldsOf(source, name, draft, (dev) => ended.has(`${name}:${dev}`))
  }
  return {
    lab: {
      name: labNameOf(source),
      description: `The topology of ${file.split('/').at(-1) ?? file}`,
      namespaces,
      links: links.map(({ ends }) => ({ endpoints: endpointsOf(ends, kinds, drafts) })),
      checks: links.flatMap((link, n) => checkOf(link, links.slice(n + 1), kinds, drafts)),
    },
    leftOut: source.leftOut,
  }
}

function nodeOf(source: ForeignFile, topology: Fields, name: string) {
  const path = ['topology', 'nodes', name]
  if (!namespaceName.test(name))
    throw source.wrong(path, `no namespace can be called "${name}"`, 'Give the node another name.')
  const own = (topology['nodes'] as Fields)[name]
  const given = isFields(own) ? own : {}
  const defaults = isFields(topology['defaults']) ? topology['defaults'] : {}
  const kind = String(given['kind'] ?? defaults['kind'] ?? 'linux')
  const ofKind = isFields(topology['kinds']) && isFields(topology['kinds'][kind]) ? topology['kinds'][kind] : {}
  for (const key of Object.keys(given))
    if (!READ_OF_NODES.has(key)) source.leave([...path, key], 'it is about the program or its files')
    else if (key.startsWith('mgmt-')) source.leave([...path, key], 'labs have no management network')
    else if (key === 'image') source.leave([...path, key], 'programs are not part of a lab')
  if (kind !== 'linux' && kind !== 'host' && !BRIDGES.has(kind))
    source.leave([...path, 'kind'], `a node of kind ${kind} is a plain namespace here, without its system`)
  const draft: NodeDraft = { interfaces: {}, routes: [], sysctls: {} }
  const exec: [(string | number)[], unknown][] = [
    ...asList(defaults['exec']).map((one, n): [(string | number)[], unknown] => [
      ['topology', 'defaults', 'exec', n],
      one,
    ]),
    ...asList(ofKind['exec']).map((one, n): [(string | number)[], unknown] => [
      ['topology', 'kinds', kind, 'exec', n],
      one,
    ]),
    ...asList(given['exec']).map((one, n): [(string | number)[], unknown] => [[...path, 'exec', n], one]),
  ]
  for (const [place, command] of exec) {
    const why = commandOfNode(String(command), draft)
    if (why !== undefined) source.leave(place, why)
  }
  return { kind, shares: sharesOf(source, topology, name, given['network-mode']), draft }
}

function sharesOf(source: ForeignFile, topology: Fields, name: string, mode: unknown): string | undefined {
  if (mode === undefined || mode === 'none' || mode === 'bridge') return undefined
  const [, other = ''] = /^container:(.+)$/.exec(String(mode)) ?? []
  if (Object.hasOwn(topology['nodes'] as Fields, other) && other !== name) return other
  source.leave(
    ['topology', 'nodes', name, 'network-mode'],
    `there is no node ${other || String(mode)} in the file: it has a network of its own`,
  )
  return undefined
}

function endpointsOf(
  ends: readonly ClabEnd[],
  kinds: ReadonlyMap<string, string>,
  drafts: ReadonlyMap<string, NodeDraft>,
) {
  const entries = ends.map(({ node, dev, mac }) => {
    if (BRIDGES.has(kinds.get(node) ?? '')) {
      const { mtu } = drafts.get(node)?.interfaces[dev] ?? {}
      return [`${node}:${node.slice(0, 15)}`, mtu === undefined ? null : { mtu }] as const
    }
    const settings = { ...drafts.get(node)?.interfaces[dev], ...(mac !== undefined && { mac }) }
    return [`${node}:${dev}`, Object.keys(settings).length ? addressesAlone(settings) : null] as const
  })
  return entries.every(([, value]) => value === null) && new Set(entries.map(([end]) => end)).size === 2
    ? entries.map(([end]) => end)
    : Object.fromEntries(entries)
}

/** What a namespace has besides the ends of its links. */
function fieldsOf(
  source: ForeignFile,
  name: string,
  { interfaces, routes, sysctls }: NodeDraft,
  isEnd: (dev: string) => boolean,
): Fields | null {
  const apart = Object.entries(interfaces).filter(([dev, settings]) => {
    if (isEnd(dev)) return false
    if (dev === 'lo' || settings.type !== undefined) return true
    source.leave(
      ['topology', 'nodes', name, 'exec'],
      `${dev} is not an interface of the file: its settings are left out`,
    )
    return false
  })
  const left = routes.filter(({ dev, via }) => {
    const known = typeof dev !== 'string' || dev === 'lo' || isEnd(dev) || interfaces[dev]?.type !== undefined
    const reached =
      typeof via !== 'string' ||
      isReached(
        via,
        Object.entries(interfaces)
          .filter(([one]) => isEnd(one))
          .flatMap(([, { addresses = [] }]) => addresses),
      )
    if (!known || !reached)
      source.leave(
        ['topology', 'nodes', name, 'exec'],
        `the route by ${String(via ?? dev)} leads to no link of the file`,
      )
    return known && reached
  })
  const { [FORWARDING[0]]: v4, [FORWARDING[1]]: v6, ...others } = sysctls
  const forwarding = v4 === '1' ? (v6 === '1' ? true : 'ipv4') : v6 === '1' ? 'ipv6' : undefined
  const fields = {
    ...(forwarding !== undefined && { forwarding }),
    ...(Object.keys(others).length > 0 && { sysctls: others }),
    ...(apart.length > 0 && {
      interfaces: Object.fromEntries(apart.map(([dev, settings]) => [dev, addressesAlone(settings)])),
    }),
    ...(left.length > 0 && { routes: left }),
  }
  return Object.keys(fields).length ? fields : null
}

/** Whether a gateway is in a subnet of these addresses. */
const isReached = (via: string, addresses: readonly string[]): boolean =>
  addresses.some((address) => {
    const cidr = parseCidr(address)
    const gateway = canonicalAddress(via)
    return (
      cidr &&
      gateway !== undefined &&
      cidr.family === (gateway.includes(':') ? 6 : 4) &&
      subnetOf({ ...cidr, address: gateway }) === subnetOf(cidr)
    )
  })

/**
 * A check of a link: its ends, or the next ones of a bridge, reach each other where they have addresses of one subnet. Otherwise the
 * link is up.
 */
function checkOf(
  { ends }: ClabLink,
  later: readonly ClabLink[],
  kinds: ReadonlyMap<string, string>,
  drafts: ReadonlyMap<string, NodeDraft>,
): Fields[] {
  const isBridge = ({ node }: ClabEnd): boolean => BRIDGES.has(kinds.get(node) ?? '')
  const addresses = ({ node, dev }: ClabEnd): readonly string[] => drafts.get(node)?.interfaces[dev]?.addresses ?? []
  const [one, ...more] = ends.filter((end) => !isBridge(end))
  const bridge = ends.find(isBridge)
  if (!one) return []
  const others = bridge
    ? later.flatMap((link) =>
        link.ends.some(({ node }) => node === bridge.node) ? link.ends.filter((end) => !isBridge(end)) : [],
      )
    : more
  for (const other of others)
    for (const mine of addresses(one))
      for (const theirs of addresses(other)) {
        const [a, b] = [parseCidr(mine), parseCidr(theirs)]
        if (a && b && subnetOf(a) === subnetOf(b))
          return [{ name: `${one.node} reaches ${other.node}`, from: one.node, ping: b.address }]
      }
  if (ends.some(({ node, dev }) => drafts.get(node)?.interfaces[dev]?.up === false)) return []
  const isUp = 'ip -o link show dev "$0" up | grep -q LOWER_UP'
  return [{ name: `${one.node}:${one.dev} is up`, from: one.node, run: ['sh', '-c', isUp, one.dev] }]
}

const labNameOf = ({ value, file }: ForeignFile): string => {
  const name = String(
    value['name'] ??
      file
        .split('/')
        .at(-1)
        ?.replace(/(\.clab)?\.ya?ml$/, ''),
  )
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 32)
  return name === '' ? 'clab' : name
}

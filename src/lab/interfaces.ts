import { createHash } from 'node:crypto'
import { bridge as bridgeType } from '../kinds/bridge.ts'
import { addressId, primaries } from '../kinds/address.ts'
import { linkTypes } from '../kinds/types.ts'
import { formatCidr, parseCidr, subnetOf } from '../model/cidr.ts'
import type { LinkSpec, LinkType } from '../model/link.ts'
import { linkId, nameOf, namespaceOf, type Resource } from '../model/resource.ts'
import type { Expansion } from './context.ts'
import type { LinkFile, Settings, Shorthand } from './file.ts'
import { impairmentSpec } from './impairments.ts'
import { interfaceName, reservedInterfaces } from './names.ts'
import { pathText, suggest } from './report.ts'
import type { Path } from './source.ts'
import { expandVlans, vlanSettings } from './vlans.ts'

/** An interface as the file has it: its settings, and where each of them is written. */
interface Draft {
  readonly id: string
  readonly type: LinkType
  readonly path: Path
  readonly on: 'key' | 'value'
  readonly settings: Record<string, { readonly value: unknown; readonly path: Path }>
  peer?: string
}

const types = new Map(linkTypes.map((type) => [type.name, type]))
const typeOf = (name: string): LinkType => types.get(name) ?? bridgeType
/** Settings that are no field of a type and no setting of `ip link`. */
const elsewhere = new Set(['addresses', 'type', 'link', 'bridge', 'master', 'impairments', ...vlanSettings])

/** The long form of a CIDR, a list of CIDRs, or settings. */
const longForm = (value: Shorthand): Settings =>
  value === null || value === undefined
    ? {}
    : typeof value === 'string'
      ? { addresses: [value] }
      : Array.isArray(value)
        ? { addresses: value }
        : (value as Settings)

/** Every interface of the lab: lo, those with a type, bridges, ends of links; with its addresses and impairments. */
export function expandInterfaces(x: Expansion): void {
  const drafts = new Map<string, Draft>()
  const { namespaces, links = [] } = x.file
  for (const [namespace, fields] of Object.entries(namespaces)) {
    const home = ['namespaces', namespace]
    if (!fields?.root && !fields?.shares)
      drafts.set(linkId(namespace, 'lo'), {
        id: linkId(namespace, 'lo'),
        type: typeOf('loopback'),
        path: home,
        on: 'key',
        settings: {},
      })
    for (const [name, value] of Object.entries(fields?.bridges ?? {}))
      draft(x, drafts, linkId(namespace, name), bridgeType, [...home, 'bridges', name], value)
    for (const [name, value] of Object.entries(fields?.interfaces ?? {})) {
      const type = longForm(value)['type']
      if (type !== undefined)
        draft(x, drafts, linkId(namespace, name), typeOf(String(type)), [...home, 'interfaces', name], value)
    }
  }
  const bridges = new Set([...drafts.values()].filter(({ type }) => type === bridgeType).map(({ id }) => id))
  links.forEach((link, i) => cable(x, drafts, bridges, link, ['links', i]))
  for (const [namespace, fields] of Object.entries(namespaces))
    for (const [name, value] of Object.entries(fields?.interfaces ?? {}))
      if (longForm(value)['type'] === undefined)
        merge(x, drafts, linkId(namespace, name), ['namespaces', namespace, 'interfaces', name], value)
  finish(x, drafts)
}

function draft(
  x: Expansion,
  drafts: Map<string, Draft>,
  id: string,
  type: LinkType,
  path: Path,
  value: Shorthand,
): Draft | undefined {
  if (!nameFits(x, nameOf(id), path)) return undefined
  const first = drafts.get(id)
  if (first) {
    const what = first.path[0] === 'links' || path[0] === 'links' ? 'the end of another link' : 'declared'
    x.report.error(
      path,
      `${id.replace('/', ':')} is already ${what} (line ${x.report.position(first.path, first.on).line})`,
      'An interface has one cable. Choose another name.',
      'key',
    )
    return undefined
  }
  const made: Draft = { id, type, path, on: 'key', settings: {} }
  drafts.set(id, made)
  take(x, made, longForm(value), path, Array.isArray(value) || typeof value === 'string')
  return made
}

function nameFits(x: Expansion, name: string, path: Path): boolean {
  if (interfaceName.test(name) && !reservedInterfaces.includes(name)) return true
  const bytes = Buffer.byteLength(name)
  const why =
    bytes > 15
      ? `it has ${bytes} bytes, and the kernel takes at most 15`
      : 'use letters, digits, _ . and -, and begin with a letter or digit'
  x.report.error(
    path,
    `"${name}" cannot be the name of an interface`,
    `${why[0]?.toUpperCase()}${why.slice(1)}.`,
    'key',
  )
  return false
}

/** Takes settings over; the same setting in two places is an error. */
function take(x: Expansion, made: Draft, settings: Settings, path: Path, short = false): void {
  for (const [name, value] of Object.entries(settings)) {
    const where = short ? path : [...path, name]
    const first = made.settings[name]
    if (first)
      x.report.error(
        where,
        `${pathText(where)}: ${name} of ${made.id.replace('/', ':')} is already given on line ${x.report.position(first.path).line}`,
        'Say it in one place.',
      )
    else made.settings[name] = { value, path: where }
  }
}

function merge(x: Expansion, drafts: Map<string, Draft>, id: string, path: Path, value: Shorthand): void {
  const made = drafts.get(id)
  if (made?.type === bridgeType)
    return x.report.error(path, `${nameOf(id)} is a bridge`, 'Its settings belong under bridges.', 'key')
  if (made) return take(x, made, longForm(value), path, Array.isArray(value) || typeof value === 'string')
  const here = [...drafts.keys()].filter((other) => namespaceOf(other) === namespaceOf(id)).map(nameOf)
  x.report.error(
    path,
    `no link ends in ${id.replace('/', ':')}, and it has no type`,
    suggest(nameOf(id), here) ?? 'An interface exists because a link ends in it, or because it has a `type`.',
    'key',
  )
}

interface End {
  readonly namespace: string
  readonly name: string
  readonly path: Path
  readonly on: 'key' | 'value'
  readonly value: Shorthand
}

function cable(
  x: Expansion,
  drafts: Map<string, Draft>,
  bridges: ReadonlySet<string>,
  link: LinkFile,
  path: Path,
): void {
  const { endpoints } = link
  const listed = Array.isArray(endpoints)
  const written: [string, Shorthand, Path][] = listed
    ? endpoints.map((end: string, i) => [end, null, [...path, 'endpoints', i]])
    : Object.entries(endpoints as Record<string, Shorthand>).map(([end, value]) => [
        end,
        value,
        [...path, 'endpoints', end],
      ])
  if (written.length !== 2)
    return x.report.error(
      [...path, 'endpoints'],
      `a link has two ends, this one has ${written.length}`,
      'More than two hosts share a bridge: give each its own link to it.',
    )
  const ends = written.flatMap(([text, value, where]) => end(x, text, value, where, listed ? 'value' : 'key') ?? [])
  const [a, b] = ends
  if (!a || !b) return
  if (a.namespace === b.namespace && a.name === b.name)
    return x.report.error(b.path, 'both ends are the same interface', undefined, b.on)
  const id = (e: End): string => linkId(e.namespace, e.name)
  const port = (e: End, other: End): string => (bridges.has(id(e)) ? portName(drafts, e, other) : id(e))
  const ids = [port(a, b), port(b, a)] as const
  const made = (
    [
      [a, ids[0], ids[1]],
      [b, ids[1], ids[0]],
    ] as const
  ).map(([e, own, peer]) => {
    const one = draft(x, drafts, own, typeOf('veth'), e.path, e.value)
    if (!one) return undefined
    one.peer = peer
    const short = typeof e.value === 'string' || Array.isArray(e.value)
    if (own !== id(e)) {
      const addresses = one.settings['addresses']
      if (addresses) {
        x.report.error(
          addresses.path,
          `${id(e).replace('/', ':')} is a bridge: this end is a port of it`,
          `A port has no addresses. Put them under namespaces.${e.namespace}.bridges.${e.name}.addresses.`,
        )
        delete one.settings['addresses']
      }
      one.settings['bridge'] = { value: e.name, path: short ? e.path : e.path }
    }
    for (const name of ['mtu', 'impairments'] as const)
      if (link[name] !== undefined) take(x, one, { [name]: link[name] }, path)
    return one
  })
  void made
}

function end(x: Expansion, text: string, value: Shorthand, path: Path, on: 'key' | 'value'): End | undefined {
  const colon = text.indexOf(':')
  if (colon <= 0 || colon === text.length - 1)
    return void x.report.error(
      path,
      `"${text}" is no end of a link`,
      'An end is NAMESPACE:INTERFACE, such as ns0:veth0.',
      on,
    )
  const [namespace, name] = [text.slice(0, colon), text.slice(colon + 1)]
  const { namespaces } = x.file
  if (!Object.hasOwn(namespaces, namespace))
    return void x.report.error(
      path,
      `there is no namespace ${namespace}`,
      suggest(namespace, Object.keys(namespaces)) ?? `There are: ${Object.keys(namespaces).join(', ')}.`,
      on,
    )
  const shares = namespaces[namespace]?.shares
  if (shares !== undefined)
    return void x.report.error(path, `${namespace} is a second name of ${shares}`, `Write ${shares}:${name}.`, on)
  return { namespace, name, path, on, value }
}

/** The kernel's limit, in bytes. */
const LONGEST = 15

/**
 * The name of a bridge's port: the other end's, so that it depends on nothing else. One that is too long is cut and gets
 * a hash. Parallel cables between two bridges are counted.
 */
function portName(drafts: ReadonlyMap<string, Draft>, bridge: End, other: End): string {
  const full = `${other.namespace}~${other.name}`
  for (let n = 1; ; n++) {
    const wanted = n === 1 ? full : `${full}~${n}`
    const digest = createHash('sha256').update(wanted).digest('hex').slice(0, 6)
    const id = linkId(bridge.namespace, wanted.length <= LONGEST ? wanted : `${wanted.slice(0, 8)}~${digest}`)
    if (!drafts.has(id)) return id
  }
}

/** Drafts → resources. Lower devices, masters and MTUs are resolved when all interfaces are known. */
function finish(x: Expansion, drafts: ReadonlyMap<string, Draft>): void {
  const specs = new Map<string, LinkSpec>()
  for (const made of drafts.values()) specs.set(made.id, specOf(x, made, drafts))
  const mtuOf = (id: string, depth = 0): number | undefined => {
    const [spec, made] = [specs.get(id), drafts.get(id)]
    if (!spec || !made || depth > 8) return undefined
    return spec.mtu ?? made.type.mtu(spec.link === undefined ? undefined : mtuOf(spec.link, depth + 1), spec)
  }
  for (const { id, type, path, on, settings } of drafts.values()) {
    const namespace = namespaceOf(id)
    const mtu = mtuOf(id)
    const { mtu: _, ...spec } = specs.get(id) ?? { up: true }
    x.add({ id, kind: type.name, namespace, spec: { ...(mtu !== undefined && { mtu }), ...spec } }, path, on)
    addresses(x, id, settings['addresses'])
    expandVlans(x, id, settings['pvid'], settings['vlans'])
    const impairments = settings['impairments']
    if (impairments) {
      const wanted = impairmentSpec(x.report, impairments.value as Settings, impairments.path)
      if (wanted)
        x.add(
          { id: `${id}/qdisc`, kind: 'qdisc', namespace, spec: { dev: nameOf(id), ...wanted } },
          impairments.path,
          'key',
        )
    }
  }
}

const macForm = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/

function specOf(x: Expansion, made: Draft, drafts: ReadonlyMap<string, Draft>): LinkSpec {
  const { id, type, settings, peer } = made
  const namespace = namespaceOf(id)
  const spec: Record<string, unknown> = { up: true, ...(peer !== undefined && { peer }) }
  for (const [name, { value, path }] of Object.entries(settings)) {
    if (elsewhere.has(name)) continue
    const field = type.fields[name]
    if (field?.apart) continue
    if (field) {
      const wrong = field.wrong?.(value)
      if (wrong !== undefined) x.report.error(path, wrong)
      const normal = field.normal ? field.normal(value) : value
      if (normal !== field.fallback) spec[name] = normal
    } else if (
      linkTypes.some(({ fields }) => name in fields) &&
      !['mtu', 'mac', 'up', 'alias', 'txqueuelen', 'arp', 'promisc'].includes(name)
    )
      x.report.error(
        path,
        `a ${type.name} has no ${name}`,
        `Its fields are: ${Object.keys(type.fields).join(', ') || 'none of its own'}.`,
        'key',
      )
    else if (name === 'mac') {
      const mac = String(value).toLowerCase()
      if (!macForm.test(mac))
        x.report.error(
          path,
          `"${String(value)}" is no MAC address`,
          'Six pairs of hexadecimal digits: 02:00:00:00:00:01.',
        )
      else if (Number.parseInt(mac.slice(0, 2), 16) & 1)
        x.report.error(path, `${mac} is a multicast address`, 'The first byte of an interface’s address is even: 02:…')
      else spec['mac'] = mac
    } else spec[name] = value
  }
  for (const [name, { initial }] of Object.entries(type.fields))
    if (initial !== undefined && settings[name] === undefined) spec[name] = initial
  for (const field of ['id', 'table'])
    if (field in type.fields && type.fields[field]?.fallback === undefined && settings[field] === undefined)
      x.report.error(made.path, `a ${type.name} needs ${field}`, type.example, 'key')
  const lower = settings['link']
  if (lower && !type.lower) x.report.error(lower.path, `a ${type.name} has no lower device`, undefined, 'key')
  else if (lower) {
    const found = lowerId(x, namespace, String(lower.value), lower.path, drafts)
    if (found !== undefined) spec['link'] = found
  } else if (type.lower === 'required')
    x.report.error(made.path, `a ${type.name} needs link, its lower device`, type.example, 'key')
  const master = settings['bridge'] ?? settings['master']
  if (master) {
    const target = linkId(namespace, String(master.value))
    const bridgeLike = drafts.get(target)
    const isBridge = bridgeLike?.type === bridgeType
    if (!bridgeLike?.type.hasPorts || (settings['bridge'] && !isBridge)) {
      const here = [...drafts.values()]
        .filter((d) => namespaceOf(d.id) === namespace && d.type.hasPorts)
        .map((d) => nameOf(d.id))
      x.report.error(
        master.path,
        `there is no ${settings['bridge'] ? 'bridge' : 'VRF or bridge'} ${String(master.value)} in ${namespace}`,
        suggest(String(master.value), here) ??
          (here.length ? `There are: ${here.join(', ')}.` : `Declare it under namespaces.${namespace}.bridges.`),
      )
    } else if (target === id) x.report.error(master.path, 'an interface cannot be a port of itself')
    else spec['master'] = String(master.value)
  }
  return spec as LinkSpec
}

function lowerId(
  x: Expansion,
  namespace: string,
  text: string,
  path: Path,
  drafts: ReadonlyMap<string, Draft>,
): string | undefined {
  const id = text.includes(':') ? text.replace(':', '/') : linkId(namespace, text)
  const home = namespaceOf(id)
  if (drafts.has(id)) return id
  // The machine's own devices are there without the lab.
  if (x.file.namespaces[home]?.root && interfaceName.test(nameOf(id))) return id
  const near = suggest(nameOf(id), [...drafts.keys()].filter((other) => namespaceOf(other) === home).map(nameOf))
  return void x.report.error(path, `there is no interface ${nameOf(id)} in ${home}`, near)
}

function addresses(x: Expansion, link: string, written: { value: unknown; path: Path } | undefined): void {
  if (!written) return
  const [namespace, dev] = [namespaceOf(link), nameOf(link)]
  const listed = Array.isArray(written.value) ? (written.value as string[]) : []
  // A bare CIDR in the short form has no index of its own.
  const pathOf = (i: number): Path => [...written.path, i]
  const parsed = listed.flatMap((text, i) => {
    const cidr = parseCidr(text)
    if (!cidr) {
      x.report.error(
        pathOf(i),
        `"${text}" is no address with a prefix length`,
        'Write it as 192.168.0.2/24 or fd00::2/64.',
      )
      return []
    }
    if (!text.includes('/'))
      x.report.warning(
        pathOf(i),
        `${text} has no prefix length: it is ${formatCidr(cidr)}, an address without a subnet`,
        'Write the subnet’s prefix length, such as /24.',
      )
    return [{ cidr, text: formatCidr(cidr), path: pathOf(i) }]
  })
  const earlier = primaries(parsed.map(({ text }) => text))
  for (const { cidr, text, path } of parsed) {
    hostAddress(x, cidr, path)
    const primary = earlier.get(text)
    const spec = { dev, address: text, family: cidr.family, ...(primary !== undefined && { primary }) }
    x.add({ id: addressId(namespace, dev, text), kind: 'address', namespace, spec } as Resource, path)
  }
}

/** Warns of addresses that are not a host's. */
function hostAddress(x: Expansion, cidr: NonNullable<ReturnType<typeof parseCidr>>, path: Path): void {
  if (cidr.family === 6 || cidr.prefix >= 31) return
  const network = subnetOf(cidr).split('/')[0]
  const last = cidr.address.split('.').reduce((n, part) => n * 256 + Number(part), 0)
  const hosts = 2 ** (32 - cidr.prefix)
  if (cidr.address === network)
    x.report.warning(
      path,
      `${formatCidr(cidr)} is the address of the network itself`,
      'A host needs another one of that subnet.',
    )
  else if (last % hosts === hosts - 1)
    x.report.warning(path, `${formatCidr(cidr)} is the broadcast address of its subnet`, 'A host needs another one.')
}

import { bridge as bridgeType } from '../kinds/links/bridge.ts'
import { isTaken } from '../kinds/links/fallbacks.ts'
import { linkTypes } from '../kinds/links/link-types.ts'
import type { LinkType } from '../model/link-type.ts'
import { nameOf, namespaceOf } from '../model/resource.ts'
import { ownerText, type Expansion } from './expansion.ts'
import type { Settings, Shorthand } from './lab-file.ts'
import { interfaceName, reservedInterfaces } from './valid-names.ts'
import { pathText, suggest } from './report.ts'
import type { Path } from './yaml/source.ts'
import { vlanSettings } from './expand-vlans.ts'
import { ethtoolSettings } from './expand-ethtool.ts'

/** An interface of the file: its settings, and the path of each. */
export interface Draft {
  readonly id: string
  readonly type: LinkType
  readonly path: Path
  readonly on: 'key' | 'value'
  readonly settings: Record<string, { readonly value: unknown; readonly path: Path }>
  peer?: string
}

const types = new Map(linkTypes.map((type) => [type.name, type]))
export const typeOf = (name: string): LinkType => types.get(name) ?? bridgeType
/** Settings that are no field of a type and no setting of `ip link`. */
export const elsewhere = new Set([
  'addresses',
  'existing',
  'type',
  'link',
  'bridge',
  'master',
  'impairments',
  'ingress',
  'qdiscs',
  ...vlanSettings,
  ...ethtoolSettings,
  'fdb',
  'mdb',
])

/** The long form of a CIDR, a list of CIDRs, or settings. */
export const longForm = (value: Shorthand): Settings =>
  value === null || value === undefined
    ? {}
    : typeof value === 'string'
      ? { addresses: [value] }
      : Array.isArray(value)
        ? { addresses: value }
        : (value as Settings)

/** The settings, with what short forms stand for in place of these. */
export function spelledOut(x: Expansion, { type, settings }: Draft): Draft['settings'] {
  const short = Object.keys(settings).filter((name) => type.fields[name]?.standsFor)
  if (short.length === 0) return settings
  const { report } = x
  const result = { ...settings }
  for (const name of short)
    for (const long of type.fields[name]?.standsFor ?? []) {
      const { [name]: said, [long]: twice } = settings
      if (twice)
        report.error('given-twice', twice.path, `${name} already sets this`, 'Leave one of the two out.', 'key')
      else if (said) result[long] = said
    }
  for (const name of short) delete result[name]
  return result
}

export function draft(
  x: Expansion,
  drafts: Map<string, Draft>,
  id: string,
  type: LinkType,
  path: Path,
  value: Shorthand,
): Draft | undefined {
  if (!nameFits(x, nameOf(id), path)) return undefined
  if (isTaken(nameOf(id), type.name))
    return void x.report.error(
      'bad-name',
      path,
      `${nameOf(id)} is the kernel’s own`,
      'The kernel creates it in every namespace as soon as a tunnel exists. Choose another name.',
      'key',
    )
  const first = drafts.get(id)
  if (first) {
    const isCable = first.path[0] === 'links'
    const [what, why] = first.type.builtin
      ? ['the loopback interface', 'The kernel creates it. Choose another name.']
      : [
          `already ${isCable ? 'the end of another link' : 'declared'} (${x.report.line(x.report.position(first.path, first.on))})`,
          isCable
            ? `An interface can have only one link. ${likelyBridge(drafts, id) ?? `Choose another name, or declare ${nameOf(id)} under namespaces.${namespaceOf(id)}.bridges if it is a bridge.`}`
            : 'Choose another name.',
        ]
    x.report.error('given-twice', path, `${id.replace('/', ':')} is ${what}`, why, 'key')
    return undefined
  }
  const made: Draft = { id, type, path, on: 'key', settings: {} }
  drafts.set(id, made)
  take(x, made, longForm(value), path, Array.isArray(value) || typeof value === 'string')
  return made
}

/** The question whether a bridge of the namespace with a similar name is meant; undefined when there is none. */
export function likelyBridge(drafts: ReadonlyMap<string, Draft>, id: string): string | undefined {
  const [name, namespace] = [nameOf(id), namespaceOf(id)]
  // Names that begin with another letter, as lan and wan, are seldom the same name.
  const names = [...drafts.values()].flatMap((other) =>
    other.type === bridgeType && namespaceOf(other.id) === namespace && nameOf(other.id)[0] === name[0]
      ? [nameOf(other.id)]
      : [],
  )
  return suggest(name, names)?.replace('mean', 'mean the bridge')
}

function nameFits(x: Expansion, name: string, path: Path): boolean {
  if (interfaceName.test(name) && !reservedInterfaces.includes(name)) return true
  const bytes = Buffer.byteLength(name)
  const why =
    bytes > 15
      ? `it has ${bytes} bytes, and the kernel takes at most 15`
      : 'use letters, digits, _ . and -, and begin with a letter or digit'
  x.report.error(
    'bad-name',
    path,
    `"${name}" cannot be the name of an interface`,
    `${why[0]?.toUpperCase()}${why.slice(1)}.`,
    'key',
  )
  return false
}

/** Adds settings to a draft; the same setting in two places is an error. */
export function take(x: Expansion, made: Draft, settings: Settings, path: Path, short = false): void {
  for (const [name, value] of Object.entries(settings)) {
    const where = short ? path : [...path, name]
    const first = made.settings[name]
    if (first)
      x.report.error(
        'given-twice',
        where,
        `${pathText(where)}: ${name} of ${made.id.replace('/', ':')} is already given on ${x.report.line(x.report.position(first.path))}`,
        'Leave one of them out.',
      )
    else made.settings[name] = { value, path: where }
  }
}

export function merge(x: Expansion, drafts: Map<string, Draft>, id: string, path: Path, value: Shorthand): void {
  const made = drafts.get(id)
  if (made?.type === bridgeType)
    return x.report.error('given-twice', path, `${nameOf(id)} is a bridge`, 'Its settings belong under bridges.', 'key')
  if (made) return take(x, made, longForm(value), path, Array.isArray(value) || typeof value === 'string')
  if (x.borrowed(namespaceOf(id)))
    return x.report.error(
      'not-the-labs',
      path,
      `${nameOf(id)} would belong to ${ownerText(x, namespaceOf(id))}, and a lab does not change it`,
      'In a namespace that it does not own, a lab can declare ends of links, bridges and interfaces with a `type`. To use an existing interface, write existing: true.',
      'key',
    )
  const here = (): string[] => [...drafts.keys()].filter((o) => namespaceOf(o) === namespaceOf(id)).map(nameOf)
  x.report.error(
    'unknown-reference',
    path,
    `no link ends in ${id.replace('/', ':')}, and it has no type`,
    () => suggest(nameOf(id), here()) ?? 'An interface exists because a link ends in it, or because it has a `type`.',
    'key',
  )
}

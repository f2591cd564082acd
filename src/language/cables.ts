import { parseCidr } from '../model/cidr.ts'
import { sha256 } from '../model/digest.ts'
import { linkId, nameOf, namespaceOf } from '../model/resource.ts'
import type { Expansion } from './expansion.ts'
import type { LinkFile, Shorthand } from './lab-file.ts'
import { suggest } from './report.ts'
import type { Path } from './yaml/source.ts'
import { inQuotes } from './yaml/spot.ts'
import { draft, likelyBridge, take, typeOf, type Draft } from './drafts.ts'

/** What may stand beside `endpoints`, for both of them. */
const OF_BOTH_ENDS = ['mtu', 'up', 'impairments'] as const

interface End {
  readonly namespace: string
  readonly name: string
  readonly path: Path
  readonly on: 'key' | 'value'
  readonly value: Shorthand
}

export function cable(
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
  const glued = addressesInEnds(written)
  if (glued) return x.report.error('bad-link-end', glued.path, glued.summary, glued.detail, listed ? 'value' : 'key')
  if (written.length !== 2)
    return x.report.error(
      'bad-link-end',
      [...path, 'endpoints'],
      `a link has two ends, this one has ${written.length}`,
      written.length === 1 && /[\s,]/.test(written[0]?.[0] ?? '')
        ? 'A comma is missing between the ends.'
        : 'To connect more than two hosts, give each a link to one bridge.',
    )
  const ends = written.flatMap(([text, value, where]) => end(x, text, value, where, listed ? 'value' : 'key') ?? [])
  const [a, b] = ends
  if (!a || !b) return
  if (a.namespace === b.namespace && a.name === b.name)
    return x.report.error('bad-link-end', b.path, 'both ends are the same interface', undefined, b.on)
  const id = (e: End): string => linkId(e.namespace, e.name)
  const port = (e: End, other: End): string => (bridges.has(id(e)) ? portName(drafts, e, other) : id(e))
  const ids = [port(a, b), port(b, a)] as const
  for (const [e, own, peer] of [
    [a, ids[0], ids[1]],
    [b, ids[1], ids[0]],
  ] as const) {
    const one = draft(x, drafts, own, typeOf('veth'), e.path, e.value)
    if (!one) continue
    one.peer = peer
    if (one.settings['type'])
      x.report.error(
        'bad-link-end',
        one.settings['type'].path,
        'the end of a link is a veth, so it cannot have a type',
        `Declare an interface with a type under namespaces.${e.namespace}.interfaces instead.`,
        'key',
      )
    if (own !== id(e)) {
      const addresses = one.settings['addresses']
      if (addresses) {
        x.report.error(
          'bad-link-end',
          addresses.path,
          `${id(e).replace('/', ':')} is a bridge, so this end is a port of the bridge`,
          `A port has no addresses. Put them under namespaces.${e.namespace}.bridges.${e.name}.addresses.`,
        )
        delete one.settings['addresses']
      }
      one.settings['bridge'] = { value: e.name, path: e.path }
    }
    for (const name of OF_BOTH_ENDS) if (link[name] !== undefined) take(x, one, { [name]: link[name] }, path)
  }
}

/** The first end such as `h1:eth0:10.0.0.2/24`, with what to write. */
function addressesInEnds(
  written: readonly (readonly [string, Shorthand, Path])[],
): { readonly path: Path; readonly summary: string; readonly detail: string } | undefined {
  const parts = written.map(([text, , path]) => ({ text, path, parts: /^([^:\s]+:[^:\s]+)[:\s]\s*(\S+)$/.exec(text) }))
  const first = parts.find((end) => end.parts && parseCidr(end.parts[2] ?? ''))
  if (!first) return undefined
  const ends = parts.map(({ text, parts: found }) => {
    const [, end, cidr = ''] = found ?? []
    return end === undefined ? `${text}: ` : `${end}: ${cidr.includes(':') ? inQuotes(cidr) : cidr}`
  })
  return {
    path: first.path,
    summary: `the address ${first.parts?.[2]} is not part of the end’s name`,
    detail: `Ends with addresses are a map: endpoints: { ${ends.join(', ')} }.`,
  }
}

function end(x: Expansion, text: string, value: Shorthand, path: Path, on: 'key' | 'value'): End | undefined {
  const colon = text.indexOf(':')
  if (colon <= 0 || colon === text.length - 1)
    return void x.report.error(
      'bad-link-end',
      path,
      `"${text}" is not an end of a link`,
      Object.hasOwn(x.file.namespaces, text)
        ? `Name the interface, too: ${text}:eth0.`
        : 'An end is NAMESPACE:INTERFACE, such as ns0:veth0.',
      on,
    )
  const [namespace, name] = [text.slice(0, colon), text.slice(colon + 1)]
  const { namespaces } = x.file
  if (!Object.hasOwn(namespaces, namespace))
    return void x.report.error(
      'unknown-reference',
      path,
      `there is no namespace ${namespace}`,
      () => suggest(namespace, Object.keys(namespaces)) ?? `There are: ${Object.keys(namespaces).join(', ')}.`,
      on,
    )
  if (name === 'lo')
    return void x.report.error(
      'bad-link-end',
      path,
      'a link cannot end in lo',
      'Every namespace has its own lo. Choose another name.',
      on,
    )
  const shares = namespaces[namespace]?.shares
  if (shares !== undefined)
    return void x.report.error(
      'second-name',
      path,
      `${namespace} is a second name of ${shares}`,
      `Write ${shares}:${name}.`,
      on,
    )
  return { namespace, name, path, on, value }
}

/**
 * Warns of unused ends of links with a name similar to that of a bridge in their namespace: the bridge itself may be meant.
 */
export function warnOfMistypedBridges(x: Expansion, drafts: ReadonlyMap<string, Draft>): void {
  const given = new Set<string>(OF_BOTH_ENDS)
  const suspects = [...drafts.values()].flatMap((one) => {
    const bare = one.path[0] === 'links' && Object.keys(one.settings).every((name) => given.has(name))
    const likely = bare ? likelyBridge(drafts, one.id) : undefined
    return likely === undefined ? [] : [{ ...one, likely }]
  })
  if (suspects.length === 0) return
  const used = new Set([...x.resources.values()].map(({ spec }) => spec['link']))
  for (const { id, path, on, likely } of suspects)
    if (!used.has(id) && !Object.hasOwn(x.file.namespaces[namespaceOf(id)]?.interfaces ?? {}, nameOf(id)))
      x.report.warning(
        'no-bridge',
        path,
        `${id.replace('/', ':')} is not a bridge: the link ends in an interface of its own`,
        likely,
        on,
      )
}

/** The longest name of an interface, in bytes. */
const LONGEST = 15

/** The name for an interface, cut and with a hash of the whole if that is too long. */
export const interfaceNameFrom = (wanted: string): string =>
  wanted.length <= LONGEST ? wanted : `${wanted.slice(0, 8)}~${sha256(wanted).slice(0, 6)}`

/** The name of a bridge's port, made from the other end alone. Parallel cables between two bridges are numbered. */
function portName(drafts: ReadonlyMap<string, Draft>, bridge: End, other: End): string {
  const full = `${other.namespace}~${other.name}`
  for (let n = 1; ; n++) {
    const wanted = n === 1 ? full : `${full}~${n}`
    const id = linkId(bridge.namespace, interfaceNameFrom(wanted))
    if (!drafts.has(id)) return id
  }
}

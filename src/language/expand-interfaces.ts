import { bridge as bridgeType } from '../kinds/links/bridge.ts'
import { badMac, isGroupMac, isMac } from '../kinds/lab-entry.ts'
import { counts } from '../kinds/links/bundle.ts'
import { largeMtus } from '../kinds/links/large-mtus.ts'
import { portFields } from '../kinds/links/port.ts'
import { settingsOf } from '../kinds/settings.ts'
import type { LinkSpec } from '../model/link-type.ts'
import { linkId, nameOf, namespaceOf } from '../model/resource.ts'
import type { Expansion } from './expansion.ts'
import { expandEthtool } from './expand-ethtool.ts'
import { expandFdb } from './expand-fdb.ts'
import { expandMdb } from './expand-mdb.ts'
import { interfaceName } from './valid-names.ts'
import { suggest } from './report.ts'
import type { Path } from './yaml/source.ts'
import { byDestination, expandImpairments, hostsByNamespace } from './expand-impairments.ts'
import { expandIngress, receiver } from './expand-ingress.ts'
import { expandQdiscs } from './expand-qdiscs.ts'
import { expandVlans } from './expand-vlans.ts'
import { addresses } from './addresses.ts'
import { asPort, bundleOfDraft, isMaster, portOfBundle, takers } from './masters.ts'
import { draft, elsewhere, longForm, merge, spelledOut, typeOf, type Draft } from './drafts.ts'
import { addExisting, expandExisting, isExisting, machines, portMac } from './expand-existing.ts'
import { cable, warnOfMistypedBridges } from './cables.ts'

/** Every interface of the lab: lo, those with a type, bridges, ends of links; with its addresses and impairments. */
export function expandInterfaces(x: Expansion): void {
  const drafts = new Map<string, Draft>()
  const { namespaces, links = [] } = x.file
  for (const [namespace, fields] of Object.entries(namespaces)) {
    const home = ['namespaces', namespace]
    if (!x.borrowed(namespace) && !fields?.shares)
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
      else if (longForm(value)['existing'] !== undefined)
        draft(x, drafts, linkId(namespace, name), machines, [...home, 'interfaces', name], value)
    }
  }
  const bridges = new Set([...drafts.values()].filter(({ type }) => type === bridgeType).map(({ id }) => id))
  links.forEach((link, i) => cable(x, drafts, bridges, link, ['links', i]))
  for (const [namespace, fields] of Object.entries(namespaces))
    for (const [name, value] of Object.entries(fields?.interfaces ?? {}))
      if (longForm(value)['type'] === undefined && longForm(value)['existing'] === undefined)
        merge(x, drafts, linkId(namespace, name), ['namespaces', namespace, 'interfaces', name], value)
  for (const made of [...drafts.values()]) receiver(x, drafts, made)
  finish(x, drafts)
  fit(x, drafts)
  warnOfMistypedBridges(x, drafts)
}

/** Reports MTUs that the kernel refuses. */
function fit({ resources, report }: Expansion, drafts: ReadonlyMap<string, Draft>): void {
  for (const { link, lower, mtu, most } of largeMtus(resources)) {
    const { settings, path } = drafts.get(link.id)!
    report.error(
      'mtu-too-large',
      settings['mtu']?.path ?? path,
      `an MTU of ${mtu} does not fit on ${lower}, which leaves ${most}`,
      `Lower the mtu by ${mtu - most}, or raise that of ${lower}.`,
    )
  }
}

/** Turns drafts into resources. Lower devices, masters and MTUs can be resolved only when all interfaces are known. */
function finish(x: Expansion, drafts: ReadonlyMap<string, Draft>): void {
  const specs = new Map<string, LinkSpec>()
  for (const made of drafts.values()) specs.set(made.id, specOf(x, made, drafts))
  takers(x, drafts, specs)
  const mtuOf = (id: string, depth = 0): number | undefined => {
    const [spec, made] = [specs.get(id), drafts.get(id)]
    if (!spec || !made || depth > 8) return undefined
    const lower = spec.link === undefined ? undefined : mtuOf(spec.link, depth + 1)
    // On a lower device of the machine, whose MTU the lab does not know, the kernel decides.
    const unknown = spec.link !== undefined && lower === undefined
    const bundle = bundleOfDraft(made, drafts)
    if (bundle !== undefined) return mtuOf(bundle, depth + 1)
    return spec.mtu ?? (unknown ? undefined : made.type.mtu(lower, spec, drafts.get(spec.link ?? '')?.type.name))
  }
  const ports = new Map<string, number>()
  for (const [id, { master }] of specs)
    if (master !== undefined) {
      const bridge = linkId(namespaceOf(id), master)
      ports.set(bridge, Math.min(ports.get(bridge) ?? Infinity, mtuOf(id) ?? Infinity))
    }
  for (const made of drafts.values()) {
    const { id, type, path, on, settings } = made
    const namespace = namespaceOf(id)
    if (isExisting(made)) {
      expandExisting(x, made)
      continue
    }
    const lower = settings['link']
    if (lower && inCircle(specs, id)) {
      x.report.error(
        'senseless-field',
        lower.path,
        `${id.replace('/', ':')} is its own lower device`,
        'The chain of lower devices returns to it.',
      )
      continue
    }
    const mtu = mtuOf(id)
    const { mtu: _, up, ...spec } = specs.get(id) ?? { up: true }
    const whose = [id, bundleOfDraft(made, drafts) ?? id]
    if (whose.every((one) => specs.get(one)?.mtu === undefined)) x.assumedMtus.add(id)
    const { master, mac } = spec as LinkSpec
    const toMachines = master !== undefined && mac === undefined && isExisting(drafts.get(linkId(namespace, master)))
    const more = { ...(mtu !== undefined && { mtu }), ...(toMachines && { mac: portMac(x.lab, id) }) }
    x.add({ id, kind: type.name, namespace, spec: { up, ...more, ...spec } }, path, on)
    if (lower && spec.link !== undefined && !drafts.has(spec.link)) addExisting(x, spec.link, lower.path, 'value')
    portOfBundle(x, made, drafts, mtu)
    addresses(x, id, settings['addresses'], mtu ?? (type.followsPorts ? ports.get(id) : undefined))
    expandVlans(x, id, settings['pvid'], settings['vlans'])
    expandFdb(x, id, settings['fdb'], (other) => drafts.has(other))
    expandMdb(x, id, settings['mdb'])
    expandEthtool(x, made)
    if (!byDestination(made)) expandImpairments(x, made)
    expandQdiscs(x, made)
    expandIngress(x, made)
  }
  // Destinations may be namespaces, whose addresses are known only now.
  const late = [...drafts.values()].filter(byDestination)
  const addressesOf = late.length ? hostsByNamespace(x) : undefined
  for (const made of late) expandImpairments(x, made, addressesOf)
}

function specOf(x: Expansion, made: Draft, drafts: ReadonlyMap<string, Draft>): LinkSpec {
  const { id, type, peer } = made
  const settings = spelledOut(x, made)
  const namespace = namespaceOf(id)
  const spec: Record<string, unknown> = { up: true, ...(peer !== undefined && { peer }) }
  const noMac = type.noMac?.(Object.fromEntries(Object.entries(settings).map(([name, { value }]) => [name, value])))
  for (const [name, { value, path }] of Object.entries(settings)) {
    if (elsewhere.has(name)) continue
    const field = type.fields[name] ?? portFields(type).get(name)
    if (field?.apart) continue
    if (field) {
      const wrong = field.wrong?.(value)
      if (wrong !== undefined) x.report.error('bad-value', path, wrong)
      const normal = field.normal ? field.normal(value) : value
      if (normal !== field.fallback) spec[name] = normal
    } else if (name === 'others') spec[name] = value
    else if (!settingsOf(type).has(name))
      x.report.error(
        'senseless-field',
        path,
        `a ${type.name} has no ${name}`,
        `Its fields are: ${Object.keys(type.fields).join(', ') || 'none of its own'}.`,
        'key',
      )
    else if (name === 'arp' && type.noArp && value === false)
      continue // the type has no ARP anyway
    else if ((name === 'mac' && noMac) || (name === 'arp' && (type.noArp || type.builtin)))
      x.report.error('senseless-field', path, `a ${type.name} has no ${name} to set`, undefined, 'key')
    else if (name === 'alias' && (type.builtin || value === '' || String(value).startsWith('netlab:')))
      x.report.error(
        'reserved',
        path,
        value === '' ? 'the alias is empty' : 'netlab uses aliases of this form to mark what it owns',
        'Leave it out, or choose another.',
      )
    else if (name === 'mac') {
      const mac = String(value).toLowerCase()
      if (!isMac(mac)) x.report.error('bad-value', path, ...badMac(value))
      else if (mac === '00:00:00:00:00:00') x.report.error('bad-value', path, `${mac} is not an interface’s address`)
      else if (isGroupMac(mac))
        x.report.error(
          'bad-value',
          path,
          `${mac} is a multicast address`,
          'The first byte of an interface’s address is even: 02:…',
        )
      else spec['mac'] = mac
    } else spec[name] = value
  }
  for (const [name, field] of Object.entries(type.fields)) {
    const initial = field.initial ?? field.initialBeside?.(spec)
    if (initial !== undefined && settings[name] === undefined) spec[name] = initial
    const { only } = field
    if (typeof only === 'object' && settings[name] !== undefined && !counts(field, spec, type.fields))
      x.report.error(
        'senseless-field',
        settings[name].path,
        `${name} needs ${only.field}: ${only.values.join(' or ')}`,
        undefined,
        'key',
      )
  }
  for (const [field, { required }] of Object.entries(type.fields))
    if (required && settings[field] === undefined)
      x.report.error('missing-field', made.path, `a ${type.name} needs ${field}`, type.example, 'key')
  const chosen = settings['type']
  if (chosen && chosen.value !== type.name)
    x.report.error(
      'bad-link-end',
      chosen.path,
      `${id.replace('/', ':')} is the end of a link`,
      'It is a veth: it has no type.',
    )
  const lower = settings['link']
  if (lower && !type.lower)
    x.report.error('senseless-field', lower.path, `a ${type.name} has no lower device`, undefined, 'key')
  else if (lower) {
    const found = lowerId(x, namespace, String(lower.value), lower.path, drafts)
    if (found !== undefined) spec['link'] = found
  } else if (type.lower === 'required')
    x.report.error('missing-field', made.path, `a ${type.name} needs link, its lower device`, type.example, 'key')
  const [odd, why] = type.wrong?.(spec) ?? []
  if (odd !== undefined) x.report.error('senseless-field', settings[odd]?.path ?? made.path, why ?? '')
  const master = settings['bridge'] ?? settings['master']
  if (settings['bridge'] && settings['master'])
    x.report.error(
      'given-twice',
      settings['master'].path,
      `${nameOf(id)} is a port of ${String(master?.value)} already`,
      'It can be one.',
    )
  else if (master && isMaster(x, made, drafts, settings['bridge'] !== undefined, master)) spec['master'] = master.value
  asPort(x, made, drafts, spec)
  return spec as LinkSpec
}

/** Whether the interface is, through others, its own lower device. */
function inCircle(specs: ReadonlyMap<string, LinkSpec>, id: string): boolean {
  const seen = new Set<string>()
  for (let at = specs.get(id)?.link; at !== undefined && !seen.has(at); at = specs.get(at)?.link) {
    if (at === id) return true
    seen.add(at)
  }
  return false
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
  // Interfaces of a borrowed namespace exist without the lab.
  if (x.borrowed(home) && interfaceName.test(nameOf(id))) return id
  const near = suggest(nameOf(id), [...drafts.keys()].filter((other) => namespaceOf(other) === home).map(nameOf))
  return void x.report.error('unknown-reference', path, `there is no interface ${nameOf(id)} in ${home}`, near)
}

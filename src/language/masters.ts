import type { Code } from '../model/diagnostic-codes.ts'
import { bridge as bridgeType } from '../kinds/links/bridge.ts'
import { portFields } from '../kinds/links/port.ts'
import { settingName } from '../kinds/settings.ts'
import type { LinkSpec } from '../model/link-type.ts'
import { linkId, nameOf, namespaceOf } from '../model/resource.ts'
import type { Draft } from './drafts.ts'
import type { Expansion } from './expansion.ts'
import { suggest } from './report.ts'

/** The id of the bond or team of which the interface is a port. */
export function bundleOfDraft({ id, settings }: Draft, drafts: ReadonlyMap<string, Draft>): string | undefined {
  const { master } = settings
  const bundle = master && drafts.get(linkId(namespaceOf(id), String(master.value)))
  return bundle?.type.bundles && bundle.id !== id ? bundle.id : undefined
}

/** Reports what a port of a bond or team cannot have; `mtu`: that of the bond or team, in bytes. */
export function portOfBundle(x: Expansion, made: Draft, drafts: ReadonlyMap<string, Draft>, mtu?: number): void {
  const bundle = bundleOfDraft(made, drafts)
  if (bundle === undefined) return
  const { id, settings } = made
  const [port, name] = [nameOf(id), nameOf(bundle)]
  const { addresses, mtu: own, mac } = settings
  const refuse = (path: Draft['path'], summary: string, detail: string): void =>
    x.report.error('bad-port', path, summary, detail, 'key')
  if (addresses)
    refuse(addresses.path, `${port} is a port of ${name} and cannot have addresses`, `Put them at ${name}.`)
  if (own && own.value !== mtu)
    refuse(own.path, `${port} has the MTU of ${name}, which is ${mtu ?? 'another one'}`, `Set it at ${name}.`)
  if (mac && drafts.get(bundle)?.type.macOfPorts !== true)
    refuse(mac.path, `${port} has the MAC address of ${name}`, `Set it at ${name}.`)
}

/**
 * Reports interfaces whose lower device hands its frames to another already (`taker`): for the kernel it is busy
 * (netdev_rx_handler_register in net/core/dev.c).
 */
export function takers(x: Expansion, drafts: ReadonlyMap<string, Draft>, links: ReadonlyMap<string, LinkSpec>): void {
  const found = new Map<string, Draft>()
  for (const made of drafts.values()) {
    const { id, type, settings } = made
    const lower = links.get(id)?.link
    if (type.taker === undefined || lower === undefined) continue
    const refuse = (taker: string, detail: string): void =>
      x.report.error('bad-port', settings['link']?.path ?? made.path, `${lower.replace('/', ':')} hands its frames to ${taker} already`, detail) // prettier-ignore
    const other = found.get(lower)
    const master = links.get(lower)?.master
    const of = master === undefined ? undefined : drafts.get(linkId(namespaceOf(lower), master))?.type
    if (master !== undefined && (of === bridgeType || of?.bundles))
      refuse(master, `Put ${nameOf(id)} on ${master}, or take the port out of it.`)
    else if (other && other.type.taker !== type.taker)
      refuse(`${other.id.replace('/', ':')} (${other.type.name})`, 'Give each a lower device of its own.')
    else found.set(lower, made)
  }
}

/** Settings that only ports of bridges have, and the group that marks what is netlab's. */
export function asPort(
  x: Expansion,
  { id, type, settings }: Draft,
  drafts: ReadonlyMap<string, Draft>,
  spec: object,
): void {
  const ports = portFields(type)
  const master = 'master' in spec ? drafts.get(linkId(namespaceOf(id), String(spec.master))) : undefined
  for (const [name, { path }] of Object.entries(settings))
    if (ports.has(name) && master?.type !== bridgeType)
      x.report.error(
        'no-bridge',
        path,
        `${id.replace('/', ':')} is not a port of a bridge`,
        `${name} is a setting of ports: name the bridge with bridge: NAME.`,
        'key',
      )
  for (const [name, { ofPorts }] of Object.entries(type.fields)) {
    const port = ofPorts && settings[name]
    const joined = port && drafts.get(linkId(namespaceOf(id), String(port.value)))?.settings['master']
    if (port && joined?.value !== nameOf(id))
      x.report.error(
        'unknown-reference',
        port.path,
        `${String(port.value)} is not a port of ${nameOf(id)}`,
        `Its ports are the interfaces with master: ${nameOf(id)}.`,
      )
  }
  for (const [name, { ofPorts }] of ports) {
    const port = ofPorts && settings[name]
    if (!port || !master) continue
    const other = drafts.get(linkId(namespaceOf(id), String(port.value)))
    const joined = other?.settings['bridge'] ?? other?.settings['master']
    if (other?.id === id || joined?.value !== nameOf(master.id))
      x.report.error(
        'unknown-reference',
        port.path,
        `${String(port.value)} is no other port of ${nameOf(master.id)}`,
        `Its ports are the interfaces with bridge: ${nameOf(master.id)}.`,
      )
  }
  const group = settings[settingName(type, 'group')]
  if (group && x.borrowed(namespaceOf(id)))
    x.report.error('reserved', group.path, 'netlab uses this group to mark what it owns', 'Leave it out here.', 'key')
}

/** Whether what `bridge` or `master` names can have the interface as a port. */
export function isMaster(
  x: Expansion,
  { id, type }: Draft,
  drafts: ReadonlyMap<string, Draft>,
  toBridge: boolean,
  { value, path }: Draft['settings'][string],
): boolean {
  const namespace = namespaceOf(id)
  const name = String(value)
  const target = drafts.get(linkId(namespace, name))?.type
  const refuse = (code: Code, summary: string, detail?: string): boolean => {
    x.report.error(code, path, summary, detail)
    return false
  }
  if (!target?.hasPorts || (toBridge && target !== bridgeType)) {
    const here = [...drafts.values()]
      .filter((d) => namespaceOf(d.id) === namespace && d.type.hasPorts)
      .map((d) => nameOf(d.id))
    return refuse(
      'unknown-reference',
      `there is no ${toBridge ? 'bridge' : 'VRF, bond or bridge'} ${name} in ${namespace}`,
      suggest(name, here) ??
        (here.length ? `There are: ${here.join(', ')}.` : `Declare it under namespaces.${namespace}.bridges.`),
    )
  }
  if (name === nameOf(id)) return refuse('bad-port', 'an interface cannot be a port of itself')
  // What the kernel refuses: br_add_if in net/bridge/br_if.c, do_vrf_add_slave in drivers/net/vrf.c.
  if (type.builtin) return refuse('bad-port', `${nameOf(id)} cannot be a port`)
  const isStacked = type.hasPorts && !(type.bundles ? !target.bundles : type === bridgeType && target.name === 'vrf')
  if (isStacked || (type.layer3 && target.name !== 'vrf'))
    return refuse(
      'bad-port',
      `a ${type.name} cannot be a port of a ${target.name}`,
      type.layer3
        ? 'It carries packets without Ethernet headers.'
        : target === type && type === bridgeType
          ? 'Join two bridges with a link between them.'
          : undefined,
    )
  return true
}

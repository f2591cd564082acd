import { generatedMac } from '../kinds/common.ts'
import { bridge as bridgeType } from '../kinds/links/bridge.ts'
import { labMetric } from '../model/owner.ts'
import type { LinkType } from '../model/link-type.ts'
import { namespaceOf } from '../model/resource.ts'
import { addresses } from './addresses.ts'
import { ownerText, type Expansion } from './expansion.ts'
import type { Draft } from './drafts.ts'
import type { Path } from './yaml/source.ts'

/** An interface that is there without the lab, which may be of any type. */
export const machines: LinkType = {
  name: 'existing',
  description: 'An interface that is there without the lab.',
  example: 'interfaces:\n  nic0: { existing: true }',
  fields: {},
  mtu: () => undefined,
  builtin: true,
  byType: false,
}

/** Whether a draft is of an interface that is there without the lab. */
export const isExisting = (made: Draft | undefined): boolean => made?.settings['existing'] !== undefined

/** The settings that a lab may have for such an interface. */
const SAID = new Set(['existing', 'addresses'])

/** The interface, and the addresses that the lab gives it. */
export function expandExisting(x: Expansion, { id, type, path, on, settings }: Draft): void {
  const namespace = namespaceOf(id)
  if (!x.borrowed(namespace))
    return x.report.error(
      'not-the-labs',
      settings['existing']?.path ?? path,
      `${namespace} has no existing interfaces: the lab creates everything in it`,
      'Only a namespace that the lab does not own has them: the machine’s (root: true), or a container’s.',
      'key',
    )
  for (const [name, { path: where }] of Object.entries(settings))
    if (!SAID.has(name))
      x.report.error(
        'not-the-labs',
        where,
        `${name} of ${id.replace('/', ':')} belongs to ${ownerText(x, namespace)}, and a lab does not change it`,
        'Beside existing, only addresses can be set.',
        'key',
      )
  addExisting(x, id, path, on, type === bridgeType)
  addresses(x, id, settings['addresses'], undefined, labMetric(x.lab))
}

/** Adds an interface that is there without the lab and that the lab uses as lower device or bridge. */
export function addExisting(x: Expansion, id: string, path: Path, on: 'key' | 'value', bridge = false): void {
  if (x.resources.has(id)) return
  x.add({ id, kind: 'existing', namespace: namespaceOf(id), spec: { up: true, ...(bridge && { bridge }) } }, path, on)
}

/**
 * The MAC address of a port of a bridge that is the machine's own. A bridge takes the lowest of its ports' addresses for
 * its own (br_stp_recalculate_bridge_id in net/bridge/br_stp_if.c): this one is above those of hardware, so that it stays.
 */
export const portMac = (lab: string, id: string): string => generatedMac(lab, id).replace(/^02/, 'fe')

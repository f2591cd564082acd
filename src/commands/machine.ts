import type { Live } from '../observe/read.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import { HERE_NAME } from '../model/place.ts'
import { linkId, nameOf, type Resource, type Resources } from '../model/resource.ts'

/** Errors about what a lab uses and has not made: missing, no bridge, or changed by the lab as a side effect. */
export function missing(wanted: Resources, { theirs, foreign, resources }: Live): Diagnostic[] {
  return [...wanted.values()].flatMap((r): Diagnostic[] => {
    const wrong =
      r.kind === 'existing'
        ? wrongWith(r)
        : r.kind === 'borrowed'
          ? wrongLender(r)
          : r.borrowed
            ? wrongPort(r)
            : undefined
    return wrong
      ? [{ code: 'machine-resource', severity: 'error', ...wrong, ...(r.source && { position: r.source() }) }]
      : []
  })

  /** It was there when it was looked for, a moment ago. */
  function wrongLender({ id, borrowed }: Resource): Pick<Diagnostic, 'summary' | 'detail'> | undefined {
    if (theirs.has(id)) return undefined
    return {
      summary: `the network namespace of ${id} cannot be read: ${borrowed}`,
      detail: 'It has just ended, or is not a network namespace.',
    }
  }

  function wrongWith({ id, namespace, borrowed, spec }: Resource): Pick<Diagnostic, 'summary' | 'detail'> | undefined {
    const live = theirs.get(id)
    const whose = borrowed === HERE_NAME ? 'the machine’s own namespace' : 'somebody else’s namespace'
    if (!live)
      return {
        summary: `there is no interface ${nameOf(id)} in ${namespace}, ${whose}`,
        detail: 'The lab uses it and does not make it: make it first, or choose another (ip link lists them).',
      }
    if (!foreign.has(id))
      return {
        summary: `the lab has made ${namespace}:${nameOf(id)} itself`,
        detail: 'Leave existing out, or take the lab away and make the interface yourself.',
      }
    return spec['bridge'] && !live.spec['bridge']
      ? { summary: `${namespace}:${nameOf(id)} is not a bridge` }
      : undefined
  }

  /** A bridge without an MTU set by hand takes the smallest MTU of its ports (br_mtu_auto_adjust in net/bridge/br_if.c). */
  function wrongPort({ id, namespace, spec }: Resource): Pick<Diagnostic, 'summary' | 'detail'> | undefined {
    const bridge = linkId(namespace, String(spec['master']))
    const mtu = wanted.get(bridge)?.kind === 'existing' ? theirs.get(bridge)?.spec['mtu'] : undefined
    if (typeof mtu !== 'number' || Number(spec['mtu']) >= mtu || resources.get(id)?.spec['master'] === spec['master'])
      return undefined
    return {
      summary: `${namespace}:${nameOf(bridge)} has an MTU of ${mtu}, its port here one of ${String(spec['mtu'])}`,
      detail: `The kernel would lower the bridge’s, which is not the lab’s. Give the link mtu: ${mtu}.`,
    }
  }
}

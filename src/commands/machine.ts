import type { Live } from '../observe/read.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import { linkId, nameOf, type Resource, type Resources } from '../model/resource.ts'

/** Errors about interfaces of the machine's own that a lab uses: missing, no bridge, or changed by the lab as a side effect. */
export function missing(wanted: Resources, { machine, foreign, resources }: Live): Diagnostic[] {
  return [...wanted.values()].flatMap((r): Diagnostic[] => {
    const wrong = r.kind === 'existing' ? wrongWith(r) : r.root ? wrongPort(r) : undefined
    return wrong
      ? [{ code: 'machine-resource', severity: 'error', ...wrong, ...(r.source && { position: r.source() }) }]
      : []
  })

  function wrongWith({ id, namespace, spec }: Resource): Pick<Diagnostic, 'summary' | 'detail'> | undefined {
    const live = machine.get(id)
    if (!live)
      return {
        summary: `there is no interface ${nameOf(id)} in ${namespace}, the machine’s own namespace`,
        detail: 'The lab uses it and does not make it: make it first, or choose another (ip link lists them).',
      }
    if (!foreign.has(id))
      return {
        summary: `the lab has made ${namespace}:${nameOf(id)} itself`,
        detail: 'It is not the machine’s own. Leave existing out, or take the lab away and make it yourself.',
      }
    return spec['bridge'] && !live.spec['bridge'] ? { summary: `${namespace}:${nameOf(id)} is no bridge` } : undefined
  }

  /** A bridge without an MTU set by hand takes the smallest MTU of its ports (br_mtu_auto_adjust in net/bridge/br_if.c). */
  function wrongPort({ id, namespace, spec }: Resource): Pick<Diagnostic, 'summary' | 'detail'> | undefined {
    const bridge = linkId(namespace, String(spec['master']))
    const mtu = wanted.get(bridge)?.kind === 'existing' ? machine.get(bridge)?.spec['mtu'] : undefined
    if (typeof mtu !== 'number' || Number(spec['mtu']) >= mtu || resources.get(id)?.spec['master'] === spec['master'])
      return undefined
    return {
      summary: `${namespace}:${nameOf(bridge)} has an MTU of ${mtu}, its port here one of ${String(spec['mtu'])}`,
      detail: `The kernel would lower the bridge’s, which is the machine’s own. Give the link mtu: ${mtu}.`,
    }
  }
}

import type { Plan } from '../model/change.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import { linkId, nameOf, type Resources } from '../model/resource.ts'
import type { Runner } from '../model/runner.ts'
import { WIRE_PORT } from './wires.ts'

/**
 * Throws a UserError when something else has the network identifier of a VXLAN that the plan creates in the machine's own namespace: the
 * kernel allows one of each there (vxlan_config_validate in drivers/net/vxlan/vxlan_core.c), also when it is moved elsewhere.
 */
export async function mustBeUnused(
  { lab, changes }: Plan,
  own: Resources,
  runner: Runner,
  quote: (diagnostic: Diagnostic) => Diagnostic,
): Promise<void> {
  const wanted = new Map(
    changes.flatMap(({ action, after }) =>
      action === 'create' && after?.kind === 'vxlan' && after.spec['dstport'] === WIRE_PORT
        ? [[Number(after.spec['id']), after] as const]
        : [],
    ),
  )
  if (wanted.size === 0) return
  const names = [undefined, ...(await runner.list()).flatMap(({ name, stale }) => (stale ? [] : [name]))]
  const dumps = await runner.dump(
    names.map((netns) => ({ ...(netns !== undefined && { netns }), sysctls: [], depth: 'links' })),
  )
  const errors = names.flatMap((netns, i) =>
    (dumps[i]?.links ?? []).flatMap(({ ifname, linkinfo }): Diagnostic[] => {
      const { id, port } = linkinfo?.info_kind === 'vxlan' ? (linkinfo.info_data ?? {}) : {}
      const wire = wanted.get(Number(id))
      if (!wire || Number(port) !== WIRE_PORT || own.has(linkId(netns ?? '', ifname))) return []
      return [
        {
          code: 'vni-taken',
          severity: 'error',
          summary: `${wire.namespace}:${nameOf(wire.id)} cannot be made: ${netns === undefined ? '' : `${netns}:`}${ifname} has its VXLAN network identifier, ${Number(id)}`,
          detail: `Remove ${ifname}, or change the name of lab ${lab} or of the interface, from which the identifier follows.`,
          ...(wire.source && { position: wire.source() }),
        },
      ]
    }),
  )
  if (errors.length) throw new UserError(errors.map(quote))
}

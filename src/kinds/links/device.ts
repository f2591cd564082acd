import type { Kind } from '../../model/kind.ts'
import { placeOf } from '../../model/place.ts'
import { linkId, nameOf } from '../../model/resource.ts'
import { isLost } from '../common.ts'
import { isFallback } from './fallbacks.ts'
import { linkTypes } from './link-types.ts'

const known = new Set(linkTypes.map(({ name, kind = name }) => kind))

export type DeviceSpec = {
  /** `ip link`'s name of the type. */
  readonly type: string
  readonly up: boolean
}

/** A device of a type that a lab cannot describe: in a namespace of the lab's it is always drift. */
export const device: Kind<DeviceSpec> = {
  name: 'device',
  read: (dump, { namespace, borrowed }) =>
    dump.links.flatMap((link) => {
      const { info_kind: type, info_data: data } = link.linkinfo ?? {}
      // It is a program's, such as a VPN's; only a lab that wants its name removes it.
      const isTun = type === 'tun' && data?.['type'] === 'tun'
      // Hardware that was moved in has no type, and cannot be deleted.
      return type === undefined || (known.has(type) && !isTun) || borrowed || isFallback(link.ifname, {})
        ? []
        : [
            {
              id: linkId(namespace, link.ifname),
              kind: 'device',
              namespace,
              ...(isTun && { others: true }),
              spec: { type, up: link.flags.includes('UP') },
            },
          ]
    }),
  describe: ({ type }) => type,
  toLab: () => [],
  compare: () => [],
  needs: () => [],
  lostWith: ({ namespace }) => [namespace],
  create: () => [],
  update: () => [],
  remove: (r, context) =>
    isLost(device, r, context)
      ? []
      : [{ stage: 'delete links', operation: { do: 'link.delete', place: placeOf(r), name: nameOf(r.id) } }],
}

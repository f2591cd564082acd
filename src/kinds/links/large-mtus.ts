import type { LinkSpec } from '../../model/link-type.ts'
import type { Resource, Resources } from '../../model/resource.ts'
import { portsMtu } from './bridge.ts'
import { typesByName } from './link-types.ts'

/** An interface with an MTU that the kernel refuses on its lower device. */
interface LargeMtu {
  readonly link: Resource
  /** Its lower device as in messages: `ns0:eth0`. */
  readonly lower: string
  /** In bytes: what it has. */
  readonly mtu: number
  /** In bytes: the largest that it can have. */
  readonly most: number
}

/** The interfaces whose MTU the kernel refuses on their lower devices, as far as it is known what these have. */
export function largeMtus(resources: Resources): LargeMtu[] {
  return [...resources.values()].flatMap((link): LargeMtu[] => {
    const spec = link.spec as unknown as LinkSpec
    const below = spec.link === undefined ? undefined : resources.get(spec.link)
    const type = typesByName.get(link.kind)
    if (!below || !type?.mtuWithinLower) return []
    const room = effectiveMtu(below, resources)
    const [mtu = 0, most = Infinity] = [spec.mtu, room === undefined ? undefined : type.mtu(room, spec, below.kind)]
    return mtu > most ? [{ link, lower: below.id.replace('/', ':'), mtu, most }] : []
  })
}

/** The MTU of an interface, in bytes; undefined when it is not known. */
export const effectiveMtu = (link: Resource<any>, resources: Resources): number | undefined =>
  (link.spec as LinkSpec).mtu ?? (typesByName.get(link.kind)?.followsPorts ? portsMtu(link, resources) : undefined)

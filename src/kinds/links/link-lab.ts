import type { Kind, LabEntry } from '../../model/kind.ts'
import type { LinkSpec, LinkType } from '../../model/link-type.ts'
import { nameOf, namespaceOf } from '../../model/resource.ts'
import { isBridge, ofInterface } from '../lab-entry.ts'

/** How an interface of a type is written in a lab: its settings, and for one of the two ends the cable. */
export const linkToLab =
  (type: LinkType): Kind<LinkSpec>['toLab'] =>
  (r, resources) => {
    const { up, peer, link, mtuFollows, usualMac: _, mtu, master, ...rest } = r.spec
    const isUsual = mtuFollows === true || (link === undefined && mtu === type.mtu(undefined, r.spec))
    const set = {
      ...(type.byType && { type: type.name }),
      ...(link !== undefined && { link: namespaceOf(link) === r.namespace ? nameOf(link) : endpointOf(link) }),
      ...(master !== undefined && { [isBridge(resources, r.namespace, master) ? 'bridge' : 'master']: master }),
      ...(mtu !== undefined && !isUsual && { mtu }),
      // What no lab can set follows from the rest.
      ...Object.fromEntries(
        Object.entries(rest).filter(([name]) => type.fields[name]?.schema ?? !(name in type.fields)),
      ),
      ...(!up && { up }),
    }
    const cable: LabEntry[] =
      peer !== undefined && r.id < peer
        ? [{ at: [], set: { links: [{ endpoints: [endpointOf(r.id), endpointOf(peer)] }] } }]
        : []
    const said = Object.keys(set).length > 0 || type.hasPorts
    return [...(said ? ofInterface(r, nameOf(r.id), resources, set) : []), ...cable]
  }

/** `ns0/veth0` → `ns0:veth0`, as labs name an interface of another namespace. */
const endpointOf = (id: string): string => id.replace('/', ':')

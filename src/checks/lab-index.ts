import { canonicalAddress, type Cidr } from '../model/cidr.ts'
import type { Names } from '../model/names.ts'
import { linkId } from '../model/resource.ts'
import type { Topology } from '../model/topology.ts'

/** What is known of the live network before anything is tried in it. */
export interface LabIndex {
  /** What programs in a namespace of the lab are told, as NAME=VALUE. */
  readonly told: (namespace: string) => readonly string[]
  /** What the names of the lab's namespaces mean. */
  readonly names: Names
  /** Every live namespace of the lab → its name under /run/netns; undefined for the machine's own. */
  readonly places: ReadonlyMap<string, string | undefined>
  /** Who is connected to whom now, and what is there of others. */
  readonly live: Topology
  /** Who should be. */
  readonly desired: Topology
  /** What each namespace looks like, without second names. */
  readonly nodes: ReadonlyMap<string, NamespaceIndex>
}

/** A namespace, as far as it matters to what becomes of a packet in it. */
export interface NamespaceIndex {
  /** Interface index → name. */
  readonly interfaces: ReadonlyMap<number, string>
  /** The interfaces that are ports of a bridge, or lower devices: they pass on what is for others. */
  readonly carriers: ReadonlySet<string>
  /** The networks that it has routes to, whatever the table. */
  readonly routes: readonly Cidr[]
  readonly forwards: { readonly 4: boolean; readonly 6: boolean }
  /** As iptables-save prints it. */
  readonly firewall: { readonly 4: string; readonly 6: string }
}

/** What cannot be tried at all, in words. `lasting`: no later try will be possible, either. */
export class Untried extends Error {
  constructor(
    message: string,
    readonly lasting = false,
  ) {
    super(message)
  }
}

/** Where a namespace of the lab is. Throws Untried when it is not live. */
export function netnsOf({ places }: LabIndex, namespace: string): string | undefined {
  if (!places.has(namespace)) throw new Untried(`namespace ${namespace} is not live: netlab apply makes it`)
  return places.get(namespace)
}

/** The namespace that has the address; of several the last. */
export const holderNamespace = ({ live }: LabIndex, address: string): string | undefined =>
  live.holders(address).at(-1)?.namespace

/** The id of the interface that has the address, or should; of several the last. */
export const holderOf = ({ live, desired }: LabIndex, address: string): string | undefined =>
  (live.holders(address).at(-1) ?? desired.holders(address).at(-1))?.link

/** The id of the other end of a cable, be it in a namespace of the lab or not. */
export function peerOf({ live }: Pick<LabIndex, 'live'>, namespace: string, device: string): string | undefined {
  const peer = live.resources.get(linkId(namespace, device))?.spec['peer']
  return typeof peer === 'string' ? peer : undefined
}

/** An interface as people write it in checks: `NAMESPACE:INTERFACE`. */
export const placeText = (link: string): string => link.replace('/', ':')

/** The address that a name or an address means. Throws Untried. */
export function addressOf({ names, places }: LabIndex, text: string): string {
  const address = names.get(text) ?? canonicalAddress(text)
  if (address !== undefined) return address
  throw new Untried(places.has(text) ? `${text} has no address` : `${text} is no namespace of the lab and no address`)
}

/** `web:80`, `10.0.0.1:80`, `[fd00::1]:80` */
export function splitPort(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(port) > 65535) throw new Untried(`${text} is no ADDRESS:PORT`)
  return { host, port: Number(port) }
}

/** The address with its port, as it is written. */
export const withPort = (address: string, port: number | string): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

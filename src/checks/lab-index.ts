import { canonicalAddress } from '../model/cidr.ts'
import type { Names } from '../model/names.ts'
import { linkId } from '../model/resource.ts'
import type { Topology } from '../model/topology.ts'

/** What is known of the live network before checks run in it. */
export interface LabIndex {
  /** The environment variables (NAME=VALUE) of programs in a namespace of the lab. */
  readonly variables: (namespace: string) => readonly string[]
  /** The addresses that the names of the lab's namespaces stand for. */
  readonly names: Names
  /** Every live namespace of the lab → its name under /run/netns; undefined for the machine's own. */
  readonly places: ReadonlyMap<string, string | undefined>
  /** The live topology, with what belongs to others. */
  readonly live: Topology
  /** The topology of the lab file. */
  readonly desired: Topology
  /** The namespaces by name, without second names. */
  readonly nodes: ReadonlyMap<string, NamespaceIndex>
}

/** What is needed of a namespace to explain what happens to a packet in it. */
export interface NamespaceIndex {
  /** Interface index → name. */
  readonly interfaces: ReadonlyMap<number, string>
  /** The names of interfaces that are ports of a bridge or lower devices: they pass on packets for others. */
  readonly carriers: ReadonlySet<string>
  readonly forwards: { readonly 4: boolean; readonly 6: boolean }
}

/** The reason why a check cannot be tried. `lasting`: later tries are not possible either. */
export class Untried extends Error {
  constructor(
    message: string,
    readonly lasting = false,
  ) {
    super(message)
  }
}

/** The name under /run/netns of a namespace of the lab; undefined: the machine's own. Throws Untried when it is not live. */
export function netnsOf({ places }: LabIndex, namespace: string): string | undefined {
  if (!places.has(namespace)) throw new Untried(`namespace ${namespace} is not live: netlab apply makes it`)
  return places.get(namespace)
}

/** The namespace that has the address; the last one if there are several. */
export const holderNamespace = ({ live }: LabIndex, address: string): string | undefined =>
  live.holders(address).at(-1)?.namespace

/** The id of the other end of a cable, which may be in a namespace outside the lab. */
export function peerOf({ live }: Pick<LabIndex, 'live'>, namespace: string, device: string): string | undefined {
  const peer = live.resources.get(linkId(namespace, device))?.spec['peer']
  return typeof peer === 'string' ? peer : undefined
}

/** An interface as people write it in checks: `NAMESPACE:INTERFACE`. */
export const placeText = (link: string): string => link.replace('/', ':')

/** Resolves a name; an address is returned as it is. Throws Untried when the name has no address. */
export function addressOf({ names, places }: LabIndex, text: string): string {
  const address = names.get(text) ?? canonicalAddress(text)
  if (address !== undefined) return address
  throw new Untried(
    places.has(text) ? `${text} has no address` : `${text} is neither a namespace of the lab nor an address`,
  )
}

/** Splits `web:80`, `10.0.0.1:80` or `[fd00::1]:80` into host and port. */
export function splitPort(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(port) > 65535) throw new Untried(`${text} is not an ADDRESS:PORT`)
  return { host, port: Number(port) }
}

/** The address with its port, as it is written. */
export const withPort = (address: string, port: number | string): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

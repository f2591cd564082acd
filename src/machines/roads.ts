import { canonicalAddress, familyOf } from '../model/cidr.ts'
import type { Host } from '../model/host.ts'
import type { Road } from './wires.ts'

/** By address, how a machine reaches it, and the address that it sends from. */
export interface Roads {
  readonly [address: string]: Road & { readonly source: string }
}

/**
 * How a host reaches these addresses. Those that it has no route to are left out; all of them are when `from`, the address that
 * it should send from, is not one of its own.
 */
export async function roadsTo(to: readonly string[], from: string | undefined, host: Host): Promise<Roads> {
  const source = from === undefined ? undefined : canonicalAddress(from)
  if (from !== undefined && source === undefined) return {}
  const given = new Map(to.map((address) => [canonicalAddress(address), address]))
  const questions = [...given.keys()].flatMap((address) => {
    const isAlike = address !== undefined && (source === undefined || familyOf(address) === familyOf(source))
    return isAlike ? [`route get ${address}${source === undefined ? '' : ` from ${source}`}\n`] : []
  })
  if (questions.length === 0) return {}
  // With -force, ip goes on after an address that it has no route to. Of such a one, it prints nothing.
  const { stdout } = await host.run({
    argv: ['ip', '-force', '-j', '-batch', '-'],
    input: [...questions, 'link show\n'].join(''),
  })
  const found = stdout.split('\n').flatMap((line) => (line ? (JSON.parse(line) as Found[]) : []))
  const mtus = new Map(found.map(({ ifname, mtu }) => [ifname, mtu]))
  const roads = found.flatMap(({ dst, dev, prefsrc = source }) => {
    const [address, mtu] = [given.get(dst), mtus.get(dev)]
    if (address === undefined || dev === undefined || dev === 'lo' || mtu === undefined || prefsrc === undefined)
      return []
    return [[address, { device: dev, mtu, source: prefsrc }] as const]
  })
  return Object.fromEntries(roads)
}

/** What ip prints of a route, or of an interface. */
interface Found {
  readonly dst?: string
  readonly dev?: string
  readonly prefsrc?: string
  readonly ifname?: string
  readonly mtu?: number
}

import type { Host } from '../model/host.ts'
import type { Road } from './wires.ts'

/**
 * How a host reaches an address, and the address that it sends from; undefined when it has no route there, or `from`, the
 * address that it should send from, is not one of its own.
 */
export async function roadTo(
  address: string,
  from: string | undefined,
  host: Host,
): Promise<(Road & { readonly source: string }) | undefined> {
  const own = from === undefined ? [] : ['from', from]
  const { code, stdout } = await host.run({ argv: ['ip', '-j', 'route', 'get', address, ...own] })
  const [route] = code === 0 ? (JSON.parse(stdout) as { dev?: string; prefsrc?: string }[]) : []
  const { dev: device, prefsrc: source = from } = route ?? {}
  if (device === undefined || source === undefined || device === 'lo') return undefined
  const shown = await host.run({ argv: ['ip', '-j', 'link', 'show', 'dev', device] })
  const [link] = shown.code === 0 ? (JSON.parse(shown.stdout) as { mtu: number }[]) : []
  return link && { device, mtu: link.mtu, source }
}

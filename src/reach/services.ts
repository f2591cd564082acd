import { addressBytes } from '../backend/netlink/message.ts'
import { holderNamespace, splitPort, type LabIndex } from '../checks/lab-index.ts'
import type { Check } from '../model/check.ts'
import type { Reachable, Service } from '../model/reach-pair.ts'
import type { Resources } from '../model/resource.ts'
import { procAddress, type Listening } from '../backend/listening.ts'

/** From here on a UDP port is usually that of a client, which the kernel chose (ip_local_port_range in ip(7)). */
const EPHEMERAL = 32_768

/**
 * The services of the hosts: what listens there at the address of their name, what makes a process ready, and what a check connects
 * to; `listening` is what listens by namespace. A service where nothing listens and a check has netlab listen (`to`) is netlab's own.
 */
export function servicesOf(
  hosts: readonly Reachable[],
  desired: Resources,
  checks: readonly Check[],
  index: LabIndex,
  listening: ReadonlyMap<string, readonly Listening[]>,
): Service[] {
  const byName = new Map(hosts.map((host) => [host.name, host]))
  const found = new Map<string, Service>()
  const add = (service: Service): void => {
    if (byName.has(service.namespace)) found.set(idOf(service), service)
  }
  const tunnels = tunnelPorts(index)
  for (const { name, address } of hosts) {
    const own = procAddress(addressBytes(address))
    for (const { protocol, port, at } of listening.get(name) ?? []) {
      if (!/^0+$/.test(at) && at !== own) continue
      if (protocol === 'udp' && (port >= EPHEMERAL || tunnels.has(`${name} ${port}`))) continue
      add({ namespace: name, protocol, port })
    }
  }
  const named = (service: Service): void => {
    if (!found.has(idOf(service))) add(service)
  }
  for (const { kind, namespace, spec } of desired.values()) {
    if (kind !== 'process') continue
    const { tcp, udp } = (spec['ready'] ?? {}) as { readonly tcp?: number; readonly udp?: number }
    if (tcp !== undefined) named({ namespace, protocol: 'tcp', port: tcp })
    if (udp !== undefined) named({ namespace, protocol: 'udp', port: udp })
  }
  // What netlab listens at comes first: a check may connect to the same place.
  for (const check of checks) {
    const protocol = protocolOf(check)
    if (check.to !== undefined && protocol) {
      const { host, port } = splitPort(check.to)
      named({ namespace: host, protocol, port, own: true })
    }
  }
  for (const check of checks) {
    const protocol = protocolOf(check)
    const text = check.tcp ?? check.udp
    if (text === undefined || !protocol) continue
    const { host, port } = splitPort(text)
    const namespace = byName.has(host) ? host : holderNamespace(index, host)
    if (namespace !== undefined) named({ namespace, protocol, port })
  }
  return [...found.values()].sort((a, b) => a.port - b.port)
}

const idOf = ({ namespace, protocol, port }: Service): string => `${namespace} ${protocol} ${port}`

const protocolOf = ({ tcp, udp }: Check): 'tcp' | 'udp' | undefined =>
  tcp !== undefined ? 'tcp' : udp !== undefined ? 'udp' : undefined

/** `NAMESPACE PORT` of the UDP ports at which the kernel itself listens for packets of tunnels. */
function tunnelPorts({ live }: LabIndex): Set<string> {
  const ports = new Set<string>()
  for (const { namespace, spec } of live.resources.values())
    for (const port of [spec['dstport'], spec['listen_port'], spec['encap_sport'], spec['port']])
      if (typeof port === 'number') ports.add(`${namespace} ${port}`)
  return ports
}

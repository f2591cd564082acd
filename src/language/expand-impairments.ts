import { qdisc, qdiscId } from '../kinds/qdisc.ts'
import { nameOf, namespaceOf } from '../model/resource.ts'
import type { Draft } from './drafts.ts'
import { labContext, type Expansion } from './expansion.ts'

const wanted = ({ settings }: Draft): Readonly<Record<string, unknown>> | undefined =>
  settings['impairments']?.value as Readonly<Record<string, unknown>> | undefined

/** Whether the impairments of an interface differ by destination. */
export const byDestination = (made: Draft): boolean =>
  wanted(made)?.['to'] !== undefined || wanted(made)?.['from'] !== undefined

/** The root qdisc that the impairments of an interface ask for. */
export function expandImpairments(
  x: Expansion,
  { id, settings }: Draft,
  addressesOf?: (namespace: string) => readonly string[] | undefined,
): void {
  const impairments = settings['impairments']
  if (!impairments) return
  const [namespace, name] = [namespaceOf(id), nameOf(id)]
  const context = labContext(x, namespace, name, impairments.path)
  const spec = qdisc.fromLab?.(impairments.value, addressesOf ? { ...context, addressesOf } : context)
  if (spec) x.add({ id: qdiscId(namespace, name), kind: 'qdisc', namespace, spec }, impairments.path, 'key')
}

/** Finds the addresses of a namespace, by each of its names, without those that never leave it. */
export function hostsByNamespace(x: Expansion): (namespace: string) => readonly string[] | undefined {
  const hosts = new Map<string, string[]>(Object.keys(x.file.namespaces).map((name) => [name, []]))
  for (const { kind, namespace, spec } of x.resources.values()) {
    const address = String(spec['address']).replace(/\/.*/, '')
    if (kind === 'address' && !/^127\.|^::1$/.test(address))
      hosts.get(namespace)?.push(address + (address.includes(':') ? '/128' : '/32'))
  }
  return (namespace) => hosts.get(x.file.namespaces[namespace]?.shares ?? namespace)
}

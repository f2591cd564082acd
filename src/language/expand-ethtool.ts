import { ethtool, ethtoolId } from '../kinds/ethtool.ts'
import { nameOf, namespaceOf } from '../model/resource.ts'
import type { Draft } from './drafts.ts'
import { labContext, type Expansion } from './expansion.ts'

/** Settings of interfaces that ethtool sets. */
export const ethtoolSettings = ['offload', 'channels'] as const

/** The offloads and channels of an interface. */
export function expandEthtool(x: Expansion, { id, settings }: Draft): void {
  const { offload, channels, queues } = settings
  const first = offload ?? channels
  if (!first) return
  const [namespace, dev] = [namespaceOf(id), nameOf(id)]
  const entry = { offload: offload?.value, channels: channels?.value, queues: queues?.value }
  const context = labContext(x, namespace, dev, first.path, ([name, ...part]) => [
    ...((name === 'channels' ? channels : offload)?.path ?? first.path),
    ...part,
  ])
  const spec = ethtool.fromLab?.(entry, context)
  if (spec) x.add({ id: ethtoolId(namespace, dev), kind: 'ethtool', namespace, spec }, first.path, 'key')
}

import { ETHTOOL_SCRIPT, parseEthtool, type EthtoolSpec, type Tuned } from '../kinds/ethtool.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import { placeOf } from '../model/place.ts'
import { linkId, nameOf, type Resource, type Resources } from '../model/resource.ts'
import type { Runner } from '../model/runner.ts'
import type { Live } from './read.ts'

/**
 * The live state with what is read only where the lab says it: the queues of veths, and the offloads and channels of interfaces,
 * for which ethtool runs once in each of their namespaces. `refuse`: throws a UserError for what the driver of an interface does
 * not have, or does not change.
 */
export async function withTuned<L extends Pick<Live, 'resources' | 'adoptable' | 'dumps'>>(
  live: L,
  wanted: Resources,
  runner: Runner,
  refuse = false,
): Promise<L> {
  const more = new Map<string, Resource>()
  const liveLink = (id: string): Resource | undefined => live.resources.get(id) ?? live.adoptable.get(id)
  const tuned = new Map<string, Resource<EthtoolSpec>[]>()
  for (const r of wanted.values()) {
    if (r.kind === 'ethtool' && liveLink(linkId(r.namespace, String(r.spec['dev'])))) {
      const list = tuned.get(r.namespace)
      if (list) list.push(r as Resource<EthtoolSpec>)
      else tuned.set(r.namespace, [r as Resource<EthtoolSpec>])
    }
    const found = r.spec['queues'] === undefined ? undefined : liveLink(r.id)
    if (found) more.set(r.id, { ...found, spec: { ...found.spec, queues: queuesOf(live, found) } })
  }
  const errors: Diagnostic[] = []
  for (const all of tuned.values()) {
    const [first] = all
    const argv = ['sh', '-c', ETHTOOL_SCRIPT, 'sh', ...all.map(({ spec }) => spec.dev)]
    const answers = first && parseEthtool((await runner.host.run({ argv, ...placeOf(first) })).stdout)
    for (const r of all) {
      const answer = answers?.get(r.spec.dev)
      if (!answer) continue
      if (refuse) errors.push(...refusals(r, answer))
      const { id, kind, namespace, borrowed } = r
      more.set(id, { id, kind, namespace, ...(borrowed && { borrowed }), spec: asWanted(r.spec, answer) })
    }
  }
  if (errors.length) throw new UserError(errors)
  if (more.size === 0) return live
  const [resources, adoptable] = [new Map(live.resources), new Map(live.adoptable)]
  for (const [id, r] of more) (live.resources.has(r.namespace) || r.borrowed ? resources : adoptable).set(id, r)
  return { ...live, resources, adoptable }
}

/** How many queues it was made with; two numbers where it is not as many in both directions. */
function queuesOf({ dumps }: Pick<Live, 'dumps'>, { id, namespace }: Resource): unknown {
  const { num_tx_queues: tx, num_rx_queues: rx } =
    dumps.get(namespace)?.links.find(({ ifname }) => ifname === nameOf(id)) ?? {}
  return tx === rx ? tx : `${tx} to send, ${rx} to receive`
}

/** The live settings of those that are wanted. */
const asWanted = ({ dev, offload, channels }: EthtoolSpec, answer: Tuned): EthtoolSpec => ({
  dev,
  ...(offload && {
    offload: Object.fromEntries(Object.keys(offload).map((name) => [name, answer.offload.get(name)?.on ?? false])),
  }),
  ...(channels && {
    channels: Object.fromEntries(Object.entries(answer.channels).filter(([name]) => Object.hasOwn(channels, name))),
  }),
})

function refusals({ id, spec, source }: Resource<EthtoolSpec>, { offload, channels }: Tuned): Diagnostic[] {
  const where = id.slice(0, id.lastIndexOf('/')).replace('/', ':')
  const refuse = (summary: string, detail: string): Diagnostic => ({
    ...{ code: 'fixed-offload', severity: 'error', summary, detail },
    ...(source && { position: source() }),
  })
  return [
    ...Object.entries(spec.offload ?? {}).flatMap(([name, on]) => {
      const found = offload.get(name)
      if (!found) return [refuse(`${where} has no offload ${name}`, `ethtool -k ${spec.dev} lists those that it has.`)]
      return found.fixed && found.on !== on
        ? [refuse(`${name} of ${where} is always ${found.on ? 'on' : 'off'}`, 'Its driver does not change it: leave it out.')] // prettier-ignore
        : []
    }),
    ...(spec.channels && Object.keys(channels).length === 0
      ? [refuse(`${where} has no channels`, 'Its driver has none to set: leave channels out.')]
      : []),
  ]
}

import { tcFromLab } from '../kinds/tc-lab.ts'
import { tcId } from '../kinds/tc.ts'
import { sha256 } from '../model/digest.ts'
import { linkId, nameOf, namespaceOf } from '../model/resource.ts'
import { typeOf, type Draft } from './drafts.ts'
import { labContext, type Expansion } from './expansion.ts'

/** The longest name of an interface, in bytes. */
const LONGEST = 15

/** The name of the ifb that an interface's packets pass when they come in: `in~eth0`; a long one is cut and gets a hash. */
function receiverOf(name: string): string {
  const full = `in~${name}`
  return full.length <= LONGEST ? full : `${full.slice(0, 8)}~${sha256(name).slice(0, 6)}`
}

/** Adds the ifb of an interface with `ingress`, which has these as its impairments. */
export function receiver(x: Expansion, drafts: Map<string, Draft>, { id, settings }: Draft): void {
  const { ingress } = settings
  if (!ingress) return
  const other = linkId(namespaceOf(id), receiverOf(nameOf(id)))
  if (drafts.has(other))
    return x.report.error(
      'given-twice',
      ingress.path,
      `${nameOf(other)} is there already`,
      'For ingress, netlab creates an ifb with this name. Give the interface that you declare another name.',
      'key',
    )
  const { path } = ingress
  drafts.set(other, { id: other, type: typeOf('ifb'), path, on: 'key', settings: { impairments: ingress } })
}

/** What hands the packets that an interface with `ingress` receives to its ifb. */
export function expandIngress(x: Expansion, { id, settings }: Draft): void {
  const { ingress } = settings
  if (!ingress) return
  const [namespace, name] = [namespaceOf(id), nameOf(id)]
  const lines = [
    'qdisc ingress',
    `filter ingress pref 1 matchall action mirred egress redirect dev ${receiverOf(name)}`,
  ]
  const where = (): typeof ingress.path => ingress.path
  for (const spec of tcFromLab(lines, labContext(x, namespace, name, ingress.path, where)))
    if (spec) x.add({ id: tcId(namespace, spec), kind: 'tc', namespace, spec }, ingress.path, 'key')
}

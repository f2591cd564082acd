import type { Fault, FaultMark } from '../model/fault.ts'
import { carryOutFaults } from './carry-out.ts'
import { namePattern } from '../model/name-pattern.ts'
import { namedTargets } from './fault-targets.ts'
import { readSites, type FaultNet } from './sites.ts'

/** Whether a mark, which was found in this namespace, is one of the faults that are meant. */
export type MeantFault = (mark: FaultMark, namespace: string) => boolean

/** The faults of the interfaces and namespaces that words name; without words, all. Throws a UserError for what is not there. */
export function meantBy(words: readonly string[], net: FaultNet): MeantFault {
  const targets = namedTargets(words, net)
  return ({ cuts, impairs }, namespace) =>
    words.length === 0 ||
    targets.some(
      ({ namespace: of, device }) =>
        of === namespace &&
        (device === undefined || [...Object.keys(cuts ?? {}), ...Object.keys(impairs ?? {})].some(namePattern(device))),
    )
}

/** Ends the faults that are meant, in all namespaces. Returns them. Throws a UserError when the kernel refuses. */
export const healFaults = (net: FaultNet, meant: MeantFault = () => true): Promise<Fault[]> => end(net, meant, false)

/** Ends the effects of all faults, which are to come back: their marks stay. Returns and throws as `healFaults` does. */
export const liftEffects = (net: FaultNet): Promise<Fault[]> => end(net, () => true, true)

async function end(net: FaultNet, meant: MeantFault, lift: boolean): Promise<Fault[]> {
  const sites = [...(await readSites(net, net.places.keys())).values()]
  const ended = new Map<string, Fault>()
  for (const { marks, name } of sites)
    for (const mark of marks) if (meant(mark, name)) ended.set(mark.fault.id, mark.fault)
  const remove = new Set(ended.keys())
  const concerned = sites.filter(({ marks }) => marks.some(({ fault }) => remove.has(fault.id)))
  const impaired = concerned.filter(({ marks }) => marks.some(({ fault, impairs }) => remove.has(fault.id) && impairs))
  const whole = await readSites(
    net,
    impaired.map(({ name }) => name),
    'all',
  )
  const changes = concerned.map((site) => ({ site: whole.get(site.name) ?? site, remove, lift }))
  if (changes.length) await carryOutFaults(net, changes)
  return [...ended.values()].sort((a, b) => a.since - b.since)
}

import { faultTable, markChain, SIGNS } from '../kinds/fault-marks.ts'
import { cutsOf, impaired, impairsOf, uncut } from '../kinds/faulted.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Carrier, Fault, FaultMark } from '../model/fault.ts'
import type { Operation } from '../model/operation.ts'
import type { Resource, Resources } from '../model/resource.ts'
import type { IpLink } from '../model/runner.ts'
import { makePlan } from '../plan/make-plan.ts'
import { queuesOf, type FaultNet, type Site } from './sites.ts'

/** What is to change in one namespace. */
export interface SiteChange {
  readonly site: Site
  /** A new fault, and the chains and sets of its table. */
  readonly add?: { readonly mark: FaultMark; readonly family: 'netdev' | 'inet'; readonly rules: string }
  /** The faults that end. */
  readonly remove?: ReadonlySet<string>
  /** They are to come back: their marks stay. */
  readonly lift?: boolean
  /** The new fault is one that comes back: its mark says so until all is done. */
  readonly again?: boolean
}

/**
 * Sets faults, or ends them: first what drops packets and the mark, then what the interfaces show. Throws a UserError when the
 * kernel refuses; `undo` is then called before.
 */
export async function carryOutFaults(net: FaultNet, changes: readonly SiteChange[], undo?: () => Promise<void>) {
  const waves = [changes.flatMap(operations)]
  const failure = await net.runner.run(waves, () => {})
  if (!failure) return
  await undo?.()
  const { stderr, stdout } = failure.outcome
  throw UserError.of(
    'fault-refused',
    'the kernel refuses this fault',
    `${(stderr || stdout).trim()}\nnetlab doctor says what faults need.`,
  )
}

function operations(change: SiteChange): Operation[] {
  const { site, add, remove, lift, again } = change
  const { place } = site
  const gone = site.marks.filter(({ fault }) => remove?.has(fault.id))
  const table = (family: string, mark: FaultMark, rules = ''): string[] =>
    `table ${family} ${faultTable(mark.fault.id)} {\n${markChain(mark)}${rules}}`.split('\n')
  const lifted = (fault: Fault): Fault => ({ ...fault, lifted: true })
  const lines = [
    ...gone.map(({ family, fault }) => `delete table ${family} ${faultTable(fault.id)}`),
    ...(lift ? gone.flatMap(({ fault }) => table('inet', { fault: lifted(fault) })) : []),
    ...(add ? table(add.family, again ? { ...add.mark, fault: lifted(add.mark.fault) } : add.mark, add.rules) : []),
  ]
  const done =
    add && again
      ? [`flush chain ${add.family} ${faultTable(add.mark.fault.id)} ${SIGNS}`, ...table(add.family, add.mark)]
      : []
  const load = (of: readonly string[]): Operation[] =>
    of.length ? [{ do: 'nft.load', place, lines: of, byHandle: false }] : []
  return [...load(lines), ...carrierChanges(change, gone), ...queueChanges(change, gone), ...load(done)]
}

/** The interfaces of which a fault begins or ends. */
const devices = ({ add }: SiteChange, gone: readonly FaultMark[], which: 'cuts' | 'impairs'): string[] => [
  ...new Set([...gone, ...(add ? [add.mark] : [])].flatMap((mark) => Object.keys(mark[which] ?? {}))),
]

/** The marks that are left after the change. */
const marksAfter = ({ site, add, remove }: SiteChange): FaultMark[] => [
  ...site.marks.filter(({ fault }) => !remove?.has(fault.id)),
  ...(add ? [add.mark] : []),
]

function carrierChanges(change: SiteChange, gone: readonly FaultMark[]): Operation[] {
  const { site } = change
  return devices(change, gone, 'cuts').flatMap((device): Operation[] => {
    const link = site.dump.links.find(({ ifname }) => ifname === device)
    if (!link) return []
    const live = carrierOf(link)
    const free = uncut(live, cutsOf(site.marks, device))
    const wanted = Object.assign({}, free, ...cutsOf(marksAfter(change), device).map(({ now }) => now)) as Carrier
    const set = {
      ...(wanted.linkmode !== live.linkmode && { linkmode: wanted.linkmode }),
      ...(wanted.linkmode !== live.linkmode && {
        operstate: wanted.linkmode === 'dormant' ? ('dormant' as const) : ('up' as const),
      }),
      ...(wanted.up !== live.up && { up: wanted.up }),
    }
    return Object.keys(set).length ? [{ do: 'link.set', place: site.place, name: device, set }] : []
  })
}

/** What a cut changes of an interface, as it is at the moment. */
export const carrierOf = (link: IpLink): Required<Carrier> => ({
  up: link.flags.includes('UP'),
  linkmode: link.linkmode?.toLowerCase() ?? 'default',
})

function queueChanges(change: SiteChange, gone: readonly FaultMark[]): Operation[] {
  const { site } = change
  const { name: namespace, place } = site
  return devices(change, gone, 'impairs').flatMap((device): Operation[] => {
    if (!site.dump.links.some(({ ifname }) => ifname === device)) return []
    const impairs = impairsOf(marksAfter(change), device)
    const now = impairs.length ? impaired({ namespace }, device, impairs) : undefined
    const before = [...impairsOf(site.marks, device)][0]?.before ?? []
    const desired = byId(impairs.length ? (now ? [now] : []) : before)
    const { steps } = makePlan({ lab: '', desired, live: byId(queuesOf(site, device)) })
    return steps.map(({ operation }) => ({ ...operation, place }))
  })
}

const byId = (all: readonly Resource<any>[]): Resources => new Map(all.map((r) => [r.id, r as Resource]))

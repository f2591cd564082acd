import { holdable } from '../run/hold.ts'
import { onlyTakesNames, readsRareSysctls, scale, schedule } from '../run/schedule.ts'
import type { Lab, LabHeader, NamespaceHeader, OpenLab } from '../language/load-lab.ts'
import { canonicalize } from '../observe/canonical.ts'
import { mustBeAble } from '../observe/missing-features.ts'
import { pinned } from '../observe/inherited.ts'
import { legacyWarnings } from '../observe/legacy.ts'
import { adoptedWith, adoptions, type Adoptions } from '../observe/adopted.ts'
import { withListed } from '../observe/others.ts'
import { mustRunHere } from '../observe/run-here.ts'
import { withOwners } from '../observe/home-owners.ts'
import { withTuned } from '../observe/tuned.ts'
import type { ReadAhead } from '../observe/found.ts'
import { read, type Live } from '../observe/read.ts'
import type { ReadRequest } from '../observe/read-request.ts'
import { asPrinted } from '../observe/canonical-sysctls.ts'
import { stage } from '../host/status-line.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { Change, Plan } from '../model/change.ts'
import type { Host } from '../model/host.ts'
import type { Names } from '../model/names.ts'
import { lenderText } from '../model/lender.ts'
import { NEAR, ownOf } from '../model/other-machine.ts'
import { HERE_NAME, isPath } from '../model/place.ts'
import type { Resource, Resources } from '../model/resource.ts'
import type { Runner } from '../model/runner.ts'
import { topologyOf } from '../model/topology.ts'
import { repeats, restrict, type Listed } from '../plan/listed.ts'
import { below } from '../plan/order.ts'
import { targeted } from '../plan/target.ts'
import { otherWorldHint, ownNamespaces } from './elsewhere.ts'
import { newLenders, strayLenders, withLenders, type FoundLab } from './borrow.ts'
import type { Linting } from './open-located.ts'
import type { Located } from './locate.ts'
import { mustBeFree } from './foreign.ts'
import { readLive } from './read-live.ts'
import { mustBeSame, partIn, type SavedPart } from './saved.ts'
import { mustBeFresh } from './stale-plan.ts'
import { unconfirmed } from './unconfirmed.ts'

/** The options of commands that make a plan. */
export interface PlanOptions extends Linting {
  readonly destroy?: boolean
  readonly adopt?: boolean
  readonly target?: readonly string[]
  readonly replace?: readonly string[]
  /** The names of the whole lab, when this is the part of it on one machine. Default: those of what is desired. */
  readonly names?: Names
  /** Ids of which nothing is changed. Default: none. */
  readonly spare?: ReadonlySet<string>
  /** This is the part of a lab on one machine: an id that is not known may be on another. */
  readonly isPart?: true
}

/** What the plan will be used for. */
export interface PlanPurpose {
  /** It will be carried out. */
  readonly forApply?: boolean
  /** The contents of deleted namespaces will not be shown: from this many on, only their marks are read. */
  readonly marksOnlyFrom?: number
  /** Namespaces that were read before. */
  readonly ahead?: Promise<ReadAhead> | undefined
  /** What a saved plan has for this machine: the plan has to be the same. Default: that of a lab on one machine, if a saved plan was located. */
  readonly saved?: SavedPart
}

/** The desired and the live side of a lab, and the plan. */
export interface Prepared {
  readonly name: string
  /** For messages: the file, or the lab's name. */
  readonly source: string
  readonly lab?: Lab
  /** The desired resources, firewalls in the form of the tools; empty for destroy, and without a file. */
  readonly wanted: Resources
  readonly live: Live
  readonly plan: Plan
  /** The namespaces to hold open while the plan deletes their names. */
  readonly toHold: readonly string[]
  /** Adds the lines of the file to an error that has only the position. */
  readonly quote: (diagnostic: Diagnostic) => Diagnostic
  /** Warnings to be shown with the plan. */
  readonly warnings: readonly Diagnostic[]
}

/**
 * A lab on several machines as commands see it that look at all of them at once: the own namespaces of other machines have paths
 * (`ownOf`), as have those of containers and processes (`lent`, by name) that are there.
 */
export function asSeenFromHere(lab: Lab, lent: Host['lent'] = new Map()): Lab {
  if (!lab.machines) return lab
  const namespaces = new Map<string, NamespaceHeader>()
  for (const [name, header] of lab.namespaces) {
    const { borrowed, lender, machine } = header
    const path = lent.get(name)
    if (path !== undefined) namespaces.set(name, { ...header, borrowed: path })
    else if (borrowed === undefined || machine === undefined) namespaces.set(name, header)
    else namespaces.set(name, { ...header, borrowed: lender ? lenderText(lender) : ownOf(machine) })
  }
  const resources = new Map<string, Resource>()
  for (const [id, r] of lab.resources) {
    const borrowed = namespaces.get(r.namespace)?.borrowed
    resources.set(id, borrowed === undefined ? r : { ...r, borrowed })
  }
  return { ...lab, namespaces, resources, topology: topologyOf(resources) }
}

/** The request that reads the live state of this lab; without a header, of a lab that is known only by name. */
export const readRequestOf = (name: string, header: LabHeader | undefined): ReadRequest => ({
  lab: name,
  namespaces: header?.namespaces ?? new Map(),
  sysctls: header?.sysctls ?? new Map(),
  nftables: header?.nftables ?? new Map(),
  ...(readsRareSysctls(header?.size ?? header?.namespaces.size ?? 0) && { rareSysctls: true }),
})

/**
 * Reads the live state, expands the lab file meanwhile, and makes the plan. Throws a UserError when the file has errors, when
 * the kernel or the machine lacks something, or when a name that the lab needs belongs to others.
 */
export async function prepare(
  located: Located,
  opened: OpenLab | undefined,
  runner: Runner,
  options: PlanOptions = {},
  purpose: PlanPurpose = {},
): Promise<Prepared> {
  try {
    return await prepared(located, opened, runner, options, purpose)
  } catch (error) {
    throw error instanceof UserError && opened ? new UserError(error.diagnostics.map(opened.quote)) : error
  }
}

async function prepared(
  located: Located,
  unfound: OpenLab | undefined,
  runner: Runner,
  options: PlanOptions,
  purpose: PlanPurpose,
): Promise<Prepared> {
  const { marksOnlyFrom, ...rest } = purpose
  const { opened, problems }: Partial<FoundLab> = unfound ? await withLenders(unfound, runner.host) : {}
  const name = opened?.name ?? ('name' in located ? located.name : '')
  stage('Reading the live network …')
  const strays = await strayLenders(name, opened, runner, options.isPart)
  const whole = readRequestOf(name, opened)
  const request: ReadRequest = options.destroy
    ? {
        ...readRequestOf(name, undefined),
        namespaces: new Map([
          ...strays,
          ...[...(opened?.namespaces ?? [])].filter(([, n]) => n.borrowed === HERE_NAME || isPath(n.borrowed ?? '')),
        ]),
        ...(opened && {
          sysctls: whole.sysctls,
          nftables: whole.nftables,
          destroyOnly: new Set(opened.namespaces.keys()),
        }),
        ...(marksOnlyFrom !== undefined && { marksOnlyFrom }),
      }
    : {
        ...whole,
        ...(strays.size && { namespaces: new Map([...strays, ...whole.namespaces]) }),
        ...(purpose.forApply && !options.target?.length && { forApply: true }),
      }
  const reading = (purpose.forApply ? read : readLive)(request, runner, purpose.ahead ? [purpose.ahead] : [])
  reading.catch(() => {}) // awaited below; errors of the file, which is expanded first, come before
  await new Promise((resolve) => setImmediate(resolve)) // lets the reads start before the lab file is expanded
  const lab = options.destroy ? undefined : opened?.lab()
  if (lab && problems?.length) throw new UserError(problems)
  if (lab) await mustRunHere(lab.resources, runner.host)
  const [found, written] = await Promise.all([
    reading,
    lab ? canonicalize(lab.resources, runner, lab.where, scale.nftInProcess) : new Map<string, Resource>(),
  ])
  stage('Planning …')
  const wanted = await asPrinted(await withOwners(written, runner.host), found.resources, runner)
  const live = await withTuned(withListed(found, wanted), wanted, runner, !options.destroy)
  const source = 'file' in located ? (located.file === '-' ? 'standard input' : located.file) : `lab ${name}`
  if (!opened && live.resources.size === 0)
    throw UserError.of(
      'no-lab-file',
      `there is no lab file ${name}, and no live lab of that name`,
      [...otherWorldHint(runner.host, undefined, ''), 'netlab list shows the labs that are live.'].join('\n'),
    )
  const saved = purpose.saved ?? ('saved' in located && located.saved ? partIn(located.saved, NEAR) : undefined)
  if (saved) mustBeFresh(saved, live.resources)
  const planned = await planFor(name, wanted, live, runner, options)
  const plan: Plan = live.faults.length ? { ...planned.plan, faults: live.faults } : planned.plan
  if (saved) mustBeSame(saved, plan)
  const toHold = purpose.forApply ? holdable(plan.steps, runner.host) : []
  if (live.marksOnly && !(onlyTakesNames(plan, marksOnlyFrom ?? 0) && toHold.length === plan.steps.length))
    return prepared(located, unfound, runner, options, rest)
  const quote = opened?.quote ?? ((diagnostic: Diagnostic): Diagnostic => diagnostic)
  const warnings = [
    ...(opened
      ? isElsewhere(name, opened.namespaces, `${options.destroy ? 'destroy' : 'plan'} ${source}`, live, runner.host)
      : []),
    ...(lab?.warnings ?? []),
    ...(lab ? newLenders(wanted, live) : (problems ?? []).map((one) => ({ ...one, severity: 'warning' as const }))),
    ...(options.destroy ? [] : await legacyWarnings(live, runner)),
    ...unconfirmed(runner.host, name, 'file' in located ? located.file : name, options.isPart),
  ]
  return { name, source, ...(lab && { lab }), wanted, live, plan, toHold, warnings, quote }
}

/** A warning when nothing of the lab is live here, and all its namespaces are in another world of this machine. */
function isElsewhere(
  name: string,
  namespaces: LabHeader['namespaces'],
  command: string,
  { resources }: Live,
  host: Host,
): Diagnostic[] {
  for (const { kind } of resources.values()) if (kind === 'namespace') return []
  return otherWorldHint(host, ownNamespaces(namespaces), command).map((detail) => ({
    code: 'elsewhere',
    severity: 'warning',
    summary: `nothing of lab ${name} is live here`,
    detail,
  }))
}

/**
 * The plan from the live to the desired resources. With `listed`, it has only changes that were listed before; other changes
 * that would be necessary are in `rest`.
 */
export async function planFor(
  name: string,
  wanted: Resources,
  live: Live,
  runner: Runner,
  { adopt = false, target = [], replace = [], names, spare, isPart }: PlanOptions,
  listed?: Listed,
): Promise<{ readonly plan: Plan; readonly rest: readonly Change[] }> {
  const { ids, refused }: Partial<Adoptions> = adopt ? adoptions(wanted, live) : {}
  const adopts = [...(ids ?? [])]
  const taken = new Set([...adopts, ...sharesOf(adopts, wanted, live)])
  const used = [...live.theirs].filter(([id, { kind }]) => wanted.get(id)?.kind === kind)
  const adopted = new Map(adoptedWith(live.adoptable, taken))
  mustBeFree(wanted, live, new Set([...taken, ...adopted.keys()]), refused)
  const { resources } = adopted.size ? withListed({ resources: adopted, others: new Map() }, wanted) : live
  const found = new Map([...live.resources, ...used, ...resources])
  const desired = pinned(wanted, found, live)
  if (!isPart) mustBeKnown(name, [...target, ...replace], (id) => desired.has(id) || found.has(id))
  const leaving = [...found.values()].flatMap(({ id, kind, spec }) =>
    kind === 'namespace' && !spec['stale'] && (!desired.has(id) || replace.includes(id)) ? [id] : [],
  )
  const sides = {
    lab: name,
    desired: target.length ? targeted(desired, found, target) : desired,
    live: found,
    adopts,
    replace: new Set(replace),
    ...(names && { names }),
    strangers: leaving.length ? await runner.host.strangers(name, leaving) : [],
  }
  const isListed = listed ? repeats(listed) : () => true
  const { plan, rest } = restrict(sides, (change) => !spare?.has(change.id) && isListed(change))
  await mustBeAble(plan, found, runner)
  return { plan: schedule(plan, (id) => below(id, sides.desired)), rest }
}

/** Throws a UserError that names the ids that nothing in a lab has. */
export function mustBeKnown(lab: string, ids: readonly string[], isKnown: (id: string) => boolean): void {
  const unknown = ids.filter((id) => !isKnown(id))
  if (unknown.length)
    throw new UserError(
      unknown.map((id) => ({ code: 'unknown-id', severity: 'error', summary: `nothing in ${lab} has the id ${id}` })),
    )
}

/** The second names of these namespaces, where they have them already. */
const sharesOf = (adopts: readonly string[], wanted: Resources, { adoptable }: Live): string[] =>
  [...wanted.values()].flatMap(({ id, kind, spec }) => {
    const { of } = adoptable.get(id)?.spec ?? {}
    return kind === 'share' && of === spec['of'] && adopts.includes(String(of)) ? [id] : []
  })

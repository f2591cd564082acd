import { bare } from '../firewall/division.ts'
import { parseNft } from '../firewall/nft-parse.ts'
import { meaning } from '../firewall/refusals.ts'
import type { IpsetSpec } from '../firewall/ipset-text.ts'
import { setsOf } from '../firewall/rule-words.ts'
import { parallel, PROGRAMS_AT_ONCE } from '../host/parallel.ts'
import { creation, ipsetId } from '../kinds/ipset.ts'
import { isOwnTable, tableMark } from '../kinds/nftables.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { IptablesSpec, NftSpec, RulePlace } from '../model/firewall.ts'
import { nameOf, type Resource, type Resources } from '../model/resource.ts'
import type { Runner } from '../model/runner.ts'
import { topologyOf, type Topology } from '../model/topology.ts'
import { canonicalSets } from './canonical-sets.ts'
import { canonicalTraffic } from './canonical-traffic.ts'
import { mayBeLost, nftText, tablePlace, tryOut, type Refused, type Throwaway, type Trial } from './throwaway.ts'

/** Finds the position in the lab's files of a place in the resource with this id, and the lines around it. */
export type PlaceInFile = (id: string, place: RulePlace) => Pick<Diagnostic, 'position' | 'snippet'> | undefined

const isFirewall = ({ kind }: Resource): boolean => kind === 'iptables' || kind === 'ip6tables' || kind === 'nftables'

/** One distinct rule set of one kind, and the resources that have it. */
interface Job extends Throwaway {
  readonly first: Resource
  readonly resources: Resource[]
}

/**
 * The resources with every firewall in the form that the kernel's tools print. Each distinct rule set is loaded once, in a
 * throw-away namespace. Throws a UserError with the tool's message and the lab file's lines when a rule set is refused, so that a
 * plan contains only rules that the kernel accepts. From `inProcessFrom` rule sets of nftables on, the runner loads them
 * itself instead of starting a program for each.
 */
export async function canonicalize(
  written: Resources,
  runner: Runner,
  where?: PlaceInFile,
  inProcessFrom = Infinity,
): Promise<Resources> {
  const resources = await canonicalSets(await canonicalTraffic(written, runner), runner, where)
  const jobs = jobsOf(resources)
  if (jobs.length === 0) return resources
  const specs = new Map<string, IptablesSpec | NftSpec>()
  const diagnostics: Diagnostic[] = []
  const forms = await nftForms(jobs, runner, inProcessFrom)
  await parallel(jobs, PROGRAMS_AT_ONCE, async (job) => {
    const result = forms.get(job) ?? (await tryOut(job.first, job, runner))
    for (const resource of job.resources) {
      if ('spec' in result) {
        diagnostics.push(...foreignNames(resource, result.spec, where))
        specs.set(resource.id, result.spec)
      } else diagnostics.push(...result.refusals.map((refusal) => diagnostic(resource, refusal, where)))
    }
  })
  diagnostics.push(...clashes(resources, specs, where))
  if (diagnostics.length) throw new UserError(unique(diagnostics).sort(byPosition))
  const entries = [...resources].flatMap(([id, resource]): [string, Resource][] => {
    const spec = specs.get(id)
    if (!spec) return [[id, resource]]
    return Object.keys(spec.tables).length ? [[id, { ...resource, spec: spec as unknown as Resource['spec'] }]] : []
  })
  return new Map(entries)
}

/**
 * The results for rule sets of nftables that the runner can load in this process. Rules that are written as commands are left to
 * the program: nft 1.0.6 crashes at some of them (`add rule … jump { … }`, `insert rule … index N`). An abort in libnftables
 * ends netlab, though before anything has changed; therefore this is done only from `from` rule sets on, where starting a
 * program for each takes noticeable time.
 */
async function nftForms(jobs: readonly Job[], runner: Runner, from: number): Promise<Map<Job, Trial>> {
  const plain = jobs.filter(
    ({ first, devices }) =>
      first.kind === 'nftables' &&
      devices.length === 0 &&
      !/\brule\b/.test(bare(nftText(first))) &&
      !mayBeLost(nftText(first)),
  )
  const listings = plain.length >= from ? await runner.nftForms?.(plain.map(({ first }) => nftText(first))) : undefined
  return new Map(
    plain.flatMap((job, i): [Job, Trial][] => {
      const listing = listings?.[i]
      return listing === undefined ? [] : [[job, { spec: parseNft(listing) }]]
    }),
  )
}

/** The distinct rule sets that are not yet in the form of the tools. */
function jobsOf(resources: Resources): Job[] {
  const jobs = new Map<string, Job>()
  const topology = topologyOf(resources)
  for (const resource of resources.values()) {
    if (!isFirewall(resource)) continue
    const { written, text, tables } = resource.spec as { written?: unknown; text?: string; tables: unknown }
    if (written === undefined && text === undefined) continue
    const devices = text !== undefined && /\b(iif|oif|sdif|devices?)\b/.test(text) ? devicesOf(resource, topology) : []
    const sets = text === undefined ? setsFor(resource, resources) : []
    const key = JSON.stringify([resource.kind, text ?? tables, devices, sets])
    const job = jobs.get(key)
    if (job) job.resources.push(resource)
    else jobs.set(key, { first: resource, resources: [resource], devices, sets })
  }
  return [...jobs.values()]
}

/** The lines of `ipset restore` that create the sets named in the rules. */
const setsFor = ({ namespace, spec }: Resource, resources: Resources): string[] => {
  const rules = Object.values((spec as unknown as IptablesSpec).tables).flatMap((chains) =>
    Object.values(chains).flatMap((chain) => chain.rules),
  )
  const sets = [...new Set(rules.flatMap(setsOf))].flatMap((name) => resources.get(ipsetId(namespace, name)) ?? [])
  return sets.map(({ spec: set }) => creation(set as unknown as IpsetSpec))
}

/** The names of the interfaces that the namespace will have, except lo, which every namespace has. */
const devicesOf = ({ namespace }: Resource, { links }: Topology): string[] =>
  links(namespace)
    .map(({ id }) => nameOf(id))
    .filter((name) => name !== 'lo')

/** The position in the lab's files; that of the whole field when no more exact one is known. */
const located = (resource: Resource, place: RulePlace = { path: [] }, where: PlaceInFile | undefined) =>
  where?.(resource.id, place) ?? (resource.source && { position: resource.source() })

function diagnostic(resource: Resource, { place, words, detail }: Refused, where: PlaceInFile | undefined): Diagnostic {
  const why = detail ?? meaning(words)
  const tool = resource.kind === 'nftables' ? 'nft' : resource.kind
  return {
    code: 'rule-refused',
    severity: 'error',
    summary: `${tool} refuses this in ${resource.namespace}: ${words}`,
    ...(why !== undefined && { detail: why }),
    ...located(resource, place, where),
  }
}

/** Errors for tables in the machine's own namespace whose names lack the lab's mark. */
function foreignNames(resource: Resource, spec: IptablesSpec | NftSpec, where: PlaceInFile | undefined): Diagnostic[] {
  const { lab, text = '' } = resource.spec as { lab?: string; text?: string }
  if (resource.kind !== 'nftables' || lab === undefined) return []
  return Object.keys(spec.tables)
    .filter((table) => !isOwnTable(table, lab))
    .map((table) => ({
      code: 'reserved',
      severity: 'error',
      summary: `table ${table} is not called as the lab's`,
      detail: `In the machine's own namespace the name says whose a table is: ${tableMark(lab)}, or ${tableMark(lab)}.NAME.`,
      ...located(resource, tablePlace(text, table), where),
    }))
}

/** Errors for tables that nftables and iptables both use in one namespace: the kernel has only one table of a name. */
function clashes(
  resources: Resources,
  specs: ReadonlyMap<string, IptablesSpec | NftSpec>,
  where: PlaceInFile | undefined,
): Diagnostic[] {
  return [...specs].flatMap(([id, spec]) => {
    const resource = resources.get(id)
    const family = resource?.kind === 'iptables' ? 'ip' : resource?.kind === 'ip6tables' ? 'ip6' : undefined
    const nft = specs.get(`${resource?.namespace}/nftables`)
    if (!resource || family === undefined) return []
    return Object.keys(spec.tables)
      .filter((table) => nft && `${family} ${table}` in nft.tables)
      .map((table) => ({
        code: 'given-twice',
        severity: 'error' as const,
        summary: `table ${family} ${table} is declared under nftables and under ${resource.kind}`,
        detail: 'The kernel has one table of that name: give the one under nftables another.',
        ...located(resource, { path: [table] }, where),
      }))
  })
}

const key = ({ summary, position }: Diagnostic): string => JSON.stringify([summary, position])

const unique = (diagnostics: readonly Diagnostic[]): Diagnostic[] => [
  ...new Map(diagnostics.map((d) => [key(d), d])).values(),
]

const byPosition = ({ position: a }: Diagnostic, { position: b }: Diagnostic): number =>
  (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0)

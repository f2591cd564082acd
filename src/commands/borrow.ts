import { kindOf } from '../kinds/index.ts'
import type { OpenLab } from '../language/load-lab.ts'
import { findLenders } from '../observe/lenders.ts'
import type { Live } from '../observe/read.ts'
import type { ReadRequest } from '../observe/read-request.ts'
import { owners } from '../observe/owners.ts'
import { findStrays } from '../observe/strays.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Resources } from '../model/resource.ts'
import type { Runner } from '../model/runner.ts'

/** A lab file that was opened, with the paths of somebody else's namespaces. */
export interface FoundLab {
  readonly opened: OpenLab
  /** What is wrong with those that were not found. */
  readonly problems: readonly Diagnostic[]
}

/** Finds somebody else's namespaces that the lab file names. What is wrong with them is for the caller to say. */
export async function withLenders(unfound: OpenLab, host: Host): Promise<FoundLab> {
  if (![...unfound.namespaces.values()].some(({ lender }) => lender)) return { opened: unfound, problems: [] }
  const { places, problems } = await findLenders(unfound.namespaces, host)
  return {
    opened: unfound.at(places),
    problems: problems.map(({ name, field, ...problem }) => ({
      severity: 'error',
      ...problem,
      position: unfound.position(['namespaces', name, field]),
    })),
  }
}

/**
 * Somebody else's namespaces in which the lab has something, and which its file does not name: all of them without a file, and
 * those that were taken out of it where it names others. Other labs do not look for any.
 */
export async function strayLenders(
  name: string,
  opened: OpenLab | undefined,
  runner: Runner,
  isPart = false,
): Promise<ReadRequest['namespaces']> {
  const named = [...(opened?.namespaces ?? [])].flatMap(([, { lender, borrowed }]) =>
    lender && borrowed ? [borrowed] : [],
  )
  if (opened && named.length === 0) return new Map()
  const strays = (await findStrays(runner, await owners(runner), named, isPart)).filter(({ labs }) => labs.has(name))
  return new Map(strays.map((stray) => [stray.name, { borrowed: stray.path, lender: { netns: stray.path } }]))
}

/** Warnings of somebody else's namespaces that have nothing of a lab which is live: containers that were started again. */
export function newLenders(wanted: Resources, { resources }: Live): Diagnostic[] {
  const lenders = [...wanted.values()].filter(({ kind }) => kind === 'borrowed')
  const live = new Set(
    [...resources.values()].flatMap((r) =>
      r.kind === 'namespace' || (r.borrowed && r.kind !== 'sysctl') ? r.namespace : [],
    ),
  )
  if (lenders.length === 0 || live.size === 0) return []
  const wired = new Set([...wanted.values()].flatMap(({ kind, namespace }) => (isTheirs(kind) ? [] : [namespace])))
  return lenders
    .filter(({ id }) => wired.has(id) && !live.has(id))
    .map(({ id, kind, spec, source }) => ({
      code: 'new-lender',
      severity: 'warning',
      summary: `${kindOf(kind).describe(spec)} (${id}) has nothing of this lab: its network namespace is new`,
      detail: 'It was started again since the last apply, or is new in the lab.',
      ...(source && { position: source() }),
    }))
}

/** Kinds of what a lab uses and does not make. */
const isTheirs = (kind: string): boolean => kind === 'borrowed' || kind === 'existing'

import { stage } from '../host/status-line.ts'
import type { Lab } from '../language/load-lab.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import { HERE_NAME, isPath } from '../model/place.ts'
import type { Runner } from '../model/runner.ts'
import { otherWorldHint } from './elsewhere.ts'
import { locate, type LocateOptions } from './locate.ts'
import { nearest } from './nearest.ts'
import { loadFound } from './open-located.ts'
import { asSeenFromHere } from './prepare.ts'

/** The options of commands that take the names of namespaces. */
export interface NamespaceOptions extends LocateOptions {
  /** The lab whose file gives the name of the machine's own namespace and the order of addresses. */
  readonly lab?: string
}

/** The namespaces that commands can name. */
export interface LiveNamespaces {
  /** The names under /run/netns. */
  readonly names: readonly string[]
  /** The lab that was named, or the one of this directory. */
  readonly here: Lab | undefined
  /** Whether a namespace has this name: under /run/netns, or in that lab. */
  readonly has: (namespace: string) => boolean
  /**
   * Where a namespace is: its name under /run/netns, or a path; undefined: where netlab runs. Throws a UserError where there is
   * none, or it cannot be entered; `command` is what to call where it is in another world of this machine.
   */
  readonly netnsOf: (namespace: string, command: string) => string | undefined
}

/** Finds the namespaces that are live, and the lab that gives names to those that have none under /run/netns. */
export async function liveNamespaces(runner: Runner, options: NamespaceOptions): Promise<LiveNamespaces> {
  stage('Reading the live network …')
  const names = (await runner.list()).filter(({ stale }) => !stale).map(({ name }) => name)
  const here = await labHere(runner.host, options)
  stage('Reading the live network …')
  const borrowedBy = (namespace: string): string | undefined => here?.namespaces.get(namespace)?.borrowed
  return {
    names,
    here,
    has: (namespace) => names.includes(namespace) || borrowedBy(namespace) !== undefined,
    netnsOf(namespace, command) {
      if (names.includes(namespace)) return namespace
      const borrowed = borrowedBy(namespace)
      if (borrowed === HERE_NAME) return undefined
      if (borrowed !== undefined && isPath(borrowed)) return borrowed
      if (borrowed !== undefined)
        throw UserError.of('no-lender', `${borrowed} (${namespace}) cannot be entered`, `netlab plan says why.`)
      const meant = nearest(namespace, names)
      throw UserError.of(
        'unknown-reference',
        `there is no namespace ${namespace}`,
        [
          ...otherWorldHint(runner.host, [namespace], command),
          meant === undefined ? 'No lab is live here.' : `Did you mean ${meant}? There are: ${names.join(' ')}`,
        ].join('\n'),
      )
    },
  }
}

/** The lab that was named, or the one of this directory, as far as commands look into it; undefined when there is none. */
export async function labHere(host: Host, { lab: argument, set = [] }: NamespaceOptions): Promise<Lab | undefined> {
  try {
    const lab = await loadFound(locate(argument, { set, say: () => {} }), host)
    return lab && asSeenFromHere(lab, host.lent)
  } catch (error) {
    if (argument === undefined && error instanceof UserError) return undefined
    throw error
  }
}

import { enterNamespace, type NamedPlace } from '../host/in-namespace.ts'
import { withPrompt } from '../host/shell-prompt.ts'
import { idle, stage } from '../host/status-line.ts'
import { startRunner } from '../run/choose-runner.ts'
import { surroundings } from '../observe/surroundings.ts'
import type { Lab } from '../language/load-lab.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import { labVariables } from '../model/names.ts'
import { HERE_NAME, isPath, placeIn } from '../model/place.ts'
import { otherWorldHint } from './elsewhere.ts'
import { nearest } from './nearest.ts'
import { locate, type LocateOptions } from './locate.ts'
import { loadFound } from './prepare.ts'

interface Options extends LocateOptions {
  /** The lab whose file gives the name of the machine's own namespace and the order of addresses. */
  readonly lab?: string
}

type Found = NamedPlace & { readonly lab?: string }

/** `netlab exec NS -- CMD…`: the command's own exit code; 128 + the signal's number when a signal ended it. */
export async function exec(
  host: Host,
  namespace: string,
  command: readonly string[],
  options: Options,
): Promise<number> {
  const place = await find(host, namespace, options)
  idle()
  return await host.attach(enterNamespace(host, place, command[0] === '--' ? command.slice(1) : command))
}

/** `netlab shell NS`: the user's shell in the namespace; without one in the sandbox, as if one were root. */
export async function shellCommand(host: Host, namespace: string | undefined, options: Options): Promise<number> {
  if (namespace === undefined) return await sandboxShell(host)
  const place = await find(host, namespace, options)
  const { argv, env } = withPrompt(place.lab === undefined ? namespace : `${place.lab}/${namespace}`, host.env)
  idle()
  return await host.attach(enterNamespace(host, place, argv), env)
}

/** Without the mount namespace of other shells, so that other commands see the namespaces that are created in this one. */
async function sandboxShell(host: Host): Promise<number> {
  if (!host.isSandbox)
    throw UserError.of(
      'unknown-namespace',
      'a shell in which namespace?',
      'As root your shell is where the labs are: ip netns list. In a namespace: netlab shell NS',
    )
  const { argv, env } = withPrompt('netlab', host.env)
  return await host.attach(argv, env)
}

/** Finds the namespace, and its lab: one under /run/netns, or the machine's own by the name that the lab has for it. */
async function find(host: Host, namespace: string, { lab, set = [] }: Options): Promise<Found> {
  stage('Reading the live network …')
  const runner = startRunner(host)
  const names = (await runner.list()).filter(({ stale }) => !stale).map(({ name }) => name)
  const here = await labHere(host, lab, set)
  stage('Reading the live network …')
  const place = async (netns: string | undefined): Promise<Found> => {
    const { lab: owner, names } = await surroundings(netns, runner, here)
    const dir = here && here.name === owner ? here.folder : undefined
    const variables = owner === undefined ? [`NETLAB_NAMESPACE=${namespace}`] : labVariables(owner, namespace, dir)
    return { ...placeIn(netns), names, variables, ...(owner !== undefined && { lab: owner }) }
  }
  if (names.includes(namespace)) return place(namespace)
  const borrowed = here?.namespaces.get(namespace)?.borrowed
  if (borrowed === HERE_NAME) return place(undefined)
  if (borrowed !== undefined && isPath(borrowed)) return place(borrowed)
  if (borrowed !== undefined)
    throw UserError.of('no-lender', `${borrowed} (${namespace}) cannot be entered`, `netlab plan says why.`)
  const meant = nearest(namespace, names)
  throw UserError.of(
    'unknown-reference',
    `there is no namespace ${namespace}`,
    [
      ...otherWorldHint(host, [namespace], `shell ${namespace}`),
      meant === undefined ? 'No lab is live here.' : `Did you mean ${meant}? There are: ${names.join(' ')}`,
    ].join('\n'),
  )
}

/** The lab that was named, or the one of this directory; undefined when there is none. */
async function labHere(host: Host, argument: string | undefined, set: readonly string[]): Promise<Lab | undefined> {
  try {
    return await loadFound(locate(argument, { set, say: () => {} }), host)
  } catch (error) {
    if (argument === undefined && error instanceof UserError) return undefined
    throw error
  }
}

import { enterNamespace, type NamedPlace } from '../host/in-namespace.ts'
import { withPrompt } from '../host/shell-prompt.ts'
import { idle } from '../host/status-line.ts'
import { surroundings } from '../observe/surroundings.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import { labVariables } from '../model/names.ts'
import { placeIn } from '../model/place.ts'
import type { Runner } from '../model/runner.ts'
import { runnerHere } from './lab-runner.ts'
import { liveNamespaces, type NamespaceOptions } from './live-namespaces.ts'

interface Found {
  readonly place: NamedPlace & { readonly lab?: string }
  readonly runner: Runner
}

/** `netlab exec NS -- CMD…`: the command's own exit code; 128 + the signal's number when a signal ended it. */
export async function exec(
  host: Host,
  namespace: string,
  command: readonly string[],
  options: NamespaceOptions,
): Promise<number> {
  const { place, runner } = await find(host, namespace, options)
  idle()
  return await runner.host.attach(enterNamespace(runner.host, place, command[0] === '--' ? command.slice(1) : command))
}

/** `netlab shell NS`: the user's shell in the namespace; without one in the sandbox, as if one were root. */
export async function shellCommand(
  host: Host,
  namespace: string | undefined,
  options: NamespaceOptions,
): Promise<number> {
  if (namespace === undefined) return await sandboxShell(host)
  const { place, runner } = await find(host, namespace, options)
  const { argv, env } = withPrompt(place.lab === undefined ? namespace : `${place.lab}/${namespace}`, host.env)
  idle()
  return await runner.host.attach(enterNamespace(runner.host, place, argv), env)
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
  return await host.attach({ argv }, env)
}

/** Finds the namespace, and its lab: one under /run/netns, or the machine's own by the name that the lab has for it. */
async function find(host: Host, namespace: string, options: NamespaceOptions): Promise<Found> {
  const runner = await runnerHere(host, options)
  const { here, netnsOf } = await liveNamespaces(runner, options)
  const netns = netnsOf(namespace, `shell ${namespace}`)
  const { lab: owner, names } = await surroundings(netns, runner, here)
  const dir = here && here.name === owner ? here.folder : undefined
  const variables = owner === undefined ? [`NETLAB_NAMESPACE=${namespace}`] : labVariables(owner, namespace, dir)
  return { place: { ...placeIn(netns), names, variables, ...(owner !== undefined && { lab: owner }) }, runner }
}

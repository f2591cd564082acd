import { distance } from 'fastest-levenshtein'
import { attach, front, type Place } from '../exec/inside.ts'
import { startRunner } from '../exec/runner.ts'
import { isSandboxed } from '../exec/sandbox/holder.ts'
import { surroundings } from '../live/names.ts'
import { UserError } from '../model/diagnostic.ts'
import { locate } from './locate.ts'
import { load } from './prepare.ts'

interface Options {
  /** The lab whose name for the machine's own namespace is meant. */
  readonly lab?: string
}

/** `netlab exec NS -- CMD…`: the command's own exit code; 128 + the signal's number when a signal ended it. */
export async function exec(namespace: string, command: readonly string[], options: Options): Promise<number> {
  return await attach(await find(namespace, options), command[0] === '--' ? command.slice(1) : command)
}

/** `netlab shell NS`: the user's shell in the namespace; without one in the sandbox, as if one were root. */
export async function shell(namespace: string | undefined, options: Options): Promise<number> {
  if (namespace === undefined) return await sandboxShell()
  return await attach(await find(namespace, options), [process.env['SHELL'] || '/bin/sh'], {
    NETLAB_NAMESPACE: namespace,
    PS1: `(${namespace}) \\w \\$ `,
  })
}

/** Without the surroundings that a namespace's shell gets: what is made in it must be seen by other commands. */
async function sandboxShell(): Promise<number> {
  if (!isSandboxed())
    throw UserError.of(
      'a shell in which namespace?',
      'As root your shell is where the labs are: ip netns list. In a namespace: netlab shell NS',
    )
  return await front([process.env['SHELL'] || '/bin/sh'], { PS1: '(netlab) \\w \\$ ' })
}

/** The namespace of this name: one under /run/netns, or what the lab calls the machine's own. */
async function find(namespace: string, { lab }: Options): Promise<Place> {
  const runner = startRunner()
  const names = (await runner.list()).filter(({ stale }) => !stale).map(({ name }) => name)
  if (names.includes(namespace)) return { netns: namespace, ...(await surroundings(namespace, runner)) }
  const owner = labWithRoot(namespace, lab)
  if (owner !== undefined) return surroundings(namespace, runner, owner, namespace)
  const [nearest] = [...names].sort((a, b) => distance(a, namespace) - distance(b, namespace))
  throw UserError.of(
    `there is no namespace ${namespace}`,
    nearest === undefined ? 'No lab is live here.' : `Did you mean ${nearest}? There are: ${names.join(' ')}`,
  )
}

/** The name of the lab (by default the one of this directory) if it says `root: true` of the namespace. */
function labWithRoot(namespace: string, argument: string | undefined): string | undefined {
  try {
    const lab = load(locate(argument))
    return lab?.namespaces.get(namespace)?.root ? lab.name : undefined
  } catch (error) {
    if (argument === undefined && error instanceof UserError) return undefined // no lab here: nothing is called so
    throw error
  }
}

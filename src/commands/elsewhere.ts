import type { Host, OtherWorld } from '../model/host.ts'

/**
 * A line for messages about namespaces that are not here: that they are in another world of this machine, as root's are to an
 * ordinary user, with the command that works there. Where they are not known (a lab without its file): that there are some.
 */
export function otherWorldHint(host: Host, namespaces: Iterable<string> | undefined, command: string): string[] {
  const worlds = host.otherWorlds().filter((world) => world.namespaces.length)
  if (!namespaces) return worlds.map((world) => `There are namespaces ${world.where}: ${world.call} list`)
  const wanted = [...namespaces]
  const holds = (world: OtherWorld): boolean => {
    const there = new Set(world.namespaces)
    return wanted.length > 0 && wanted.every((name) => there.has(name))
  }
  const what = wanted.length === 1 ? `Namespace ${wanted[0]} is` : 'Namespaces of these names are'
  return worlds.filter(holds).map((world) => `${what} live ${world.where}: ${world.call} ${command}`)
}

/** The names of the lab's namespaces, without those that are not its own. */
export const ownNamespaces = (namespaces: ReadonlyMap<string, { readonly borrowed?: string }>): string[] =>
  [...namespaces].flatMap(([name, { borrowed }]) => (borrowed ? [] : [name]))

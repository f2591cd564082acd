import type { Command } from '../model/command.ts'
import type { Kind, Outlook } from '../model/kind.ts'
import type { Resource } from '../model/resource.ts'

/** The program with these arguments, in the namespace of the resource. */
export const within = ({ root, namespace }: Resource<any>, ...argv: string[]): Command =>
  root ? { argv } : { argv, netns: namespace }

/** `ip …` in the namespace of the resource. */
export const ip = (resource: Resource<any>, ...words: string[]): Command => within(resource, 'ip', ...words)

/** Whether something else that goes takes the resource along. */
export const covered = (kind: Pick<Kind, 'lostWith'>, resource: Resource<any>, { goes, live }: Outlook): boolean =>
  kind.lostWith(resource, live).some(goes)

import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { Resource, Resources } from '../model/resource.ts'
import { isLink } from '../model/topology.ts'
import type { Live } from '../observe/read.ts'
import { missing } from './machine.ts'

/** What a name that the lab needs is the name of. */
const wordFor = (r: Resource): string => (r.kind === 'share' ? 'namespace' : isLink(r) ? 'interface' : r.kind)

const alreadyThere = (
  { spec, namespace }: Resource,
  position: Pick<Diagnostic, 'position'> | undefined,
): Diagnostic => ({
  code: 'foreign-resource',
  severity: 'error',
  summary: `${String(spec['address'])} is an address of ${namespace}:${String(spec['dev'])} already, and no lab put it there`,
  detail: 'Leave it out here: the lab can use it as it is.',
  ...position,
})

/**
 * Throws a UserError when something that belongs to others has a name that the lab needs: netlab never touches it. `refused` says
 * why interfaces, routes and rules cannot be adopted.
 */
export function mustBeFree(
  wanted: Resources,
  live: Live,
  adopted: ReadonlySet<string>,
  refused: ReadonlyMap<string, string> = new Map(),
): void {
  const errors = [...live.foreign.values()].flatMap(({ id, owner }): Diagnostic[] => {
    const resource = wanted.get(id)
    if (!resource || resource.kind === 'existing' || adopted.has(id)) return []
    const position = resource.source && { position: resource.source() }
    if (resource.kind === 'address') return [alreadyThere(resource, position)]
    const why = refused.get(id)
    if (why !== undefined)
      return [
        {
          ...{
            code: 'foreign-resource',
            severity: 'error',
            summary: `${wordFor(resource)} ${id} cannot be adopted: ${why}`,
          },
          detail: isLink(resource)
            ? 'Use it as it is (existing: true), or give it another name here.'
            : 'Leave it out here: the lab can use it as it is.',
          ...position,
        },
      ]
    const what = wordFor(resource)
    const isNamespace = what === 'namespace'
    return [
      {
        code: 'foreign-resource',
        severity: 'error',
        summary: `${what} ${id} exists already, and ${owner === undefined ? 'no lab made it' : `lab ${owner} owns it`}`,
        detail:
          owner === undefined
            ? isNamespace
              ? `Give it another name here, remove it yourself (ip netns del ${id}), or take it over with --adopt.`
              : isLink(resource)
                ? 'Use it as it is (existing: true), give it another name here, remove it yourself (ip link del), or take it over with --adopt, if it is of the same type.'
                : `Leave it out here, remove it yourself (ip ${what} del), or take it over with --adopt.`
            : `Give it another name here, or remove that lab first: netlab destroy ${owner}. If this is that lab in a renamed file, write name: ${owner} at the top of the file.`,
        ...position,
      },
    ]
  })
  errors.push(...missing(wanted, live))
  if (errors.length) throw new UserError(errors)
}

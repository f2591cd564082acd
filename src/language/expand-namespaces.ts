import { borrowedResource } from '../kinds/borrowed.ts'
import { LENDERS, lenderOf } from '../model/lender.ts'
import type { Expansion } from './expansion.ts'
import type { NamespaceFile } from './lab-file.ts'
import type { Path } from './yaml/source.ts'
import { namespaceName } from './valid-names.ts'
import { suggest } from './report.ts'

/** Adds namespaces and their second names. After an error here, the rest of the file is not expanded. */
export function expandNamespaces(x: Expansion): void {
  const { namespaces } = x.file
  const names = Object.keys(namespaces)
  const roots = new Map<string | undefined, string>()
  for (const [name, fields] of Object.entries(namespaces)) {
    const path = ['namespaces', name]
    if (!namespaceName.test(name)) {
      x.report.error(
        'bad-name',
        path,
        `"${name}" cannot be the name of a namespace`,
        `Use at most 63 letters, digits, _ . and -, and begin with a letter or digit.${/[[{]/.test(name) ? ' A range is written h[1..40].' : ''}`,
        'key',
      )
      continue
    }
    const lender = lenderOf(fields)
    if (lender) {
      checkLender(x, name, fields ?? {}, path)
      x.add(borrowedResource(name, lender), path, 'key')
      continue
    }
    if (fields?.root) {
      const other = roots.get(fields.machine)
      if (other !== undefined)
        x.report.error(
          'given-twice',
          [...path, 'root'],
          `${other} already is the machine’s own namespace`,
          'A lab can have only one on each machine.',
        )
      else roots.set(fields.machine, name)
      if (fields.shares !== undefined)
        x.report.error(
          'second-name',
          [...path, 'shares'],
          'the machine’s own namespace cannot be a second name of another',
        )
      continue
    }
    const { shares } = fields ?? {}
    if (shares === undefined) {
      // What a setup makes is not the lab's.
      const spec = fields?.others || fields?.setup ? { others: 'keep' } : {}
      x.add({ id: name, kind: 'namespace', namespace: name, spec }, path, 'key')
      continue
    }
    const where = [...path, 'shares']
    const other = Object.keys(fields ?? {}).filter((field) => field !== 'shares' && field !== 'processes')
    if (other.length)
      x.report.error(
        'second-name',
        [...path, other[0] ?? ''],
        `${name} is a second name of ${shares}: it cannot have its own ${other[0]}`,
        `Write it under namespaces.${shares}.`,
        'key',
      )
    if (!Object.hasOwn(namespaces, shares))
      x.report.error(
        'unknown-reference',
        where,
        `there is no namespace ${shares}`,
        () => suggest(shares, names) ?? `There are: ${names.join(', ')}.`,
      )
    else if (namespaces[shares]?.shares !== undefined) {
      const circle = circleFrom(x, name)
      const detail = circle
        ? `The chain is circular: ${circle.join(' → ')}.`
        : `Write shares: ${String(namespaces[shares]?.shares)}.`
      x.report.error('second-name', where, `${shares} is itself a second name`, detail)
    } else if (x.borrowed(shares))
      x.report.error(
        'second-name',
        where,
        namespaces[shares]?.root
          ? `${shares} is the machine’s own namespace, which cannot have a second name`
          : `${shares} is a namespace that the lab does not own, and cannot have a second name`,
        'Use the namespace directly.',
      )
    x.add({ id: name, kind: 'share', namespace: name, spec: { of: shares } }, path, 'key')
  }
}

/** What a lab says of its own namespaces only. */
const OWN = ['processes', 'files', 'private', 'hostname', 'resolver', 'others', 'shares', 'root'] as const
/** What can neither be an option of podman or docker nor anything but one name (containers/storage, moby: their names). */
const containerName = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/
/** A name under /run/netns, or an absolute path. */
const netnsName = /^(?:\/[\w.@:+~/-]+|[A-Za-z0-9_][\w.-]*)$/

/** Reports what is wrong in the entry of somebody else's namespace. */
function checkLender(x: Expansion, name: string, fields: NamespaceFile, path: Path): void {
  const [first = 'container', second] = LENDERS.filter((field) => fields[field] !== undefined)
  if (second !== undefined)
    x.report.error(
      'given-twice',
      [...path, second],
      `${name} is said to be that of a ${first} already`,
      `Write one of ${LENDERS.join(', ')}.`,
      'key',
    )
  for (const field of OWN)
    if (fields[field] !== undefined)
      x.report.error(
        'not-the-labs',
        [...path, field],
        `${name} is somebody else’s namespace: it has no ${field}`,
        HINTS[field],
        'key',
      )
  const { container, netns } = fields
  if (container !== undefined && !containerName.test(container))
    x.report.error('bad-name', [...path, 'container'], `"${container}" is not a name of a container`)
  if (netns === undefined) return
  if (!netnsName.test(netns))
    x.report.error(
      'bad-name',
      [...path, 'netns'],
      `"${netns}" is not a namespace`,
      'Write a name under /run/netns, or an absolute path.',
    )
  const own = netns.replace(/^\/(?:var\/)?run\/netns\//, '')
  if (own !== name && Object.hasOwn(x.file.namespaces, own) && !x.borrowed(own))
    x.report.error('not-the-labs', [...path, 'netns'], `${own} is a namespace of this lab`, `Use ${own} itself.`)
}

const HINTS: Readonly<Partial<Record<(typeof OWN)[number], string>>> = {
  processes:
    'Its programs are its owner’s: podman exec or docker exec starts one, netlab exec one in its network alone.',
  others: 'Leave it out: whatever the lab does not list there is left alone in any case.',
  shares: 'Leave one of the two out.',
  root: 'Leave one of the two out.',
}

/** The names of a circle of shares, when there is one. */
function circleFrom(x: Expansion, name: string): string[] | undefined {
  const seen = [name]
  for (let next = x.file.namespaces[name]?.shares; next !== undefined; next = x.file.namespaces[next]?.shares) {
    if (seen.includes(next)) return [...seen, next]
    seen.push(next)
  }
  return undefined
}

import type { Expansion } from './expansion.ts'
import { namespaceName } from './valid-names.ts'
import { suggest } from './report.ts'

/** Adds namespaces and their second names. After an error here, the rest of the file is not expanded. */
export function expandNamespaces(x: Expansion): void {
  const { namespaces } = x.file
  const names = Object.keys(namespaces)
  let root: string | undefined
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
    if (fields?.root) {
      if (root !== undefined)
        x.report.error(
          'given-twice',
          [...path, 'root'],
          `${root} is this machine’s namespace already`,
          'There is only one.',
        )
      root ??= name
      if (fields.shares !== undefined)
        x.report.error('second-name', [...path, 'shares'], 'the machine’s own namespace is no second name of another')
      continue
    }
    const { shares } = fields ?? {}
    if (shares === undefined) {
      const spec = fields?.others ? { others: fields.others } : {}
      x.add({ id: name, kind: 'namespace', namespace: name, spec }, path, 'key')
      continue
    }
    const where = [...path, 'shares']
    const other = Object.keys(fields ?? {}).filter((field) => field !== 'shares' && field !== 'processes')
    if (other.length)
      x.report.error(
        'second-name',
        [...path, other[0] ?? ''],
        `${name} is a second name of ${shares}: it has no ${other[0]} of its own`,
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
        ? `In a circle: ${circle.join(' → ')}.`
        : `Write shares: ${String(namespaces[shares]?.shares)}.`
      x.report.error('second-name', where, `${shares} is itself a second name`, detail)
    } else if (namespaces[shares]?.root)
      x.report.error(
        'second-name',
        where,
        `${shares} is this machine’s own namespace`,
        'It has no name under /run/netns that a second one could stand beside: use it directly.',
      )
    x.add({ id: name, kind: 'share', namespace: name, spec: { of: shares } }, path, 'key')
  }
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

import { kindOf } from '../kinds/index.ts'
import { canonicalAddress } from '../model/cidr.ts'
import { isCommand, isDestination, NEAR } from '../model/other-machine.ts'
import type { Resources } from '../model/resource.ts'
import type { LabFile, NamespaceFile } from './lab-file.ts'
import type { Expansion } from './expansion.ts'
import type { LabHeader, NamespaceHeader } from './load-lab.ts'
import { suggest } from './report.ts'
import { labName } from './valid-names.ts'

/** The machine of a namespace; a second name is where its namespace is. */
export function machineOf(
  fields: NamespaceFile | null,
  namespaces: LabFile['namespaces'],
): Pick<NamespaceHeader, 'machine'> {
  const { machine } = (fields?.shares === undefined ? fields : namespaces[fields.shares]) ?? {}
  return machine === undefined ? {} : { machine }
}

/** Checks the machines, and that namespaces name them. */
export function expandMachines({ file, report }: Expansion): void {
  const { machines = {}, namespaces } = file
  const names = Object.keys(machines)
  for (const [name, { ssh, run, address }] of Object.entries(machines)) {
    const path = ['machines', name]
    const isTaken = name === NEAR || Object.hasOwn(namespaces, name)
    if (!labName.test(name) || isTaken) {
      const why = name === NEAR ? 'that is the machine on which netlab runs' : 'a namespace has that name'
      report.error(
        'bad-machine',
        path,
        `no machine can be called ${name}${isTaken ? `: ${why}` : ''}`,
        isTaken ? undefined : 'Use at most 32 lower-case letters, digits and -, and begin with a letter or digit.',
        'key',
      )
    }
    if ((ssh === undefined) === (run === undefined))
      report.error(
        'bad-machine',
        path,
        `${name} has ${ssh === undefined ? 'neither' : 'both'} ssh ${ssh === undefined ? 'nor' : 'and'} run`,
        'Give one of them: how to run a command there.',
        'key',
      )
    if (ssh !== undefined && !isDestination(ssh))
      report.error('bad-machine', [...path, 'ssh'], `"${ssh}" is not a destination of ssh`, 'As in: root@left.example')
    if (run && !isCommand(run)) report.error('bad-machine', [...path, 'run', 0], `"${run[0]}" is not a program`)
    if (address !== undefined && canonicalAddress(address) === undefined)
      report.error('bad-machine', [...path, 'address'], `"${address}" is not an address`)
  }
  for (const [namespace, fields] of Object.entries(namespaces)) {
    const { machine } = fields ?? {}
    if (machine === undefined || Object.hasOwn(machines, machine)) continue
    report.error(
      'unknown-reference',
      ['namespaces', namespace, 'machine'],
      `there is no machine ${machine}`,
      () => suggest(machine, names) ?? (names.length ? `There are: ${names.join(', ')}.` : 'List it under machines.'),
    )
  }
  if (file.place && names.length === 0)
    report.error(
      'bad-machine',
      ['place'],
      'there are no machines to spread the lab over',
      'List them under machines.',
      'key',
    )
}

/** Two namespaces that must be on one machine, and the id of what needs that. */
export interface Tie {
  readonly namespace: string
  readonly other: string
  readonly id: string
}

/** What must be on one machine: second names, and interfaces upon those of other namespaces. */
export function tiesOf(resources: Resources): Tie[] {
  const ties: Tie[] = []
  for (const r of resources.values()) {
    const kind = kindOf(r.kind)
    const apart = new Set(kind.awaits?.(r))
    for (const need of kind.needs(r)) {
      const other = apart.has(need) ? undefined : resources.get(need)?.namespace
      if (other !== undefined && other !== r.namespace) ties.push({ namespace: r.namespace, other, id: r.id })
    }
  }
  return ties
}

/** Reports what must be on one machine, and is not. */
export function mustBeTogether(x: Expansion, { namespaces }: Pick<LabHeader, 'namespaces'>): void {
  const where = (namespace: string): string => namespaces.get(namespace)?.machine ?? NEAR
  for (const { namespace, other, id } of tiesOf(x.resources)) {
    const position = x.resources.get(id)?.source?.()
    if (position && where(namespace) !== where(other))
      x.report.at(
        'apart',
        position,
        `${id} needs ${other}, which is on another machine: ${where(namespace)} and ${where(other)}`,
        'Give both namespaces the same machine.',
      )
  }
}

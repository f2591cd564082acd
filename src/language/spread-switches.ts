import { LENDERS } from '../model/lender.ts'
import { longForm } from './drafts.ts'
import type { LabFile, NamespaceFile, Settings } from './lab-file.ts'
import type { Report } from './report.ts'
import type { Path } from './yaml/source.ts'

/** A namespace of a file, which may be a switch on several machines. */
export type SwitchFile = Omit<NamespaceFile, 'machine'> & {
  readonly machine?: string | readonly string[]
  readonly evpn?: true
}
/** A lab file with such namespaces. */
export type SpreadFile = Omit<LabFile, 'namespaces'> & {
  readonly namespaces: Readonly<Record<string, SwitchFile | null>>
}

/** A switch on several machines. */
export interface SpreadSwitch {
  readonly name: string
  readonly fields: SwitchFile
  /** Its machines, each once. */
  readonly machines: readonly string[]
  /** Its bridges, with their settings. */
  readonly bridges: ReadonlyMap<string, Settings>
  /** By bridge, its ports, as far as the file says which they are. */
  readonly ports: ReadonlyMap<string, readonly SpreadPort[]>
}

/** A port of a bridge of such a switch. */
interface SpreadPort {
  readonly settings: Settings
  readonly path: Path
}

/** The namespace of the n-th piece of a switch. */
export const pieceOf = ({ name, machines }: Pick<SpreadSwitch, 'name' | 'machines'>, n: number): string =>
  n > 0 ? `${name}.${machines[n]}` : name

/** What such a namespace cannot be besides. */
const NO_SWITCH = ['root', 'shares', ...LENDERS] as const

/** The switches of the file that are on several machines, by name. Reports what cannot be on several. */
export function spreadSwitches(file: SpreadFile, report: Report): ReadonlyMap<string, SpreadSwitch> {
  const found = new Map<string, SpreadSwitch>()
  for (const [name, fields] of Object.entries(file.namespaces)) {
    const path = ['namespaces', name]
    if (typeof fields?.machine === 'object') found.set(name, spreadSwitch(name, fields, fields.machine))
    else if (fields?.evpn)
      report.error(
        'senseless-field',
        [...path, 'evpn'],
        'evpn is for a switch on several machines',
        'List them: machine: [left, right].',
        'key',
      )
  }
  if (found.size) addPorts(file, found)
  for (const one of found.values()) {
    checkSpread(one, report)
    for (const [n, machine] of one.machines.entries())
      if (n > 0 && Object.hasOwn(file.namespaces, pieceOf(one, n)))
        report.error(
          'given-twice',
          ['namespaces', pieceOf(one, n)],
          `${pieceOf(one, n)} is what ${one.name} is called on ${machine}`,
          'Choose another name.',
          'key',
        )
  }
  return found
}

function spreadSwitch(name: string, fields: SwitchFile, machines: readonly string[]): SpreadSwitch {
  const bridges = new Map(Object.entries(fields.bridges ?? {}).map(([bridge, value]) => [bridge, longForm(value)]))
  const ports = new Map([...bridges.keys()].map((bridge) => [bridge, [] as SpreadPort[]]))
  for (const [port, value] of Object.entries(fields.interfaces ?? {})) {
    const settings = longForm(value)
    const bridge = String(settings['bridge'] ?? settings['master'])
    ports.get(bridge)?.push({ settings, path: ['namespaces', name, 'interfaces', port] })
  }
  return { name, fields, machines: [...new Set(machines)], bridges, ports }
}

/** Adds the ends of links at bridges to their ports. */
function addPorts({ links = [] }: SpreadFile, switches: ReadonlyMap<string, SpreadSwitch>): void {
  for (const [n, { endpoints, mtu }] of links.entries())
    for (const [key, value] of Object.entries(endpoints)) {
      const listed = Array.isArray(endpoints)
      const [name, bridge = ''] = (listed ? String(value) : key).split(':') as [string, string?]
      const ports = switches.get(name)?.ports.get(bridge) as SpreadPort[] | undefined
      const settings = { ...(mtu !== undefined && { mtu }), ...(listed ? {} : longForm(value)) }
      ports?.push({ settings, path: ['links', n, 'endpoints', listed ? Number(key) : key] })
    }
}

function checkSpread({ name, fields, machines, bridges, ports }: SpreadSwitch, report: Report): void {
  const path = ['namespaces', name]
  const refuse = (at: Path, summary: string, detail: string, on?: 'key'): void =>
    report.error('cannot-spread', [...path, ...at], summary, detail, on)
  for (const field of NO_SWITCH)
    if (fields[field] !== undefined)
      refuse([field], `${name} is on several machines, so it has no ${field}`, 'Give it one machine.', 'key')
  if (bridges.size === 0)
    refuse(['machine'], `${name} is on several machines, and has no bridges`, 'Only a switch can be on several.')
  const all = fields.machine as readonly string[]
  for (const [n, machine] of all.entries())
    if (all.indexOf(machine) < n)
      report.error(
        'given-twice',
        [...path, 'machine', n],
        `${machine} is in this list already`,
        'Leave one of them out.',
      )
  if (machines.length < 2) return
  for (const [bridge, { stp, vlan_filtering }] of bridges) {
    const at = ['bridges', bridge]
    if (stp === true)
      refuse(
        [...at, 'stp'],
        `${bridge} is on several machines, so it cannot use STP`,
        'Its pieces are all joined with each other and do not pass frames in circles; STP would block these links. Leave it out.',
      )
    if (fields.evpn && vlan_filtering === true)
      refuse(
        [...at, 'vlan_filtering'],
        `${bridge} is joined by EVPN, so it cannot filter VLANs`,
        'Use a bridge for each VLAN, or leave out evpn.',
      )
    const isolated = ports.get(bridge)?.find(({ settings }) => settings['isolated'] === true)
    if (isolated)
      report.error(
        'cannot-spread',
        [...isolated.path, 'isolated'],
        `${bridge} is on several machines, so its ports cannot be isolated`,
        'Its pieces do not tell each other which ports are isolated. Leave it out.',
      )
  }
}

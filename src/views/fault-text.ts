import type { Colors } from 'picocolors/types'
import { endpointText, type Fault } from '../model/fault.ts'
import type { FORMAT } from './json.ts'

/** A fault as programs read it. */
export interface FaultJson {
  /** Eight hexadecimal digits; `netlab heal ID` ends it. */
  readonly id: string
  readonly kind: 'cut' | 'impair' | 'partition'
  /** What was asked for, in words: `cut a:eth0`. */
  readonly description: string
  /** As in `2026-11-29T10:12:03.412Z`. */
  readonly since: string
  /** When it is to end; absent: when it is healed. */
  readonly until?: string
  /** A run on the lab has taken its effects away; `netlab apply` brings them back. */
  readonly lifted?: true
  /** `NS:IF` of a cut or an impairment. */
  readonly target?: string
  /** Of a cut: only what the target sends is lost. */
  readonly one_way?: true
  /** Of an impairment. */
  readonly settings?: Readonly<Record<string, string>>
  readonly to?: string
  readonly from?: string
  /** Of a partition: groups of namespaces that do not hear each other. */
  readonly groups?: readonly (readonly string[])[]
}

/** What `netlab cut`, `impair` and `partition` print with `--json`: the new faults. */
export interface FaultsJson {
  readonly format_version: typeof FORMAT
  readonly faults: readonly FaultJson[]
}

/** What `netlab heal --json` prints: the faults that it has ended. */
export interface HealedJson {
  readonly format_version: typeof FORMAT
  readonly healed: readonly FaultJson[]
}

/** What `netlab fault --json` prints when the timeline is over. */
export interface FaultRunJson {
  readonly format_version: typeof FORMAT
  readonly lab: string
  readonly timeline: string
  readonly seed: number
  readonly events: readonly {
    /** Seconds after the beginning. */
    readonly at: number
    readonly description: string
    /** The ids of the faults that it has set or ended. */
    readonly faults: readonly string[]
  }[]
}

/** What was asked for, in the words of the command line: `impair a:eth0 delay=50ms to=c`. */
export function faultWords(fault: Fault): string {
  if (fault.kind === 'partition') return `partition ${fault.groups.map((group) => group.join(',')).join(' ')}`
  const words = [fault.kind, endpointText(fault.target)]
  if (fault.kind === 'cut') return [...words, ...(fault.oneWay ? ['--one-way'] : [])].join(' ')
  const { settings, to, from } = fault
  const all = { ...settings, ...(to !== undefined && { to }), ...(from !== undefined && { from }) }
  return [...words, ...Object.entries(all).map(([name, value]) => `${name}=${value}`)].join(' ')
}

/** The fault as plain JSON data. */
export function faultJson(fault: Fault): FaultJson {
  const { id, kind, since, until, lifted } = fault
  return {
    ...{ id, kind, description: faultWords(fault), since: new Date(since).toISOString() },
    ...(until !== undefined && { until: new Date(until).toISOString() }),
    ...(lifted && { lifted }),
    ...(fault.kind === 'partition' ? { groups: fault.groups } : { target: endpointText(fault.target) }),
    ...(fault.kind === 'cut' && fault.oneWay && { one_way: fault.oneWay }),
    ...(fault.kind === 'impair' && { settings: fault.settings }),
    ...(fault.kind === 'impair' && fault.to !== undefined && { to: fault.to }),
    ...(fault.kind === 'impair' && fault.from !== undefined && { from: fault.from }),
  }
}

/** A line for each fault, with its id and its time. */
export function renderFaults(faults: readonly FaultJson[], c: Colors): string {
  const clock = (time: string): string => new Date(time).toTimeString().slice(0, 8)
  const width = Math.max(0, ...faults.map(({ description }) => Math.min(description.length, 48)))
  return faults
    .map(({ id, description, since, until, lifted }) => {
      const when = `since ${clock(since)}${until === undefined ? '' : `, until ${clock(until)}`}`
      const away = lifted ? c.yellow('  without effect until netlab apply has run') : ''
      return `  ${c.yellow(id)}  ${description.padEnd(width)}  ${c.dim(when)}${away}\n`
    })
    .join('')
}

/** The faults of a lab, under a title of their own; empty when there are none. */
export const faultSection = (faults: readonly FaultJson[] = [], c: Colors): string =>
  faults.length === 0
    ? ''
    : `\n${c.bold('Faults')}, which are no drift and which netlab heal ends:\n${renderFaults(faults, c)}`

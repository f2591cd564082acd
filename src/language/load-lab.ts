import { dirname, resolve } from 'node:path'
import { claimed } from '../firewall/division.ts'
import type { Check } from '../model/check.ts'
import { UserError, type Diagnostic, type Position } from '../model/diagnostic.ts'
import type { Confines } from '../model/host.ts'
import type { Lender } from '../model/lender.ts'
import type { Machine } from '../model/other-machine.ts'
import type { Resources } from '../model/resource.ts'
import type { Timeline } from '../model/timeline.ts'
import { topologyOf, type Topology } from '../model/topology.ts'
import { expandChecks } from './expand-checks.ts'
import { checkConfines } from './confined.ts'
import { borrowedBy, expansion, type Expansion } from './expansion.ts'
import type { LabFile } from './lab-file.ts'
import { expandFirewalls, whereIn, type Origins, type PlaceInFile } from './expand-firewalls.ts'
import { expandHomes, textAsFile, type FilesBeside } from './expand-homes.ts'
import { expandInterfaces } from './expand-interfaces.ts'
import { expandFaults } from './expand-faults.ts'
import { expandFou } from './expand-fou.ts'
import { checkIpsets, expandIpsets } from './expand-ipsets.ts'
import { withoutIgnored, withoutLints } from './lints/ignored.ts'
import { lint } from './lints/lints.ts'
import { labNameFrom } from './valid-names.ts'
import { readNft, type Beside } from './nft.ts'
import { expandNamespaces } from './expand-namespaces.ts'
import { expandProcesses } from './expand-processes.ts'
import { assemble } from './include.ts'
import { besideLab, quoted } from './yaml/origin.ts'
import { reporter, type Report } from './report.ts'
import { expandRouting } from './expand-routing.ts'
import { expandMachines, machineOf, mustBeTogether } from './expand-machines.ts'
import { expandMacsec } from './expand-macsec.ts'
import { checkSettings, expandSettings, sysctlKeys } from './expand-settings.ts'
import { checkShape } from './shape.ts'
import { withPieces } from './switch-pieces.ts'
import type { Path, Source } from './yaml/source.ts'
import { expandWireguard, type KeyFile } from './expand-wireguard.ts'

/** A lab file's text, and the way to the files that it names. */
export interface LabInput {
  /** For messages; `-` is standard input. */
  readonly file: string
  readonly text: string
  /** The name of the lab, whatever the file says. */
  readonly name?: string
  /** Reads a file that lies beside the lab file. Throws as `readFileSync` does. */
  readonly readBeside?: (path: string) => string
  /** The files beside the lab file that match a shell's pattern, sorted. */
  readonly listBeside?: (pattern: string) => readonly string[]
  /** Finds a file or folder beside the lab file. Throws as `readFileSync` does. Default: by `readBeside`, and no folders. */
  readonly fileBeside?: (path: string) => ReturnType<FilesBeside>
  /** Finds a file that holds a key, beside the lab file. Saved plans do not record it. */
  readonly keyFile?: KeyFile
  /** The values of vars that the command line gives. */
  readonly set?: ReadonlyMap<string, string>
  /** What the lab cannot have where it is to live. */
  readonly confines?: Confines | undefined
  /** False: without the warnings of lints. Default: with them. */
  readonly lint?: boolean | undefined
}

/** What is known of a namespace as soon as the file has the right shape. */
export interface NamespaceHeader {
  /** It is not the lab's own. As in a resource; until it is found, instead of the path what the file says. */
  readonly borrowed?: string
  /** Somebody else's, as the file names it. */
  readonly lender?: Lender
  readonly shares?: string
  /** The machine on which the file places it. */
  readonly machine?: string
  /** It has no bridge. */
  readonly unbridged?: true
}

/** What is known of a lab as soon as its file has the right shape: enough to know where to look in the kernel. */
export interface LabHeader {
  readonly name: string
  /** Every namespace name of the file, in its order. */
  readonly namespaces: ReadonlyMap<string, NamespaceHeader>
  /** The number of namespaces of the whole lab, when these are only those on one machine. */
  readonly size?: number
  /** The sysctls that the file sets, by namespace. */
  readonly sysctls: ReadonlyMap<string, readonly string[]>
  /** By namespace, the tables called as iptables' own that the file declares under `nftables`: `ip nat`. */
  readonly nftables: ReadonlyMap<string, readonly string[]>
  /** The other machines of a lab that is on several, by name; absent: everything is where netlab runs. */
  readonly machines?: ReadonlyMap<string, Machine>
  /** netlab chooses the machines of namespaces that have none. */
  readonly spreads?: true
}

/** A lab: what its file asks for, written out. */
export interface Lab extends LabHeader {
  readonly file: string
  /** The folder in which the file lies, absolute; of standard input, the one where netlab runs. */
  readonly folder: string
  readonly description?: string
  readonly resources: Resources
  readonly topology: Topology
  readonly checks: readonly Check[]
  /** Timelines of faults, by name. */
  readonly faults: ReadonlyMap<string, Timeline>
  readonly warnings: readonly Diagnostic[]
  /** Where the places are that the tools complain about in a firewall. */
  readonly where: PlaceInFile
  /** The ids of interfaces for which the file says no MTU. */
  readonly assumedMtus?: ReadonlySet<string>
}

/** A lab file of the right shape. */
export interface OpenLab extends LabHeader {
  /** Expands the lab file, once. Throws a UserError with all errors in it. */
  readonly lab: () => Lab
  /** The lab with somebody else's namespaces at these paths, by name. */
  readonly at: (places: ReadonlyMap<string, string>) => OpenLab
  /** Where the value at this path is written. */
  readonly position: (path: Path) => Position
  /** Adds the lines of this file to an error that was found out later, from its position alone. */
  readonly quote: (diagnostic: Diagnostic) => Diagnostic
}

/** Parses the file and checks it against the schema. Throws a UserError with all errors. */
export function openLab(input: LabInput): OpenLab {
  const begun = begin(input)
  if (!begun.header) throw new UserError(errorsIn(begun))
  return opened(input, { ...begun, header: begun.header })
}

function opened(input: LabInput, begun: Begun & { readonly header: LabHeader }): OpenLab {
  let lab: Lab | undefined
  const { header, report } = begun
  return {
    ...header,
    lab: () => (lab ??= finish(input, begun)),
    at(places) {
      const at = (name: string): { borrowed?: string } => (places.has(name) ? { borrowed: places.get(name) ?? '' } : {})
      const namespaces = new Map([...header.namespaces].map(([name, n]) => [name, { ...n, ...at(name) }]))
      return opened(input, { ...begun, header: { ...header, namespaces } })
    },
    position: (path) => report.position(path),
    quote: (diagnostic) => {
      const { position, snippet } = diagnostic
      return snippet || !position ? diagnostic : { ...diagnostic, ...quoted(begun.source, position) }
    },
  }
}

/** Parses, checks and expands a lab file. Throws a UserError with all errors. */
export const loadLab = (input: LabInput): Lab => openLab(input).lab()

/** All errors and warnings, in the order of the lines. */
export const diagnose = (input: LabInput): readonly Diagnostic[] => examine(input).diagnostics

/** All errors and warnings, in the order of the lines, and the lab, where there are no errors. */
export function examine(input: LabInput): { readonly diagnostics: readonly Diagnostic[]; readonly lab?: Lab } {
  const begun = begin(input)
  const lab = begun.header && expand(input, begun)
  const diagnostics = said(input, begun)
  return { diagnostics, ...(lab && !begun.report.failed() && { lab }) }
}

/** The diagnostics that are to be shown. */
function said(input: LabInput, { source, report }: Begun): readonly Diagnostic[] {
  const { diagnostics } = report
  return sorted(input.lint === false ? withoutLints(diagnostics) : withoutIgnored(diagnostics, source))
}

/** A lab file that was parsed; `header` is absent when it has not the shape of one. */
interface Begun {
  readonly source: Source
  readonly report: Report
  readonly header?: LabHeader
  /** The ids of interfaces with an MTU that the file does not say, although they have one. */
  readonly assumed?: readonly string[]
}

function begin(input: LabInput): Begun {
  const { file, text, set } = input
  const whole = assemble({ file, text, read: input.readBeside ?? missing, ...(set && { set }) })
  const shape = reporter(whole)
  if (shape.failed() || !checkShape(whole.value, shape)) return { source: whole, report: shape }
  const { source, assumed } = withPieces(whole, shape)
  const report = source === whole ? shape : reporter(source)
  const { name: own = labNameFrom(file), namespaces, machines, place } = source.value as LabFile
  const { name = own } = input
  const all = Object.entries(namespaces)
  const header = {
    name,
    namespaces: new Map(
      all.map(([namespace, n]) => [
        namespace,
        {
          ...borrowedBy(n),
          ...(n?.shares !== undefined && { shares: n.shares }),
          ...machineOf(n, namespaces),
          ...(n?.bridges ? {} : { unbridged: true as const }),
        },
      ]),
    ),
    sysctls: new Map(
      all.flatMap(([namespace, fields]): [string, string[]][] => {
        const keys = sysctlKeys(fields)
        return keys.length ? [[namespace, keys]] : []
      }),
    ),
    nftables: new Map(
      all.flatMap(([namespace, fields]): [string, string[]][] => {
        const tables =
          fields?.nftables === undefined
            ? []
            : claimed(readNft(fields.nftables, besideOf(input, source, ['namespaces', namespace, 'nftables'])).text)
        return tables.length ? [[namespace, tables]] : []
      }),
    ),
    ...(machines && { machines: new Map(Object.entries(machines)) }),
    ...(place === 'auto' && { spreads: true as const }),
  }
  return { source, report, header, assumed }
}

function finish(input: LabInput, begun: Begun): Lab {
  const lab = expand(input, begun)
  const errors = errorsIn(begun)
  if (!lab || errors.length) throw new UserError(errors)
  return lab
}

/** Expands the lab file and reports errors in it; undefined when an error makes the rest pointless. */
function expand(input: LabInput, { source, report, header, assumed = [] }: Begun): Lab | undefined {
  const { file, keyFile = missing, readBeside = missing, confines } = input
  if (!header) return undefined
  const wanted = source.value as LabFile
  const folder = dirname(resolve(file))
  const x: Expansion = expansion(header, wanted, report, folder)
  const origins: Origins = new Map()
  const where = whereIn(source, origins)
  if (confines) checkConfines(x, confines)
  expandMachines(x)
  expandNamespaces(x)
  if (report.failed()) return undefined
  expandSettings(x)
  expandInterfaces(x)
  for (const id of assumed) x.assumedMtus.add(id)
  const keyAt = (path: Path, name: string) => keyFile(besideLab(source, path, name))
  expandWireguard(x, keyAt)
  expandMacsec(x, keyAt)
  expandRouting(x)
  expandFou(x)
  expandIpsets(x)
  expandFirewalls(x, where, origins, (path) => besideOf(input, source, path))
  checkIpsets(x, where)
  const fileBeside = input.fileBeside ?? textAsFile(readBeside)
  expandHomes(x, (path, name) => fileBeside(besideLab(source, path, name)))
  expandProcesses(x)
  if (wanted.machines && !wanted.place) mustBeTogether(x, header)
  const topology = topologyOf(x.resources)
  checkSettings(x, topology)
  const checks = expandChecks(x, topology)
  const faults = expandFaults(x, topology)
  if (!report.failed() && input.lint !== false) lint(x, topology, checks, where)
  const { description } = wanted
  const warnings = said(input, { source, report }).filter(({ severity }) => severity === 'warning')
  const { resources } = x
  return {
    ...header,
    file,
    folder,
    ...(description !== undefined && { description }),
    resources,
    topology,
    checks,
    faults,
    warnings,
    where,
    assumedMtus: x.assumedMtus,
  }
}

const sorted = (diagnostics: readonly Diagnostic[]): Diagnostic[] =>
  [...diagnostics].sort((a, b) => order(a) - order(b))

const errorsIn = ({ report }: Begun): Diagnostic[] =>
  sorted(report.diagnostics.filter(({ severity }) => severity === 'error'))

const order = ({ position }: Diagnostic): number => (position ? position.line * 10000 + position.column : 0)

const missing = (path: string): never => {
  throw new Error(`${path} cannot be read from here`)
}

/** Finds the files that are named at the path: relative to the file around it. */
function besideOf({ readBeside = missing, listBeside = () => [] }: LabInput, source: Source, path: Path): Beside {
  return { read: readBeside, list: listBeside, named: (name) => besideLab(source, path, name) }
}

import type { LiveChain } from '../model/firewall.ts'
import type { ChecksJson } from './check-results.ts'
import type { DiffJson } from './diff-text.ts'
import type { BreakJson, HintJson } from './drill-text.ts'
import type { FaultRunJson, FaultsJson, HealedJson } from './fault-text.ts'
import type { GraphJson } from './graph/text-forms.ts'
import type { DiagnosticJson, ErrorJson, FORMAT, PlanJson, ShowJson } from './json.ts'
import type { ReachJson } from './reach-json.ts'
import type { RunJson } from './run-json.ts'
import type { TraceJson } from './way-text.ts'
import type { WatchJson } from './watch-text.ts'

/** What `netlab ps --json` prints. */
export interface PsJson {
  readonly format_version: typeof FORMAT
  readonly processes: readonly {
    readonly namespace: string
    readonly pid: number
    /** The lab, and its process to which this one belongs; absent: started by hand, or by another program. */
    readonly lab?: string
    readonly process?: string
    /** The command line; for a thread of the kernel its name. */
    readonly command: string
  }[]
}

/** What `netlab list --json` prints. */
export interface ListJson {
  readonly format_version: typeof FORMAT
  readonly labs: readonly {
    readonly name: string
    readonly namespaces: readonly string[]
    /** The paths of somebody else's namespaces in which it has interfaces. */
    readonly borrowed?: readonly string[]
  }[]
  /** Other worlds of this machine with namespaces: for root the sandboxes of its users, for a user the machine itself. */
  readonly elsewhere: readonly {
    /** In words: `on the machine itself`. */
    readonly where: string
    /** What lists the labs there. */
    readonly command: string
    readonly namespaces: readonly string[]
  }[]
}

/** What `netlab show --rules --json` prints: the live rules of each namespace, with their counters. */
export interface RulesJson {
  readonly format_version: typeof FORMAT
  readonly lab: string
  readonly rules: Readonly<Record<string, readonly LiveChain[]>>
}

/** What `netlab validate --json` prints. A diagnostic without a place in the file has the file's first. */
export interface ValidateJson {
  readonly format_version: typeof FORMAT
  readonly valid: boolean
  /** False when the file has firewall rules or sets that could not be loaded in a throw-away namespace. */
  readonly rules_tried: boolean
  /** Why they could not. */
  readonly rules_untried_because?: string
  readonly diagnostics: readonly (DiagnosticJson & Required<Pick<DiagnosticJson, 'file' | 'line' | 'column'>>)[]
}

/** What `netlab doctor --json` prints. */
export interface DoctorJson {
  readonly format_version: typeof FORMAT
  readonly lab?: string
  readonly healthy: boolean
  readonly findings: readonly {
    readonly name: string
    readonly kind: 'system' | 'program' | 'feature' | 'namespace' | 'limit' | 'machine'
    /** The machine of the lab on which it is; absent: the one that netlab runs on. */
    readonly machine?: string
    readonly purpose: string
    /** Without it netlab, or the lab that was named, does not work. */
    readonly essential: boolean
    readonly present: boolean
    readonly version?: string
    /** The command that provides it when it is missing. */
    readonly fix?: string
  }[]
}

/**
 * The documents that commands print with `--json`, by command; `error` when a command fails before it has a result.
 * schemas/output.schema.json is generated from it (scripts/docs.mjs).
 */
export interface Documents {
  readonly plan: PlanJson
  readonly diff: DiffJson
  readonly apply: RunJson
  readonly destroy: RunJson
  readonly show: ShowJson | RulesJson
  readonly graph: GraphJson
  readonly list: ListJson
  readonly ps: PsJson
  readonly test: ChecksJson
  readonly reach: ReachJson
  readonly validate: ValidateJson
  readonly doctor: DoctorJson
  readonly cut: FaultsJson
  readonly impair: FaultsJson
  readonly partition: FaultsJson
  readonly heal: HealedJson
  readonly fault: FaultRunJson
  readonly break: BreakJson
  readonly hint: HintJson
  readonly trace: TraceJson
  /** Each line. */
  readonly watch: WatchJson
  readonly error: ErrorJson
}

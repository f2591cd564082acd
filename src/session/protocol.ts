import type { Diagnostic } from '../model/diagnostic.ts'
import type { Way } from '../model/packet-way.ts'
import type { Pair } from '../model/reach-pair.ts'
import type { Resource } from '../model/resource.ts'
import type { CheckJson, ChecksJson, LeftOut } from '../views/check-results.ts'
import type { FaultJson } from '../views/fault-text.ts'
import type { PlanJson } from '../views/json.ts'
import type { ProgramEnd, ProgramEvent, ProgramInput } from './far-programs.ts'

/** A packet to be traced: from a namespace, to a name or an address, with `:PORT` unless it is a ping. */
export interface TraceRequest {
  readonly from: string
  readonly to: string
  readonly protocol: 'icmp' | 'tcp' | 'udp'
  /** Of the whole packet, in bytes, which is not fragmented then; not of tcp. */
  readonly size?: number
}

/** A lab file, and the way to the files that it names, for another process in the same directory. */
export interface Source {
  /** For messages, and relative to the current directory; `-` is standard input. */
  readonly file: string
  readonly text: string
  /** The values of vars that the command line gives. */
  readonly set: Readonly<Record<string, string>>
  /** `REV:FILE`: what the file names is in that revision of git. */
  readonly revision?: string
  /** What was recorded of the files beside the lab file: by a saved plan, or for another machine. */
  readonly beside?: Readonly<Record<string, string>>
  /** The files with keys, for another machine. */
  readonly keys?: Readonly<Record<string, { readonly path: string; readonly text: string }>>
}

/** What a copy is made of: a lab file, or what is live, or both: then it has the checks of the file. */
export interface CopyInput {
  readonly source?: Source
  readonly live?: { readonly lab: string; readonly resources: readonly Resource[] }
  /** Whether the processes of the lab run in it. */
  readonly processes: boolean
  readonly lint: boolean
}

/** A program in a namespace of a copy. */
export interface Program {
  readonly namespace: string
  readonly argv: readonly string[]
  /** Variables that are added to the environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** What a copy may do: by the name of each operation, what it takes, the events on its way, and its result. */
export interface Operations {
  /** Builds the lab, once. */
  readonly apply: {
    readonly input: CopyInput
    /** The files that are read, also when they have errors. */
    readonly event: { readonly files: readonly string[] }
    readonly result: {
      readonly name: string
      readonly leftOut: readonly LeftOut[]
      readonly warnings: readonly Diagnostic[]
    }
  }
  /** Uses the lab of a file that is live, instead of building one. */
  readonly attach: Operation<{ readonly source: Source }, Operations['apply']['result']>
  /** Ends the programs that were started, and the faults that were set. */
  readonly leave: Operation<null, null>
  /** Runs its checks. */
  readonly test: {
    readonly input: { readonly only?: string; readonly failFast: boolean; readonly seed: number }
    /** First the names of the checks, then each result. */
    readonly event: { readonly names: readonly string[] } | { readonly check: CheckJson }
    readonly result: { readonly json: ChecksJson; readonly remarks: readonly Diagnostic[] }
  }
  /** Asks every namespace for every other, and for every service. */
  readonly reach: {
    readonly input: Readonly<Record<string, never>>
    readonly event: never
    readonly result: { readonly pairs: readonly Pair[] }
  }
  /** Sends one packet, and follows it. */
  readonly trace: Operation<TraceRequest, Way>
  /** Waits until the kernel has acted on the carriers of all links: it may take a second. */
  readonly settle: Operation<null, null>
  /** What the lab file would change in the copy. */
  readonly plan: Operation<null, PlanJson>
  /** Runs a program to its end; `timeout` is in seconds. */
  readonly exec: Operation<
    Program & { readonly input?: string; readonly timeout?: number },
    { readonly code: number; readonly stdout: string; readonly stderr: string }
  >
  /** Starts a program that `feed` and `kill` name by `handle`; its output comes as events, in base64. Returns when it has ended. */
  readonly spawn: Operation<Program & { readonly handle: number }, ProgramEnd, ProgramEvent>
  /** Writes to the input of a program (base64), and closes it. */
  readonly feed: Operation<ProgramInput, null>
  /** Sends a signal to a program and its children; whether it runs. */
  readonly kill: Operation<{ readonly handle: number; readonly signal: NodeJS.Signals }, boolean>
  readonly cut: Operation<{ readonly targets: readonly string[]; readonly oneWay: boolean }, readonly FaultJson[]>
  /** `words` are those of the command. */
  readonly impair: Operation<{ readonly words: readonly string[] }, readonly FaultJson[]>
  readonly partition: Operation<{ readonly groups: readonly (readonly string[])[] }, readonly FaultJson[]>
  /** Without targets: everything. */
  readonly heal: Operation<{ readonly targets: readonly string[] }, readonly FaultJson[]>
}

interface Operation<Input, Result, Event = never> {
  readonly input: Input
  readonly event: Event
  readonly result: Result
}

/** A copy that was never asked for anything ends after this time, in milliseconds. */
export const UNUSED = 60_000

/** A line to the process in the copy. */
export interface Ask {
  readonly id: number
  readonly do: string
  readonly input: unknown
}

/** A line from it: exactly one of these. `bug` is a stack; `again` is that what was asked before this id did not arrive. */
export interface Answer {
  readonly id: number
  readonly again?: true
  readonly event?: unknown
  readonly result?: unknown
  readonly diagnostics?: readonly Diagnostic[]
  readonly bug?: string
}

/// <reference types="node" />
/// <reference lib="esnext.disposable" />
// The types of the package. The build writes dist/api.d.ts from this file alone, so it imports nothing of netlab's.
import type { Readable, Writable } from 'node:stream'

/** How a lab is built, or found. */
export interface LabOptions {
  /**
   * True, the default: in a throw-away sandbox of its own, beside everything that is live. False: it is not built, but the one that
   * `netlab apply` has made is used, as root on the machine, and otherwise in your sandbox.
   */
  readonly fresh?: boolean
  /** The values of `vars` of the lab file, as `--set` gives them. */
  readonly set?: Readonly<Record<string, string | number | boolean>>
  /** False: without the processes of the lab. A lab that is live has those that it has. */
  readonly processes?: boolean
}

/** How a program is run. */
export interface ProgramOptions {
  /** Variables that are added to the environment. */
  readonly env?: Readonly<Record<string, string>>
  /** The directory that it starts in. Default: that of this process when the lab was built. */
  readonly cwd?: string
}

/** How a program is run to its end. */
export interface ExecOptions extends ProgramOptions {
  /** What it reads on standard input. Default: nothing. */
  readonly input?: string
  /** In seconds; a program that takes longer is killed, with a code from 128 on. Default: 120. */
  readonly timeout?: number
}

/** How a program has ended. Every code is a result: nothing is thrown for a program that fails. */
export interface ExecResult {
  /** 127 when the program does not exist; 128 + the signal's number when a signal ended it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A running program. It ends when the lab is closed, and with this process, however that ends. */
export interface LabProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** How it ended; `code` is null when a signal ended it. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  /** Sends a signal (default: SIGTERM) to it and its children. Resolves to false when it has ended. */
  kill(signal?: NodeJS.Signals): Promise<boolean>
}

/** The result of a check. */
export interface CheckResult {
  readonly name: string
  /** `error`: it could not be tried. */
  readonly status: 'pass' | 'fail' | 'error'
  /** What was observed; for `error`, why the check could not be run. */
  readonly detail: string
  readonly expected: string
  /** The place where its packets were lost. */
  readonly where?: string
  readonly from: string
  readonly duration_ms: number
  /** How often it was tried; only for checks with `within`. */
  readonly tries?: number
  /** The lab file, or one that it includes, in which the check is, and its line there. */
  readonly file?: string
  readonly line?: number
}

/** The results of the checks, in the order of the lab file. */
export interface TestResult {
  readonly lab: string
  readonly checks: readonly CheckResult[]
  readonly summary: { readonly pass: number; readonly fail: number; readonly error: number }
}

/** A change that a plan lists. */
export interface PlannedChange {
  /** As in `a/eth0`. */
  readonly id: string
  readonly kind: string
  readonly namespace: string
  readonly action: 'create' | 'update' | 'replace' | 'delete'
  readonly description: string
  readonly differences: readonly { readonly field: string; readonly from?: unknown; readonly to?: unknown }[]
}

/** What would make the network as the lab file says: what somebody has changed since it was built. */
export interface LabPlan {
  readonly lab: string
  /** Empty: nothing has changed. */
  readonly changes: readonly PlannedChange[]
  /** The faults that are set: they are no changes. */
  readonly faults?: readonly LabFault[]
}

/** The way of a packet and its end, as `netlab trace --json` describes it. */
export interface LabWay {
  readonly verdict: 'answered' | 'arrived' | 'dropped' | 'refused' | 'lost'
  /** Why it ended where it did. */
  readonly reason: string
  /** Where it ended; absent when it was answered. */
  readonly at?: {
    readonly namespace: string
    readonly interface?: string
    readonly hook?: string
    /** The rule that ended it. */
    readonly rule?: { readonly table: string; readonly chain: string; readonly number?: number; readonly text: string }
  }
  readonly hops: readonly LabHop[]
  /** The way of the answer, or of the error that came back. */
  readonly reply?: { readonly kind: 'answer' | 'error'; readonly hops: readonly LabHop[] }
}

/** What a packet met in a namespace. */
export interface LabHop {
  readonly namespace: string
  readonly in?: string
  readonly out?: string
  readonly rules: readonly {
    readonly table: string
    readonly chain: string
    readonly number?: number
    readonly text: string
    readonly verdict: string
  }[]
}

/** A fault that was set. */
export interface LabFault {
  readonly id: string
  readonly kind: 'cut' | 'impair' | 'partition'
  /** In words: `cut a:eth0`. */
  readonly description: string
  /** As in `2026-11-29T10:12:03.412Z`. */
  readonly since: string
}

/** What an impairment does; the values are those of `netlab impair`: `{ delay: '50ms', loss: '5%' }`. */
export interface Impairment {
  readonly delay?: string
  readonly jitter?: string
  readonly loss?: string
  readonly rate?: string
  readonly duplicate?: string
  readonly corrupt?: string
  readonly reorder?: string
  /** Only packets to, or from, a namespace, an address or a network. */
  readonly to?: string
  readonly from?: string
  /** Other settings of `impairments` in a lab file. */
  readonly [setting: string]: string | undefined
}

/** Something that a throw-away sandbox cannot have: it was left out, and so was what needs it. */
export interface LeftOutOfLab {
  readonly id: string
  readonly reason: string
  readonly also: readonly string[]
}

/** A mistake in a lab file, or something that the machine lacks. */
export interface LabDiagnostic {
  readonly severity: 'error' | 'warning'
  /** See docs/errors.md. */
  readonly code: string
  readonly summary: string
  readonly detail?: string
  /** One-based, as editors count. */
  readonly position?: {
    readonly file: string
    readonly line: number
    readonly column: number
    readonly length?: number
  }
}

/**
 * A lab that is up. Methods reject with a `UserError` when an argument is wrong, or the lab is closed. With `close`, with
 * `await using`, and with this process, also when that is killed, everything in the sandbox of a fresh lab ends; of a lab that
 * was live before, only the programs that were started and the faults that were set.
 */
export interface LiveLab {
  readonly name: string
  readonly leftOut: readonly LeftOutOfLab[]
  readonly warnings: readonly LabDiagnostic[]
  /** Runs a program in a namespace to its end. */
  exec(namespace: string, argv: readonly string[], options?: ExecOptions): Promise<ExecResult>
  /** Starts a program in a namespace. */
  spawn(namespace: string, argv: readonly string[], options?: ProgramOptions): Promise<LabProcess>
  /** Runs the checks of the lab file; with `only`, those whose names contain the text, or match `/…/`. */
  test(options?: { readonly only?: string; readonly failFast?: boolean }): Promise<TestResult>
  /** Compares the lab file with the network. */
  plan(): Promise<LabPlan>
  /** Sends a packet, and follows it: a ping to a name or an address, or the opening of a connection or a datagram to `NAME:PORT`. */
  trace(
    from: string,
    to: string,
    options?: { readonly protocol?: 'icmp' | 'tcp' | 'udp'; readonly size?: number },
  ): Promise<LabWay>
  /** Cuts cables, each named by one of its ends (`a:eth0`); with `oneWay`, only what that end sends is lost. */
  cut(ends: string | readonly string[], options?: { readonly oneWay?: boolean }): Promise<readonly LabFault[]>
  /** Delays, loses or limits what interfaces (`a:eth0`) send. */
  impair(ends: string | readonly string[], impairment: Impairment): Promise<readonly LabFault[]>
  /** Lets groups of namespaces not hear each other. */
  partition(...groups: readonly (readonly string[])[]): Promise<readonly LabFault[]>
  /** Ends the faults of these namespaces and interfaces; without any, all faults. Resolves to those that it has ended. */
  heal(...targets: readonly string[]): Promise<readonly LabFault[]>
  /** Takes a fresh lab away, and leaves one that was live before. Resolves when that is done. May be called again. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

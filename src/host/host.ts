import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import type { Command, Outcome } from '../model/command.ts'
import type { LiveProcess, Stranger } from '../model/runner.ts'

/** A program that goes on, with its input and its outputs. */
export type Child = ChildProcessWithoutNullStreams

/** What stat(2) tells of a file that netlab asks for. */
export interface FileStatus {
  readonly device: number
  readonly inode: number
  /** In bytes. */
  readonly size: number
  readonly isFile: boolean
}

/** A file that stays, whatever becomes of its name. */
export interface OpenFile {
  /** A path to it, for as long as it is open. */
  readonly path: string
  readonly status: FileStatus
  close(): void
}

/**
 * A machine. What netlab does to one and learns of one goes through here, except for netlink, which the thread of
 * src/backend/netlink speaks with the kernel of the machine that netlab itself runs on. Files are asked for one after the other: they are
 * under /proc, /sys and /run, and are read in microseconds.
 */
export interface Host {
  /** Runs a program to its end, in a namespace where one is named. Never throws: one that is missing ends with code 127. */
  run(command: Command, signal?: AbortSignal): Promise<Outcome>
  /** Starts a program in a process group of its own, and leaves it running. A failure to start it is an `error` event. */
  start(command: Command, env?: NodeJS.ProcessEnv): Child
  /**
   * Runs a program with this terminal, and with these variables added. Returns its exit code; 128 + the signal's number
   * when a signal ended it. Throws a UserError when it is not there.
   */
  attach(argv: readonly string[], env?: Readonly<Record<string, string>>): Promise<number>
  /** The program in the folders of PATH, with all links followed; undefined when it is in none. */
  find(program: string): string | undefined
  exists(path: string): boolean
  /** Undefined when there is nothing. */
  status(path: string): FileStatus | undefined
  /** The text of a file; undefined when it cannot be read. */
  readFile(path: string): string | undefined
  /** The names in a folder, sorted; none when it cannot be read. */
  list(folder: string): string[]
  /** Keeps a file; undefined when it cannot be opened. */
  open(path: string): OpenFile | undefined
  /** What a file holds; when `follow` is set also what is added to it, until it is removed. */
  pieces(path: string, follow: boolean): AsyncGenerator<Uint8Array>
  /** Sends a signal to a process; to a group of them where `pid` is negative. False when there is none, or it is not ours. */
  signal(pid: number, signal: NodeJS.Signals): boolean
  /** One writer per lab: waits at most `timeout` ms, and says who is waited for. Returns what releases it; throws a UserError. */
  lock(lab: string, timeout: number, waiting: (holder: string) => void): Promise<() => void>
  /**
   * Waits until somebody knocks at a door of this name, at most `timeout` ms: whether somebody did. `ready` is called when
   * it can be knocked at. Throws when somebody else waits there.
   */
  waitForKnock(door: string, timeout: number, ready: () => void): Promise<boolean>
  /** Knocks; false when nobody waits there. Returns after the one who waits has heard it. */
  knock(door: string): Promise<boolean>
  /** The processes of a lab, and the logs that are left of them. */
  processes(lab: string): Promise<LiveProcess[]>
  /** The processes in these namespaces that are not the lab's. */
  strangers(lab: string, namespaces: readonly string[]): Promise<Stranger[]>
  /** Ends processes: asks first, then makes them. Throws a UserError when one is still there. */
  end(processes: readonly Stranger[]): Promise<void>
  /** The folder with a folder per lab, in which the logs NS/NAME.log of its processes lie. */
  logFolder(): string
}

import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import type { Command, Outcome } from './command.ts'
import type { LiveHome } from './live-home.ts'
import type { FileOperation } from './operation.ts'
import type { Place } from './place.ts'
import type { LiveProcess, Stranger } from './runner.ts'

/** A running program with its input and outputs. */
export type Child = ChildProcessWithoutNullStreams

/** The fields of stat(2) that netlab needs. */
export interface FileStatus {
  readonly device: number
  readonly inode: number
  /** In bytes. */
  readonly size: number
  readonly isFile: boolean
  /** When it was last changed itself (ctime), in milliseconds; of a namespace, when it was first mounted. */
  readonly changed: number
}

/** A file that is held open, so that it exists even after its name is removed. */
export interface OpenFile {
  /** A path to it, for as long as it is open. */
  readonly path: string
  readonly status: FileStatus
  close(): void
}

/** Another place on the same machine in which labs live that are not seen from here: the machine itself, or a user's sandbox. */
export interface OtherWorld {
  /** As in `on the machine itself`. */
  readonly where: string
  /** The words that call netlab there; a command follows. */
  readonly call: string
  /** The names of its network namespaces. */
  readonly namespaces: readonly string[]
}

/** What a user's sandbox lacks in comparison with the machine. */
export interface Confines {
  /** An error when the lab is about to be created; a warning when the file is only validated. */
  readonly severity: 'error' | 'warning'
  /** Whether the machine's own namespace can be reached. */
  readonly machine: boolean
  /** Whether /dev/net/tun can be opened. */
  readonly tun: boolean
  /** Whether the kernel hides this setting from namespaces that are not root's. */
  readonly hides: (sysctl: string) => boolean
}

/** The file that a throw-away sandbox has (src/host/sandbox/apart.sh), and nothing else. */
export const APART = '/run/netlab-apart'

/** A program in a sandbox of its own. */
export interface Apart {
  /** The program; what its process id stands for is outside of the sandbox, and ends with it. */
  readonly child: Child
  /** The process 1 of the sandbox, as it is seen from here. */
  readonly init: number
  /** The end of what the program has written to standard error. */
  words(): string
  /** Whether it keeps this process running, as it does in the beginning. */
  readonly awake: (awake: boolean) => void
  /** Ends the program and everything else in the sandbox. Resolves when nothing of it is left. */
  end(): Promise<void>
}

/** What of a lab is found in /proc. */
export interface LabProcesses {
  readonly processes: readonly LiveProcess[]
  readonly homes: readonly LiveHome[]
}

/** A process in a namespace, whoever started it. */
export interface Resident extends Stranger {
  /** The process of a lab that it is, or that started it. */
  readonly of?: { readonly lab: string; readonly process: string }
}

/**
 * A machine. Everything that netlab does on a machine and reads from it goes through here, except netlink, which the thread of
 * src/backend/netlink uses with the kernel of the machine that netlab itself runs on. Functions on files are synchronous: the
 * files are under /proc, /sys and /run, and reading one takes microseconds.
 */
export interface Host {
  /** Whether sockets of this process reach its kernel, as the netlink runner needs. */
  readonly isLocal: boolean
  /** By name, the paths of the namespaces that a lab on several machines borrows from containers and processes; absent: not known. */
  readonly lent?: ReadonlyMap<string, string>
  /** Whether it is a sandbox: a shell there is of use, because other shells do not see its labs. */
  readonly isSandbox: boolean
  /** Whether netlab is root there. */
  readonly isRoot: boolean
  /** The release of its kernel, as `uname -r` prints it. */
  readonly kernel: string
  /** The argv that runs netlab itself there; a command of netlab follows. */
  readonly self: readonly string[]
  /** The environment of programs there. */
  readonly env: Readonly<NodeJS.ProcessEnv>
  /** The other worlds of the machine that can be looked into from here. */
  otherWorlds(): OtherWorld[]
  /** What a lab lacks there; undefined where it lacks nothing. */
  confines(): Confines | undefined
  /** What a message of a program means there and nowhere else, and what to do; undefined for most messages. */
  explain(message: string): string | undefined
  /** Runs a program to its end, in a namespace if one is named. Never throws: a missing program ends with code 127. */
  run(command: Command, signal?: AbortSignal): Promise<Outcome>
  /**
   * Starts a program in a process group of its own, with these variables added, and leaves it running. A failure to start it is
   * an `error` event.
   */
  start(command: Command, env?: Readonly<Record<string, string>>): Child
  /** `start`, for a program that outlives this process and needs the host until it ends. */
  startLasting(command: Command, env?: Readonly<Record<string, string>>): Child
  /**
   * Starts a program in the current directory, in a throw-away sandbox: network, mount and process namespaces of its own, which
   * end with the program, with `end`, and with this process, however that ends. Throws a UserError with what to do when the
   * machine does not allow it.
   */
  startApart(argv: readonly string[]): Promise<Apart>
  /**
   * Runs a program on this terminal, with these variables added. Returns its exit code; 128 + the signal's number when a signal
   * ended it. Throws a UserError when the program does not exist.
   */
  attach(command: Command, env?: Readonly<Record<string, string>>): Promise<number>
  /** The path of a program in the folders of PATH, with links resolved; undefined when it is in none. */
  find(program: string): string | undefined
  exists(path: string): boolean
  /** The status of a file; undefined when it does not exist. */
  status(path: string): FileStatus | undefined
  /** The text of a file; undefined when it cannot be read. */
  readFile(path: string): string | undefined
  /** The names in a folder, sorted; empty when it cannot be read. */
  list(folder: string): string[]
  /** Opens a file and holds it open; undefined when it cannot be opened. */
  open(path: string): OpenFile | undefined
  /** The contents of a file; with `follow` also what is appended later, until the file is removed. */
  pieces(path: string, follow: boolean): AsyncGenerator<Uint8Array>
  /** Sends a signal to a process, or to a process group if `pid` is negative. False when it does not exist or is not ours. */
  signal(pid: number, signal: NodeJS.Signals): boolean
  /**
   * Takes the lock of a lab, so that one run at a time changes it. Waits at most `timeout` ms, calls `waiting` with the holder's
   * description, and then throws a UserError. Returns the function that releases the lock.
   */
  lock(lab: string, timeout: number, waiting: (holder: string) => void): Promise<() => void>
  /** Whether a run on this lab, or a program that it has started, is under way. */
  isLocked(lab: string): boolean
  /**
   * Waits at most `timeout` ms for a `knock` at the door of this name; returns whether there was one. Calls `ready` as soon as
   * knocking is possible. Throws when another process waits at that door.
   */
  waitForKnock(door: string, timeout: number, ready: () => void): Promise<boolean>
  /** Knocks at a door; returns after the waiting process has received the knock, or false when no process waits there. */
  knock(door: string): Promise<boolean>
  /** The processes of a lab, the logs of those that have ended, and the homes of its namespaces. */
  processes(lab: string): Promise<LabProcesses>
  /** The process that keeps the home of a namespace, by its name under /run/netns; undefined when it has none. */
  homeOf(netns: string): number | undefined
  /** Changes a file in a home. Never throws: the outcome is that of a program. */
  changeFile(operation: FileOperation & { readonly place: Place }): Outcome
  /** The processes in these namespaces that are not the lab's. */
  strangers(lab: string, namespaces: readonly string[]): Promise<Stranger[]>
  /** All processes in these namespaces but netlab's own; those of labs have the namespace that their mark names. */
  residents(namespaces: readonly string[]): Promise<Resident[]>
  /** Ends processes with SIGTERM, then SIGKILL. Throws a UserError when one still exists after that. */
  end(processes: readonly Stranger[]): Promise<void>
  /** The folder that has a folder per lab, with the logs NS/NAME.log of the lab's processes. */
  logFolder(): string
}

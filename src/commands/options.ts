import { Option } from 'commander'
import type { Host } from '../model/host.ts'
import type { Global } from './terminal.ts'

/** What a command does once its function is loaded. Returns the exit code. */
export type Run = (host: Host, options: Global) => Promise<number>
/** Runs the function of a command, and ends the program with its exit code. */
export type End = (run: Run) => Promise<void>

/** The description of the argument LAB. */
export const LAB = 'a lab file, a directory that holds one, - for standard input, or the name of a live lab'

/** The description of `--lab` of commands that take the names of namespaces. */
export const NAMES_OF = 'the lab file that defines the names, if it is not the one in this directory'

/** `--json`. */
export const json = (description = 'print a JSON document'): Option => new Option('--json', description)

/** `--full`. */
export const full = (): Option => new Option('--full', 'print every line instead of folding similar ones')

/** The values of an option that may be given several times. */
export const several = (text: string, before: readonly string[] = []): string[] => [...before, text]

/** `--set`, which may be given several times. */
export const set = (): Option =>
  new Option('--set <name=value>', 'override a variable of the lab file (repeatable)').argParser<string[]>(several)

/** `--skip-machine`. */
export const skipMachine = (): Option =>
  new Option('--skip-machine <name...>', 'leave these machines of the lab as they are')

/** `--no-lint`. */
export const noLint = (): Option => new Option('--no-lint', 'do not report lints (docs/lints.md)')

/** Ids of resources that stay as they are: those that `netlab watch --repair` does not repair now. */
export const spare = (): Option =>
  new Option('--spare <id...>')
    .argParser((id: string, all: ReadonlySet<string> = new Set()) => new Set([...all, id]))
    .hideHelp()

import { Option, type Command } from 'commander'
import type { Host } from '../model/host.ts'
import type { Global } from './terminal.ts'

/** What the registration of commands takes from src/cli.ts. */
export interface Registration {
  readonly program: Command
  /** Runs the function of a command, and ends netlab with its exit code. */
  readonly end: (run: (host: Host, options: Global) => Promise<number>) => Promise<void>
  readonly json: () => Option
  readonly set: () => Option
  readonly full: () => Option
  readonly noLint: () => Option
  /** The description of the argument LAB. */
  readonly LAB: string
}

/** Registers the commands that read lab files alone, and never a live lab. */
export function addLabFileCommands({ program, end, json, set, full, noLint, LAB }: Registration): void {
  program
    .command('validate')
    .description('check a lab file, and try its firewall rules in a throw-away namespace')
    .argument('[lab]', LAB)
    .addOption(noLint())
    .addOption(set())
    .addOption(json())
    .action((lab: string | undefined, options: object) =>
      end(async (host, global) => (await import('./validate.ts')).validate(host, lab, { ...global, ...options })),
    )

  program
    .command('diff')
    .description('what would change between two lab files, or two revisions of one in git')
    .argument('<from>', 'a lab file, REV:FILE in git, or /dev/null for none')
    .argument('<to>', 'the same')
    .addOption(set())
    .addOption(full())
    .addOption(new Option('--format <format>', 'how it is printed').choices(['text', 'markdown']).default('text'))
    .option('--as <file>', 'where both belong, if they are copies: for git difftool')
    .option('--detailed-exitcode', '0: no changes, 1: error, 2: changes')
    .addOption(json())
    .action((from: string, to: string, options: object) =>
      end(async (_, global) => (await import('./diff.ts')).diff(from, to, { ...global, ...options })),
    )

  program
    .command('export')
    .description('print a shell script that builds a lab, and takes it away, without netlab')
    .argument('[lab]', 'a lab file, a directory that holds one, or - for standard input')
    .addOption(new Option('--format <format>', 'what is printed').choices(['sh']).default('sh'))
    .addOption(set())
    .addOption(noLint())
    .action((lab: string | undefined, options: object) =>
      end(async (_, global) => (await import('./export.ts')).exportLab(lab, { ...global, ...options })),
    )
}

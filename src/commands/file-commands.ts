import { Argument, type Command } from 'commander'
import type { Host } from '../model/host.ts'
import type { Global } from './terminal.ts'

/** What a command does once its function is loaded. Returns the exit code. */
export type Run = (host: Host, options: Global) => Promise<number>
/** Runs the function of a command, and ends the program with its exit code. */
export type End = (run: Run) => Promise<void>

/** The values of an option that may be given several times. */
const several = (text: string, before: readonly string[] = []): string[] => [...before, text]

/** Adds the commands that write files, or what goes into one: none of them changes a network. */
export function addFileCommands(program: Command, end: End): void {
  program
    .command('import')
    .description('write a lab file for what is live, whoever made it, or from a file of Docker Compose or containerlab')
    .argument('[ns...]', 'namespaces (default: all that have a name), or one docker-compose.yml or x.clab.yml')
    .option('--root', 'the machine’s own namespace as well')
    .option('--container <name>', 'the namespace of a running container; again for more', several)
    .option('--pid <pid>', 'the namespace of a process; again for more', several)
    .action((names: string[], options: object) =>
      end(async (host, global) => (await import('./import.ts')).importLab(host, names, { ...global, ...options })),
    )

  program
    .command('fmt')
    .description('format lab files; comments and the order of entries stay')
    .argument('[file...]', 'lab files, directories with lab files, or - for standard input')
    .option('--check', 'change nothing; list the files that are not formatted')
    .action((files: string[], options: object) => end(async () => (await import('./fmt.ts')).fmt(files, options)))

  program
    .command('init')
    .description('write an example lab file, explained line by line')
    .argument('[template]', 'the name of a template (default: list them)')
    .option('-o, --output <file>', 'the file to write, - for standard output (default: TEMPLATE.yaml)')
    .option('--force', 'replace a file that exists')
    .action((template: string | undefined, options: object) =>
      end(async (host) => (await import('./init.ts')).init(host, template, options)),
    )

  program
    .command('schema')
    .description('print the JSON Schema of lab files')
    .action(() => end(async () => (await import('./print-schema.ts')).printSchema()))

  program
    .command('completion')
    .description('print a completion script for a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .action((shell: string) => end(async () => (await import('./completion.ts')).printCompletion(shell)))
}

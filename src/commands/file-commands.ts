import { Argument, Option, type Command } from 'commander'
import { full, json, LAB, noLint, set, several, type End } from './options.ts'

/** Adds the commands that read and write files: none of them changes a network. */
export function addFileCommands(program: Command, end: End): void {
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
    .description('show what would change between two lab files, or two revisions of one in git')
    .argument('<from>', 'a lab file, REV:FILE in git, or /dev/null for none')
    .argument('<to>', 'the same')
    .addOption(set())
    .addOption(full())
    .addOption(new Option('--format <format>', 'how it is printed').choices(['text', 'markdown']).default('text'))
    .option('--as <file>', 'where both belong, if they are copies: for git difftool')
    .option('--test', 'run the checks of the second in a throw-away copy of it')
    .option('--detailed-exitcode', '0: no changes, 1: error, 2: changes')
    .addOption(json())
    .action((from: string, to: string, options: object) =>
      end(async (host, global) => (await import('./diff.ts')).diff(host, from, to, { ...global, ...options })),
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

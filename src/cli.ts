import { constants } from 'node:os'
import { Command, Option } from 'commander'
import { version } from '../package.json'
import type { ChangeOptions } from './commands/apply.ts'
import { addGraph } from './commands/drawing.ts'
import { addDisturbing } from './commands/disturbing.ts'
import { addFileCommands } from './commands/file-commands.ts'
import { helpText } from './commands/help.ts'
import { addObserving } from './commands/observing.ts'
import type { locateAhead } from './commands/locate-ahead.ts'
import { full, json, LAB, NAMES_OF, noLint, set, skipMachine, spare, type Run } from './commands/options.ts'
import type { Global } from './commands/terminal.ts'
import { leave } from './host/leave.ts'
import { idle } from './host/status-line.ts'
import type { Host } from './model/host.ts'
import { visible } from './model/text.ts'

/** The commands, with their arguments and options. */
export const program = new Command('netlab')
  .description('Lab-as-code for Linux networking: describe a network in a YAML file; netlab creates it.')
  .version(version)
  .option('--no-color', 'print without colours')
  .option('--sandbox', 'as root: work in a sandbox as an ordinary user would, not on the machine itself')
  .enablePositionalOptions()
  .configureOutput({ writeErr: (text) => void process.stderr.write(visible(text)) })
  .addHelpText('afterAll', ({ command }) => helpText(command.name()))

/** Commands that go on when their output is closed. */
const LASTING = ['apply', 'destroy', 'test']

/** Ends the command when the reader of its output has closed the pipe (`| head`), as SIGPIPE ends other programs. */
function unheard(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  if (!LASTING.includes(program.args[0] ?? '')) process.exit(128 + constants.signals.SIGPIPE)
}

/** Where the command runs. */
let host: Host

/** Runs a command's function, loaded only now, and ends with its exit code. */
async function end(run: Run): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', unheard)
  const global = program.opts<Global>()
  try {
    process.exitCode = await run(host, global)
  } catch (error) {
    const { reportError } = await import('./commands/errors.ts')
    process.exitCode = reportError(error, { ...global, json: chosen.json ?? chosen.format === 'json' })
  }
  idle()
  await leave()
}

/** The options of the command that was called. */
let chosen: { readonly json?: boolean; readonly format?: string } = {}
program.hook('preAction', (_, command) => void (chosen = command.opts()))

/** Finds the lab of a command, and begins to connect to its machines. */
const locating: typeof locateAhead = async (...of) => (await import('./commands/locate-ahead.ts')).locateAhead(...of)

const planning = (command: Command): Command =>
  command
    .addOption(noLint())
    .option('--target <id...>', 'only these resources, and those they depend on')
    .option('--replace <id...>', 'recreate these resources even if nothing differs')
    .option('--adopt', 'take over existing namespaces, and interfaces of the machine, that have names of the lab')
    .addOption(skipMachine())

const changing = (command: Command): Command =>
  command
    .option('-y, --auto-approve', 'do not ask')
    .addOption(full())
    .option('--lock-timeout <seconds>', 'how long to wait for another run on the same lab', '10')
    .option('--no-rollback', 'if a step fails, keep the completed steps')
    .addOption(json())

program.commandsGroup('Change the live network:')
planning(program.command('plan'))
  .description('show what apply would change')
  .argument('[lab]', LAB)
  .addOption(set())
  .option('--commands', 'print the exact commands, in order')
  .addOption(full())
  .option('--destroy', 'plan the removal of the lab')
  .option('--out <file>', 'save the plan for apply')
  .addOption(new Option('--test', 'then run the checks in a copy of what would be there').conflicts('destroy'))
  .option('--no-processes', 'with --test: without the processes of the lab')
  .option('--detailed-exitcode', '0: nothing to do, 1: error, 2: changes')
  .option('--reach', 'show which pairs gain or lose reachability')
  .option('--reveal', 'while a drill is under way (netlab break): show what is broken')
  .addOption(json())
  .action((lab: string | undefined, options: object) =>
    end(async (host, global) => {
      const located = await locating(host, lab, options)
      return (await import('./commands/plan.ts')).plan(host, located, { ...global, ...options })
    }),
  )

changing(planning(program.command('apply')))
  .description('change the live network to match the lab file')
  .argument('[lab]', `${LAB}; or a saved plan`)
  .addOption(set())
  .option('--heal', 'end all faults of the lab first')
  .option('--revert-after <time>', 'undo the change after this time (60s, 5m) unless you run `netlab confirm`')
  .addOption(spare())
  .action((lab: string | undefined, options: ChangeOptions) =>
    end(async (host, global) => {
      const located = await locating(host, lab, options)
      return (await import('./commands/apply.ts')).change(host, located, { ...options, ...global })
    }),
  )

changing(program.command('destroy'))
  .description('remove what the lab owns, and nothing else')
  .argument('[lab]', LAB)
  .addOption(set())
  .addOption(skipMachine())
  .option('--force', 'also end processes in its namespaces that the lab did not start')
  .action((lab: string | undefined, options: ChangeOptions) =>
    end(async (host, global) => {
      const located = await locating(host, lab, options)
      return (await import('./commands/apply.ts')).change(host, located, { ...options, ...global, destroy: true })
    }),
  )

program
  .command('confirm')
  .description('keep the change of apply --revert-after')
  .argument('<lab>', 'the name of the lab; of one on several machines, its file')
  .addOption(set())
  .addOption(skipMachine())
  .action((lab: string, options: object) =>
    end(async (host) => (await import('./commands/confirm.ts')).confirmApply(host, lab, options)),
  )

program
  .command('watchdog', { hidden: true })
  .action(() => end(async (host) => (await import('./commands/revert.ts')).runWatchdog(host)))

program.commandsGroup('Look at it:')
program
  .command('show')
  .description('show a live lab: namespaces, links and addresses')
  .argument('[lab]', `${LAB}; or a namespace`)
  .addOption(set())
  .option('--desired', 'print the lab file with every short form expanded')
  .option('--rules', 'show the live firewall rules and their counters')
  .addOption(full())
  .addOption(json())
  .action((lab: string | undefined, options: object) =>
    end(async (host, global) => (await import('./commands/show.ts')).show(host, lab, { ...global, ...options })),
  )

addGraph(program, end)

program
  .command('list')
  .description('list the live labs')
  .addOption(full())
  .addOption(json())
  .action((options: object) =>
    end(async (host, global) => (await import('./commands/list.ts')).listLabs(host, { ...global, ...options })),
  )

program
  .command('ps')
  .description('list the processes in namespaces, and the processes of labs to which they belong')
  .argument('[ns...]', 'the namespaces; default: that of this shell, or all')
  .addOption(json())
  .action((namespaces: string[], options: object) =>
    end(async (host, global) => (await import('./commands/ps.ts')).ps(host, namespaces, { ...global, ...options })),
  )

program.commandsGroup('Work in it:')
program
  .command('exec')
  .description('run a command in a namespace')
  .usage('NS -- CMD...')
  .argument('<ns>', 'a namespace')
  .argument('<cmd...>', 'the command and its arguments')
  .option('--lab <lab>', NAMES_OF)
  .addOption(set())
  .passThroughOptions()
  .action((namespace: string, command: string[], options: object) =>
    end(async (host) => (await import('./commands/exec.ts')).exec(host, namespace, command, options)),
  )

program
  .command('shell')
  .description('open a shell in a namespace, or, without root, in the sandbox of your labs')
  .argument('[ns]', 'a namespace')
  .option('--lab <lab>', NAMES_OF)
  .addOption(set())
  .action((namespace: string | undefined, options: object) =>
    end(async (host) => (await import('./commands/exec.ts')).shellCommand(host, namespace, options)),
  )

program
  .command('logs')
  .description('print the output of a process, or of every process of a lab')
  .argument('[ns/process]', 'a process, such as web/nginx (default: every process of the lab)')
  .argument('[lab]', LAB)
  .addOption(set())
  .option('-f, --follow', 'keep printing new output')
  .action((process_: string | undefined, lab: string | undefined, options: object) =>
    end(async (host) => (await import('./commands/logs.ts')).logs(host, process_, lab, options)),
  )

program
  .command('test')
  .description('run the checks of a lab file against the live network, or in a fresh copy')
  .argument('[lab]', LAB)
  .addOption(set())
  .addOption(json())
  .option('--junit <file>', 'also write a JUnit XML report')
  .option('--only <pattern>', 'run only checks whose name contains this text, or matches /this/')
  .option('--fail-fast', 'start no further check after one has failed')
  .option('--fresh', 'build what the file says in a throw-away copy, and run the checks there')
  .option('--no-processes', 'with --fresh: without the processes of the lab')
  .option('--seed <number>', 'what is random in timelines of faults (default: 1)')
  .option('--watch', 'run again when the lab file changes or you press Enter')
  .addOption(noLint())
  .action((lab: string | undefined, options: object) =>
    end(async (host, global) => (await import('./commands/test.ts')).test(host, lab, { ...global, ...options })),
  )

program.commandsGroup('Look at it:')
addObserving(program, end)

program
  .command('doctor')
  .description('list what this machine lacks, and how to fix it')
  .argument('[lab]', `${LAB}: check only what it needs`)
  .addOption(set())
  .addOption(json())
  .action((lab: string | undefined, options: object) =>
    end(async (host, global) => (await import('./commands/doctor.ts')).doctor(host, lab, { ...global, ...options })),
  )

program
  .command('session', { hidden: true })
  .description('build and test a lab in a throw-away sandbox, as asked on standard input')
  .option('--live', 'use a lab that is live instead')
  .action((options: { readonly live?: boolean }) =>
    end(async (host) => (await import('./session/session.ts')).session(host, options)),
  )

program
  .command('agent', { hidden: true })
  .description('open and answer connections for netlab test, as asked on standard input')
  .argument('<name>')
  .action((name: string) => end(async (host) => (await import('./checks/agent.ts')).agent(host, name)))

program
  .command('sniff', { hidden: true })
  .description('write the packets of an interface, as tcpdump -w - does')
  .argument('<device>')
  .argument('<snaplen>')
  .action((device: string, snaplen: string) =>
    end(async () => (await import('./checks/sniff.ts')).sniff(device, Number(snaplen))),
  )

program.commandsGroup('Disturb it:')
addDisturbing(program, end)

program.commandsGroup('Work with files:')
addFileCommands(program, end)

program
  .command('complete', { hidden: true })
  .argument('[words...]')
  .passThroughOptions()
  .action((all: string[]) => end(async (h) => (await import('./commands/complete.ts')).complete(h, program, all)))

program.on(
  'command:*',
  ([name = '']: string[]) =>
    void end(async (host) => (await import('./commands/unknown.ts')).unknownCommand(host, name, program)),
)

for (const command of [program, ...program.commands])
  command.showHelpAfterError(
    `(${['netlab', ...(command === program ? [] : [command.name()])].join(' ')} --help lists commands and options)`,
  )

/** Runs the command that the arguments of this process name, on this host. */
export async function runCommand(on: Host): Promise<void> {
  host = on
  await program.parseAsync()
}

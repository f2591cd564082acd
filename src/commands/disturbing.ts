import { Option, type Command } from 'commander'
import { json, LAB, NAMES_OF, set, type End } from './options.ts'
import type { BreakOptions } from './break.ts'
import type { FaultOptions } from './disturb.ts'

const TARGETS = 'NS:IF, NS:IF-NS:IF for both ends of a cable, or NS for all its interfaces; with ranges and patterns'

/** Adds the commands that disturb a live lab, and those that end it. */
export function addDisturbing(program: Command, end: End): void {
  const common = (command: Command): Command =>
    command.option('--lab <lab>', NAMES_OF).addOption(set()).addOption(json())
  const lasting = (): Option => new Option('--for <time>', 'stay, and end it after this time (30s, 5m)')

  common(program.command('cut').description('cut cables: both ends lose their carrier and hear nothing'))
    .argument('<target...>', TARGETS)
    .option('--one-way', 'lose only what the interface sends')
    .addOption(lasting())
    .action((words: string[], options: FaultOptions) =>
      end(async (host, global) => (await import('./disturb.ts')).cut(host, words, { ...options, ...global })),
    )

  common(program.command('impair').description('delay, lose or slow down what interfaces send'))
    .argument('<target...>', `${TARGETS}; then delay=50ms loss=5% rate=1mbit …, and to=NS or to=CIDR`)
    .addOption(lasting())
    .action((words: string[], options: FaultOptions) =>
      end(async (host, global) => (await import('./disturb.ts')).impair(host, words, { ...options, ...global })),
    )

  common(program.command('partition').description('make groups of namespaces not hear each other'))
    .argument('<group...>', 'namespaces with commas between them: a,b or h[1..3]')
    .addOption(lasting())
    .action((words: string[], options: FaultOptions) =>
      end(async (host, global) => (await import('./disturb.ts')).partition(host, words, { ...options, ...global })),
    )

  common(program.command('heal').description('end faults: what they disturbed is as it was before'))
    .argument('[target...]', `${TARGETS}; or the id of a fault (default: all faults)`)
    .action((words: string[], options: FaultOptions) =>
      end(async (host, global) => (await import('./disturb.ts')).heal(host, words, { ...options, ...global })),
    )

  common(program.command('fault').description('run a timeline of faults that the lab file describes'))
    .argument('<name>', 'its name under `faults`')
    .option('--seed <number>', 'what is random in it (default: 1)')
    .action((name: string, options: object) =>
      end(async (host, global) => (await import('./run-fault.ts')).runFault(host, name, { ...options, ...global })),
    )

  program
    .command('break')
    .description('break a live lab in one place, for somebody to find: a drill')
    .argument('[lab]', LAB)
    .addOption(set())
    .option('--seed <number>', 'break it in the way that this number decides (default: chosen at random)')
    .option('--level <level>', '1: all of it stops, 2: nearly right, 3: only some packets are lost', '1')
    .addOption(json())
    .action((lab: string | undefined, options: BreakOptions) =>
      end(async (host, global) => (await import('./break.ts')).breakLab(host, lab, { ...options, ...global })),
    )

  program
    .command('hint')
    .description('say a little more about what netlab break has broken')
    .argument('[lab]', LAB)
    .addOption(set())
    .addOption(json())
    .action((lab: string | undefined, options: object) =>
      end(async (host, global) => (await import('./hint.ts')).hint(host, lab, { ...options, ...global })),
    )

  program
    .command('guard', { hidden: true })
    .description('end faults when their time is over, or the process that set them has ended')
    .action(() => end(async (host) => (await import('./fault-guard.ts')).runGuard(host)))
}

import { Option, type Command } from 'commander'
import { full, json, LAB, NAMES_OF, set, type End } from './options.ts'

/** Adds the commands that look on while a lab is live. */
export function addObserving(program: Command, end: End): void {
  program
    .command('watch')
    .description('report drift as it happens, until you press Ctrl-C')
    .argument('[lab]', LAB)
    .addOption(set())
    .option('--repair', 'repair what drifts, by an ordinary apply')
    .addOption(full())
    .addOption(json('print a JSON document a line'))
    .action((lab: string | undefined, options: object) =>
      end(async (host, global) => (await import('./watch.ts')).watchLab(host, lab, { ...global, ...options })),
    )

  program
    .command('trace')
    .description('send one packet, and tell its way and that of its answer')
    .argument('<from>', 'a namespace')
    .argument('<to[:port]>', 'a namespace or an address; with a port for --tcp and --udp')
    .addOption(new Option('--tcp', 'open a connection (default: ping)').conflicts('udp'))
    .option('--udp', 'send a datagram')
    .addOption(new Option('--size <bytes>', 'of the whole packet, which is not fragmented').conflicts('tcp'))
    .addOption(new Option('--fresh', 'in a new copy of what the lab file says').conflicts('compare'))
    .option('--compare', 'in the live lab and in a copy: where they part, and why')
    .option('--lab <lab>', NAMES_OF)
    .addOption(set())
    .addOption(json())
    .action((from: string, to: string, options: object) =>
      end(async (host, global) => (await import('./trace.ts')).trace(host, from, to, { ...global, ...options })),
    )

  program
    .command('capture')
    .description('write the packets of several namespaces into one pcapng file')
    .argument('<ns[:if]...>', 'namespaces, or interfaces of them; then a filter, as tcpdump takes it')
    .option('-w, --write <file>', 'the file to write; without it, standard output')
    .option('--for <time>', 'end after this time (30s, 5m)')
    .option('-c, --count <packets>', 'end after so many packets')
    .option('-s, --snaplen <bytes>', 'keep only the beginning of each packet')
    .option('--lab <lab>', NAMES_OF)
    .addOption(set())
    .action((words: string[], options: object) =>
      end(async (host) => (await import('./capture.ts')).capture(host, words, options)),
    )

  program
    .command('reach')
    .description('show who reaches whom, by ping and at every port that something listens at')
    .argument('[from]', 'the namespaces that ask: a name, h[1..3], h*, or several with commas between them')
    .argument('[to]', 'the namespaces that they ask for')
    .option('--fresh', 'in a new copy of what the lab file says')
    .option('--lab <lab>', LAB)
    .addOption(set())
    .addOption(full())
    .option('--html', 'print a page')
    .addOption(json())
    .action((from: string | undefined, to: string | undefined, options: object) =>
      end(async (host, global) => (await import('./reach.ts')).reach(host, from, to, { ...global, ...options })),
    )
}

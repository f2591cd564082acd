import { Option, type Command } from 'commander'
import type { GraphOptions } from './graph.ts'
import { json, LAB, set, type End } from './options.ts'

/** Adds the command that draws labs. */
export function addGraph(program: Command, end: End): void {
  program
    .command('graph')
    .description('draw a lab: who is connected to whom, with which addresses')
    .argument('[lab]', LAB)
    .addOption(set())
    .option('--format <format>', 'print svg, html, mermaid, dot or json', 'svg')
    .option('--live', 'draw what is live: mark what is down, missing or changed')
    .option('--plan', 'colour what apply would add, change and remove')
    .option('--trace <from_to...>', 'send a packet as netlab trace does; draw its way')
    .addOption(new Option('--tcp', 'with --trace: open a connection').conflicts('udp'))
    .option('--udp', 'with --trace: send a datagram')
    .addOption(new Option('--pin', 'write the positions to LAB.layout.yaml').conflicts('format'))
    .addOption(json().conflicts(['format', 'pin']))
    .action((lab: string | undefined, options: GraphOptions) =>
      end(async (host, global) => (await import('./graph.ts')).graph(host, lab, { ...global, ...options })),
    )
}

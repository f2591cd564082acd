import type { Recording } from '../backend/capture/recording.ts'
import type { Command } from '../model/command.ts'
import type { Host } from '../model/host.ts'
import type { Runner } from '../model/runner.ts'
import type { Doing } from '../session/conversation.ts'
import { farPrograms } from '../session/far-programs.ts'
import type { MachineOperations } from './machine-protocol.ts'
import { pack, unpack } from './packed.ts'

type Services = Pick<
  Doing<MachineOperations>,
  | 'list'
  | 'dump'
  | 'operate'
  | 'runProgram'
  | 'run'
  | 'start'
  | 'feed'
  | 'kill'
  | 'record'
  | 'taken'
  | 'endRecording'
  | 'processes'
  | 'strangers'
  | 'residents'
  | 'endProcesses'
  | 'homes'
>

/** The word that stands for netlab itself in commands for another machine. */
export const ITSELF = '{netlab itself}'

/** The command, with the words that run netlab on a machine in their place. */
export const withItself = ({ argv, ...command }: Command, self: Host['self']): Command => ({
  ...command,
  argv: argv.flatMap((word) => (word === ITSELF ? self : [word])),
})

/** What a machine does for a command that looks at a lab which is on several. */
export function startServices(
  host: Host,
  the: () => { readonly runner: Runner; readonly lab: { readonly namespaces: ReadonlyMap<string, unknown> } },
): Services {
  const programs = farPrograms(host)
  const own = (command: Command): Command => withItself(command, host.self)
  return {
    list: () => the().runner.list(),
    dump: async ({ requests }) => pack(await the().runner.dump(requests)),
    operate: async ({ operations }) => (await the().runner.run([unpack(operations)], () => {})) ?? null,
    runProgram: ({ operation }) => the().runner.runProgram(unpack(operation)),
    run: (command) => host.run(own(command)),

    start: ({ handle, command, env }, emit) => programs.start(handle, own(command), env, emit),

    async feed(input) {
      programs.feed(input)
      return null
    },

    kill: async ({ handle, signal }) => programs.kill(handle, signal),

    ...recordings(),

    processes: async ({ lab }) => pack(await host.processes(lab)),
    strangers: ({ lab, namespaces }) => host.strangers(lab, namespaces),
    residents: ({ namespaces }) => host.residents(namespaces),

    async endProcesses({ processes }) {
      await host.end(processes)
      return null
    },

    homes: async () => [...the().lab.namespaces.keys()].filter((name) => host.homeOf(name) !== undefined),
  }
}

/** How many captured packets are on their way at most. */
const AHEAD = 20_000

/** Captures for the netlab that asks, one recording at a time. */
function recordings(): Pick<Services, 'record' | 'taken' | 'endRecording'> {
  let recording: Recording | undefined
  let ahead = 0
  let taken = (): void => {}
  return {
    async record({ sources, options }, emit) {
      const { recordHere } = await import('../commands/record.ts')
      recording = recordHere(sources, options, {
        vanished: (source, words) => emit({ vanished: { source, words } }),
        async take(packets) {
          emit({ packets: pack(packets) })
          ahead += packets.length
          while (ahead > AHEAD) await new Promise<void>((done) => (taken = done))
        },
      })
      emit({ links: recording.links })
      return pack(await recording.run())
    },

    async taken({ count }) {
      ahead -= count
      taken()
      return null
    },

    async endRecording() {
      recording?.stop()
      return null
    },
  }
}

import { UserError } from '../model/diagnostic.ts'
import type { Command } from '../model/command.ts'
import type { Child, Host } from '../model/host.ts'
import type { Runner } from '../model/runner.ts'
import type { Doing } from '../session/conversation.ts'
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
  | 'signal'
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
  const started = new Map<number, Child>()
  const own = (command: Command): Command => withItself(command, host.self)
  return {
    list: () => the().runner.list(),
    dump: async ({ requests }) => pack(await the().runner.dump(requests)),
    operate: async ({ operations }) => (await the().runner.run([unpack(operations)], () => {})) ?? null,
    runProgram: ({ operation }) => the().runner.runProgram(unpack(operation)),
    run: (command) => host.run(own(command)),

    async start({ handle, command, env }, emit) {
      const child = host.start(own(command), env)
      started.set(handle, child)
      for (const name of ['stdout', 'stderr'] as const)
        child[name].on('data', (data: Buffer) => emit({ [name]: data.toString('base64') }))
      return await new Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>(
        (resolve, reject) => {
          child.once('error', (error) => reject(UserError.of('program-missing', error.message)))
          child.once('close', (code, signal) => resolve({ code, signal }))
        },
      ).finally(() => started.delete(handle))
    },

    async feed({ handle, data }) {
      const input = started.get(handle)?.stdin
      if (data === undefined) input?.end()
      else input?.write(Buffer.from(data, 'base64'))
      return null
    },

    async signal({ handle, name }) {
      const pid = started.get(handle)?.pid
      return pid !== undefined && host.signal(-pid, name)
    },

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

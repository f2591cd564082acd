import { edited, recordedRunner, use, type Edit } from './recorded.ts'
import { commandOf } from '../../src/backend/iproute/command-of.ts'
import { typed } from '../../src/model/command.ts'
import type { Operation } from '../../src/model/operation.ts'
import type { Runner, Stranger } from '../../src/model/runner.ts'
import type { Held } from '../../src/run/hold.ts'

/** A simulated kernel: operations create and delete its namespaces, and the contents of each are those of a recording. */
export interface Kernel {
  readonly runner: Runner
  /** The names under /run/netns. */
  readonly names: Set<string>
  /** Changes made by hand, by namespace. Any operation in a namespace undoes the changes there. */
  readonly edits: Map<string, Edit>
  /** The operations so far, as the commands that people read. */
  readonly done: string[]
  /** The namespaces that were held open when their names were deleted. */
  readonly held: string[]
  /** Returns why an operation fails; undefined if it succeeds. */
  fails: (line: string, count: number) => string | undefined
  /** Called after every operation. */
  did: (line: string) => void
  strangers: Stranger[]
  hold(names: readonly string[]): Held
}

/** The kernel in which the lab of this case stands (`up`), or nothing. */
export function pretend(name: string, up: boolean, by: 'ip' | 'netlink' = 'netlink'): Kernel {
  const recorded = use(name)
  const all = recorded.machine.list
  const names = new Set(up ? all.map((one) => one.name) : [])
  const edits = new Map<string, Edit>()
  const reading = recordedRunner(recorded, by)
  const runner: Runner = {
    ...reading,
    host: {
      ...reading.host,
      otherWorlds: () => [],
      processes: async (lab) => {
        const { processes, homes } = await reading.host.processes(lab)
        const isHere = ({ namespace }: { namespace: string }): boolean => names.has(namespace)
        return { processes: processes.filter(isHere), homes: homes.filter(isHere) }
      },
      strangers: async () => kernel.strangers,
    },
    list: async () => all.filter((one) => names.has(one.name)),
    async dump(requests) {
      const dumps = await edited(reading, Object.fromEntries(edits)).dump(requests)
      return dumps.map((dump, i) => {
        const { netns } = requests[i] ?? {}
        return netns === undefined || names.has(netns) ? dump : undefined
      })
    },
    async runProgram(operation, signal) {
      const failed = await runner.run([[operation]], () => {}, signal)
      return failed?.outcome ?? { code: 0, stdout: '', stderr: '' }
    },
    async run(waves, done, signal) {
      for (const [index, operation] of waves.flat().entries()) {
        if (signal?.aborted) return undefined
        const line = lineOf(operation)
        const stderr = kernel.fails(line, kernel.done.length)
        if (stderr !== undefined) return { index, outcome: { code: 2, stdout: '', stderr } }
        kernel.done.push(line)
        if (operation.do === 'netns.add' || operation.do === 'netns.name') names.add(operation.name)
        else if (operation.do === 'netns.delete') names.delete(operation.name)
        else edits.delete(operation.place.netns ?? '')
        kernel.did(line)
        done(index)
      }
      return undefined
    },
  }
  const kernel: Kernel = {
    ...{ runner, names, edits, done: [], held: [], strangers: [] },
    fails: () => undefined,
    did: () => {},
    hold(some) {
      kernel.held.push(...some)
      return { restore: async () => void some.forEach((one) => names.add(one)), release: () => {} }
    },
  }
  return kernel
}

const lineOf = (operation: Operation): string => typed(commandOf(operation)).join(' ')

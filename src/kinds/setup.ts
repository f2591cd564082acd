import { quote } from '../model/command.ts'
import type { Kind } from '../model/kind.ts'
import { same } from './common.ts'
import { homeId } from './file.ts'
import { ofNamespace } from './lab-entry.ts'
import { argvOf } from './process-lab.ts'
import { EACH } from './process-scripts.ts'
import { started, stopped } from './process-start.ts'
import type { ProcessSpec } from './process.ts'

export type SetupSpec = Pick<ProcessSpec, 'dir' | 'state'> & {
  /** The argv of each. */
  readonly commands: readonly (readonly string[])[]
  readonly once: true
}

/** How long the commands of a setup may take together, in seconds. */
const PATIENCE = 600

/**
 * Commands that run once in a namespace, one after the other, after its cables and before its processes. They are a process that
 * runs once: what remains of it afterwards says that they are done.
 */
export const setup: Kind<SetupSpec> = {
  name: 'setup',
  read: () => [],
  describe: ({ commands }) => commands.map((command) => textOf(command)).join('; '),
  published: ({ commands, state }) => ({ commands: commands.map(textOf), ...(state && { state }) }),
  fromLab: (commands: readonly unknown[], { folder }) => ({ commands: commands.map(argvOf), once: true, dir: folder }),
  toLab: (r) => ofNamespace(r, { setup: r.spec.commands }),

  compare: (live, desired) => {
    const forces = 'its commands run again'
    if (live.state !== undefined) return [{ field: 'state', from: live.state, to: 'done', forces }]
    const [from, to] = [live.commands.map(textOf), desired.commands.map(textOf)]
    return same(live.commands, desired.commands) ? [] : [{ field: 'commands', from, to, forces }]
  },

  needs: ({ namespace, borrowed }) => [namespace, ...(borrowed ? [] : [homeId(namespace)])],
  lostWith: ({ namespace }) => [namespace, homeId(namespace)],
  lingers: () => true,
  create: (r, context) => [started(r, { ...processOf(r.spec), kept: r.spec }, context)],
  update: () => [],
  remove: (r, context) => [stopped(r, processOf(r.spec), context)],
}

/** A command as the lab file would have it. */
const textOf = (argv: readonly string[]): string =>
  argv.length === 3 && argv[0] === 'sh' && argv[1] === '-c' ? argv[2]! : argv.map(quote).join(' ')

/** The process that runs the commands. */
const processOf = ({ commands, dir }: SetupSpec): ProcessSpec => ({
  name: 'setup',
  command: ['sh', '-c', EACH, 'sh', ...commands.flatMap((argv) => [String(argv.length), ...argv])],
  ready: { timeout: PATIENCE },
  once: true,
  ...(dir !== undefined && { dir }),
})

import type { OpenLab } from '../language/load-lab.ts'
import type { Host } from '../model/host.ts'
import type { Runner } from '../model/runner.ts'
import type { Asking } from '../session/conversation.ts'
import type { Asked } from './connect.ts'
import type { MachineOperations } from './machine-protocol.ts'
import { startMachine } from './on-machine.ts'

/** The machine that netlab runs on, as one of the machines of a lab, which is open here. */
export function nearPeer(runner: Runner, name: string, opened: OpenLab): Asked {
  const { host } = runner
  const operations = startMachine(host, { opened, runner })
  const ask: Asking<MachineOperations> = async (operation, input, on = () => {}) => {
    await new Promise((resolve) => setImmediate(resolve)) // lets the other machines be asked before this one works
    return (operations[operation] as (input: unknown, emit: unknown) => Promise<never>)(input, on)
  }
  const peer = Promise.resolve({
    name,
    ask,
    attach: (...of: Parameters<Host['attach']>) => host.attach(...of),
    close: async () => void (await ask('end', null)),
  })
  return { ask, peer }
}

import type { Host } from '../model/host.ts'
import type { Runner } from '../model/runner.ts'
import { startRunner } from '../run/choose-runner.ts'
import type { NamespaceOptions } from './live-namespaces.ts'
import { locate, recorded, type Located } from './locate.ts'
import { openLocated } from './prepare.ts'

/** Whether a lab file may name machines, in its own text or in that of a file that it includes. */
const MAY_NAME_MACHINES = /^["']?(machines|include)["']?\s*:/m

/**
 * The runner of a lab that was located: of a lab on several machines, the network of all of them as one. The machines are connected
 * until this process ends. Throws a UserError when one does not answer.
 */
export async function runnerOf(host: Host, located: Located): Promise<Runner> {
  if (!('file' in located) || !MAY_NAME_MACHINES.test(located.text))
    return startRunner(host, 'text' in located ? located.text.length : 0)
  const file = recorded(located)
  const opened = openLocated(file, host, { lint: false })
  if (!opened?.machines) return startRunner(host, located.text.length)
  const { openMachines } = await import('./open-machines.ts')
  const { wiresOf } = await import('../machines/wires.ts')
  const { spreadRunner } = await import('../machines/spread-host.ts')
  const { peers, spread, lab } = await openMachines(host, file, opened)
  return await spreadRunner({
    near: startRunner(host, located.text.length),
    peers,
    places: spread.places,
    wires: wiresOf(lab, spread.places),
  })
}

/** The runner for commands that take the names of namespaces: that of the lab that was named, or of the one of this directory. */
export async function runnerHere(host: Host, { lab, set = [] }: NamespaceOptions): Promise<Runner> {
  let located: Located
  try {
    located = locate(lab, { set, say: () => {} })
  } catch {
    return startRunner(host) // the command says what is wrong with the lab when it needs one
  }
  return await runnerOf(host, located)
}

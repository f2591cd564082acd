import { healFaults, liftEffects } from '../faults/heal-faults.ts'
import { setAgain } from '../faults/set-faults.ts'
import type { FaultNet } from '../faults/sites.ts'
import { hasFaults } from '../kinds/fault-marks.ts'
import { UserError } from '../model/diagnostic.ts'
import { isOverdue, type Fault } from '../model/fault.ts'
import type { Runner } from '../model/runner.ts'
import { faultWords } from '../views/fault-text.ts'
import { netOfLive } from './fault-net.ts'
import type { Prepared } from './prepare.ts'
import { note } from './terminal.ts'

/** Faults whose effects were taken away while a plan is carried out. */
interface KeptFaults {
  /** Sets them again; says which cannot be set any more. */
  restore(): Promise<void>
}

/** Kinds of which a change leaves faults as they are: they are about programs. */
const APART = new Set(['process', 'home', 'file', 'folder', 'setup', 'share'])

/**
 * Takes faults away before a plan is carried out: for good if the lab goes or `heal` says so, and else only where the plan
 * changes namespaces that have some, so that it finds there what it was made from.
 */
export async function liftFaults(
  prepared: Prepared,
  runner: Runner,
  heal: boolean,
  destroy: boolean,
): Promise<KeptFaults> {
  const { live, lab, plan } = prepared
  const net = netOfLive(prepared.name, live, lab?.namespaces ?? new Map(), runner)
  if (heal || destroy) {
    const gone = await healFaults(net)
    if (heal) note(gone.map((fault) => `Healed: ${faultWords(fault)}\n`).join(''))
    return { restore: async () => {} }
  }
  const ended = live.faults.some(isOverdue) ? await healFaults(net, ({ fault }) => isOverdue(fault)) : []
  const left = live.faults.filter(({ id }) => !ended.some((fault) => fault.id === id))
  note(ended.map((fault) => `The time of this fault is over: ${faultWords(fault)}\n`).join(''))
  note(left.map((fault) => `This fault stays: ${faultWords(fault)}\n`).join(''))
  const touched = plan.changes.some(
    ({ kind, namespace }) => !APART.has(kind) && hasFaults(live.dumps.get(namespace)?.nftables ?? ''),
  )
  // A run that was killed may have left some.
  const lifted = touched ? await liftEffects(net) : left.filter((fault) => fault.lifted)
  return {
    async restore() {
      for (const fault of lifted) await again(net, fault)
    },
  }
}

async function again(net: FaultNet, fault: Fault): Promise<void> {
  try {
    await setAgain(net, fault)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    note(`This fault has ended: ${faultWords(fault)} (${error.message})\n`)
  }
}

import { healFaults } from '../faults/heal-faults.ts'
import { setFault } from '../faults/set-faults.ts'
import type { FaultNet } from '../faults/sites.ts'
import { hasFaults } from '../kinds/fault-marks.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Fault } from '../model/fault.ts'
import { HERE_NAME, placeOf, type Place } from '../model/place.ts'
import type { Runner } from '../model/runner.ts'
import { faultWords } from '../views/fault-text.ts'
import type { Prepared } from './prepare.ts'
import { note } from './terminal.ts'

/** Faults that were taken away while a plan is carried out. */
export interface KeptFaults {
  /** Sets them again; says which cannot be set any more. */
  restore(): Promise<void>
}

const NOTHING: KeptFaults = { restore: async () => {} }

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
  const { live, plan } = prepared
  if (live.faults.length === 0) return NOTHING
  const net = netOf(prepared, runner)
  if (heal || destroy) {
    const gone = await healFaults(net)
    if (heal) note(gone.map((fault) => `Healed: ${faultWords(fault)}\n`).join(''))
    return NOTHING
  }
  note(live.faults.map((fault) => `This fault stays: ${faultWords(fault)}\n`).join(''))
  const touched = plan.changes.some(
    ({ kind, namespace }) => !APART.has(kind) && hasFaults(live.dumps.get(namespace)?.nftables ?? ''),
  )
  if (!touched) return NOTHING
  const lifted = await healFaults(net)
  return {
    async restore() {
      for (const fault of lifted) await again(net, fault)
    },
  }
}

async function again(net: FaultNet, { id, since, until, ...action }: Fault): Promise<void> {
  try {
    await setFault(net, action, { id, since, ...(until !== undefined && { until }) })
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    note(`This fault has ended: ${faultWords({ id, since, ...action })} (${error.message})\n`)
  }
}

/** The namespaces of the lab, before and after the plan. */
function netOf({ live, lab }: Prepared, runner: Runner): FaultNet {
  const borrowed = (name: string): string | undefined =>
    name === HERE_NAME ? HERE_NAME : lab?.namespaces.get(name)?.borrowed
  const own = [...(lab?.namespaces ?? [])].flatMap(([name, { shares }]) => (shares === undefined ? [name] : []))
  const names = [...[...live.dumps.keys()].filter((name) => !live.foreign.has(name)), ...own]
  return {
    runner,
    places: new Map(
      names.map((name): [string, Place] => [name, placeOf({ namespace: name, borrowed: borrowed(name) })]),
    ),
  }
}

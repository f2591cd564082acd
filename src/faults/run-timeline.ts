import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, FaultAction } from '../model/fault.ts'
import type { TimelineAction, TimelineEvent } from '../model/timeline.ts'
import { endpointsNamed, namespacesNamed } from './fault-targets.ts'
import { healFaults, meantBy } from './heal-faults.ts'
import { newFaultId, setFault } from './set-faults.ts'
import type { FaultNet } from './sites.ts'

/** How a timeline is run. */
export interface TimelineRun {
  /** Does something while no other run changes the lab. */
  readonly exclusively: <T>(work: () => Promise<T>) => Promise<T>
  /** Called with the ids of faults before they are set. */
  readonly expect?: (ids: readonly string[]) => void
  /** Called when something has happened. */
  readonly each?: (event: TimelineEvent, faults: readonly Fault[]) => void
}

/** The faults that an action of a timeline, or of the command line, asks for. Throws a UserError when it names what is not there. */
export async function faultActions(net: FaultNet, action: TimelineAction): Promise<FaultAction[]> {
  switch (action.do) {
    case 'cut':
      return (await endpointsNamed(action.targets, net)).map((target) => ({
        ...{ kind: 'cut', target },
        ...(action.oneWay && { oneWay: action.oneWay }),
      }))
    case 'impair': {
      const { do: _, targets, ...how } = action
      return (await endpointsNamed(targets, net)).map((target) => ({ kind: 'impair', target, ...how }))
    }
    case 'partition':
      return [
        {
          kind: 'partition',
          groups: action.groups.map((group) => group.flatMap((name) => namespacesNamed(name, net))),
        },
      ]
    case 'heal':
      return []
  }
}

/**
 * Lets a timeline happen, until it is over or `signal` is aborted. Then everything that it has set is healed, also after an
 * error. Throws a UserError when a step cannot be done.
 */
export async function runTimeline(
  net: FaultNet,
  events: readonly TimelineEvent[],
  { exclusively, expect = () => {}, each = () => {} }: TimelineRun,
  signal: AbortSignal,
): Promise<void> {
  const began = Date.now()
  /** The faults that it has set, and their steps. */
  const own = new Map<string, number>()
  try {
    for (const event of events) {
      await sleep(Math.max(0, began + event.at - Date.now()), undefined, { signal }).catch(() => {}) // aborted: seen below
      if (signal.aborted) return
      each(event, await exclusively(() => happen(event)))
    }
  } finally {
    await exclusively(() => healFaults(net, ({ fault }) => own.has(fault.id)))
  }

  /** When the faults of a step end at the latest. */
  function endOf(step: number): number {
    const own = events.find((event) => 'ends' in event && event.ends === step)
    return (own ?? events.at(-1)!).at
  }

  async function happen(event: TimelineEvent): Promise<Fault[]> {
    if ('ends' in event) return await healFaults(net, ({ fault }) => own.get(fault.id) === event.ends)
    const { action, step } = event
    if (action.do === 'heal') {
      const meant = meantBy(action.targets, net)
      return await healFaults(net, (mark, namespace) => own.has(mark.fault.id) && meant(mark, namespace))
    }
    const faults: Fault[] = []
    for (const one of await faultActions(net, action)) {
      const id = newFaultId()
      own.set(id, step)
      expect([id])
      faults.push(await setFault(net, one, { id, until: began + endOf(step) }))
    }
    return faults
  }
}

import { faultActions } from '../faults/run-timeline.ts'
import { healFaults, meantBy } from '../faults/heal-faults.ts'
import { newFaultId, setFaults } from '../faults/set-faults.ts'
import { UserError } from '../model/diagnostic.ts'
import type { TimelineAction } from '../model/timeline.ts'
import type { Host } from '../model/host.ts'
import { faultJson, renderFaults } from '../views/fault-text.ts'
import { FORMAT } from '../views/json.ts'
import { faultNet, withLocks } from './fault-net.ts'
import { durationOf, openGuard } from './fault-guard.ts'
import type { NamespaceOptions } from './live-namespaces.ts'
import { note, out, outColors, outJson, type Global } from './terminal.ts'

/** The options of the commands that set faults. */
export interface FaultOptions extends Global, NamespaceOptions {
  readonly json?: boolean
  readonly oneWay?: boolean
  /** A duration after which the fault ends. */
  readonly for?: string
}

/** `netlab cut`. Returns 0; 130 when it was to last for a time, and was interrupted. */
export const cut = (host: Host, targets: readonly string[], options: FaultOptions): Promise<number> =>
  set(host, options, { do: 'cut', targets, ...(options.oneWay && { oneWay: true }) })

/** The settings of `netlab impair`, as `impairments` of an interface has them. */
const IMPAIRMENTS = [
  ...['delay', 'jitter', 'loss', 'rate', 'duplicate', 'corrupt', 'reorder', 'burst', 'limit', 'distribution'],
  ...['delay_correlation', 'loss_correlation', 'duplicate_correlation', 'corrupt_correlation', 'reorder_correlation'],
]

/** `netlab impair`. Returns as `cut` does. */
export const impair = (host: Host, words: readonly string[], options: FaultOptions): Promise<number> =>
  set(host, options, { do: 'impair', ...impairWords(words) })

/** Divides the words of `netlab impair` into targets and settings. Throws a UserError when one is missing or unknown. */
export function impairWords(words: readonly string[]): Omit<TimelineAction & { readonly do: 'impair' }, 'do'> {
  const targets: string[] = []
  const settings: Record<string, string> = {}
  const sides: { to?: string; from?: string } = {}
  for (const word of words) {
    const [, name, value = ''] = /^([a-z_]+)=(.*)$/.exec(word) ?? []
    if (name === undefined) {
      if (IMPAIRMENTS.includes(word)) throw UserError.of('bad-option', `${word} has no value`, `As in: ${word}=…`)
      targets.push(word)
    } else if (name === 'to' || name === 'from') sides[name] = value
    else if (IMPAIRMENTS.includes(name)) settings[name] = value
    else
      throw UserError.of('bad-option', `there is no impairment ${name}`, `There are: ${IMPAIRMENTS.join(' ')} to from`)
  }
  if (targets.length === 0) throw UserError.of('bad-option', 'impair what?', 'As in: netlab impair a:eth0 delay=50ms')
  if (sides.to !== undefined && sides.from !== undefined)
    throw UserError.of('bad-option', 'to and from exclude each other', 'Set two faults.')
  if (Object.keys(settings).length === 0)
    throw UserError.of('bad-option', 'impair how?', 'As in: netlab impair a:eth0 delay=50ms loss=1%')
  return { targets, settings, ...sides }
}

/** `netlab partition`. Returns as `cut` does. */
export const partition = (host: Host, words: readonly string[], options: FaultOptions): Promise<number> =>
  set(host, options, { do: 'partition', groups: words.map((word) => word.split(',').filter((name) => name !== '')) })

/** `netlab heal`. Returns 0, also when there is nothing to heal. */
export async function heal(host: Host, words: readonly string[], options: FaultOptions): Promise<number> {
  const net = await faultNet(host, options, words.length === 0)
  const ids = words.filter((word) => /^[0-9a-f]{8}$/.test(word) && !net.places.has(word))
  const named = words.filter((word) => !ids.includes(word))
  const meant = meantBy(named, net)
  const found = await withLocks(net, () =>
    healFaults(
      net,
      (mark, namespace) =>
        ids.includes(mark.fault.id) || ((named.length > 0 || ids.length === 0) && meant(mark, namespace)),
    ),
  )
  // The lab of this directory need not be the one that somebody looks at.
  const others =
    found.length + words.length > 0 || options.lab !== undefined ? undefined : await faultNet(host, options)
  const healed = others ? await withLocks(others, () => healFaults(others)) : found
  const missing = ids.find((id) => !healed.some((fault) => fault.id === id))
  if (missing !== undefined) throw UserError.of('unknown-reference', `there is no fault ${missing}`)
  if (options.json) outJson({ format_version: FORMAT, healed: healed.map(faultJson) })
  else if (healed.length === 0) out('There is nothing to heal.\n')
  else out(`Healed:\n${renderFaults(healed.map(faultJson), outColors(options))}`)
  return 0
}

/** Sets faults, all or none, and waits for their end if they are to last for a time. */
async function set(host: Host, options: FaultOptions, action: TimelineAction): Promise<number> {
  const time = options.for === undefined ? undefined : durationOf(options.for)
  const net = await faultNet(host, options)
  const actions = await faultActions(net, action)
  const ids = actions.map(newFaultId)
  const guard = time === undefined ? undefined : await openGuard(host, net, ids, time)
  const lasting = guard?.until === undefined ? {} : { until: guard.until }
  const wanted = actions.map((one, i) => [one, { id: ids[i]!, ...lasting }] as const)
  const faults = await withLocks(net, () => setFaults(net, wanted)).catch(async (error: unknown) => {
    await guard?.close()
    throw error
  })
  if (options.json) outJson({ format_version: FORMAT, faults: faults.map(faultJson) })
  else out(renderFaults(faults.map(faultJson), outColors(options)))
  if (!guard) return 0
  note('Ctrl-C ends it earlier.\n')
  return await guard.wait()
}

import { healFaults } from '../../src/faults/heal-faults.ts'
import { setFault } from '../../src/faults/set-faults.ts'
import { readSites, type FaultNet } from '../../src/faults/sites.ts'
import { thisMachine } from '../../src/host/this-machine.ts'
import type { FaultAction } from '../../src/model/fault.ts'
import { resourcesIn } from '../../src/observe/found.ts'
import { startRunner } from '../../src/run/choose-runner.ts'
import { choicesOf } from './choices.ts'

/** What the driver is to do, and where. */
export interface FaultTask {
  readonly lab: string
  readonly namespaces: readonly string[]
  /** Interfaces that are cut and impaired: `NS:IF`. */
  readonly targets: readonly string[]
  readonly seed: number
  readonly sequences: number
}

/** What it found. */
export interface FaultReport {
  /** What was not as before, with the faults that led to it. */
  readonly wrong: readonly string[]
  readonly set: number
  /** The median times of setting and healing, in milliseconds. */
  readonly median: { readonly cut: number; readonly heal: number }
}

/** Runs in a world. Sets and heals faults at random, and looks whether everything is as before, after each sequence and within. */
async function main(): Promise<void> {
  let input = ''
  for await (const chunk of process.stdin) input += String(chunk)
  const task = JSON.parse(input) as FaultTask
  const { below, one, maybe } = choicesOf(task.seed)
  const net: FaultNet = {
    runner: startRunner(thisMachine),
    places: new Map(task.namespaces.map((name) => [name, { netns: name }])),
  }
  const request = { lab: task.lab, namespaces: new Map(), sysctls: new Map(), nftables: new Map() }
  /** What a plan compares, and what the kernel has. */
  const state = async (): Promise<{ resources: string[]; kernel: string[] }> => {
    const sites = [...(await readSites(net, task.namespaces, 'all')).values()]
    const resources = sites.flatMap(({ name, dump }) =>
      resourcesIn(name, dump, request).flatMap((r) =>
        // What a bridge has learnt comes and goes, as it does with a real cable.
        r.others ? [] : JSON.stringify(r, (key, value: unknown) => (['filters', 'handle'].includes(key) ? '' : value)),
      ),
    )
    const kernel = sites.flatMap(({ dump: { links, addresses, routes, rules, neighbors, nftables, qdiscs } }) => ({
      ...{ links, addresses, routes, rules, neighbors, nftables },
      qdiscs: qdiscs.map(({ handle: _, parent: __, ...rest }) => rest),
    }))
    return {
      resources,
      kernel: kernel.flatMap((one) =>
        Object.values(one)
          .flat()
          .map((part) => JSON.stringify(part)),
      ),
    }
  }
  /** What is in one list and not in the other. */
  const difference = (a: readonly string[], b: readonly string[]): string =>
    [...a.filter((one) => !b.includes(one)), ...b.filter((one) => !a.includes(one))].join('\n')

  const action = (): FaultAction => {
    const [namespace = '', device = ''] = one(task.targets).split(':')
    const target = { namespace, device }
    const which = below(10)
    if (which < 4) return { kind: 'cut', target, ...(maybe(0.3) && { oneWay: true as const }) }
    if (which < 8) {
      const side = one(['', '', 'to', 'from'])
      const settings = { rate: `${1 + below(50)}mbit` }
      return { kind: 'impair', target, settings, ...(side && { [side]: one(['a', 'b', 'c', '10.0.0.0/24']) }) }
    }
    const groups: string[][] = [[], [], []]
    for (const name of ['a', 'b', 'c']) groups[below(3)]!.push(name)
    const some = groups.filter((group) => group.length)
    return { kind: 'partition', groups: some.length > 1 ? some : [['a'], ['b', 'c']] }
  }

  const before = await state()
  const wrong: string[] = []
  const times: Record<'cut' | 'heal', number[]> = { cut: [], heal: [] }
  const timed = async <T>(kind: 'cut' | 'heal', work: () => Promise<T>): Promise<T> => {
    const start = performance.now()
    const result = await work()
    times[kind].push(performance.now() - start)
    return result
  }
  let set = 0
  for (let n = 0; n < task.sequences && wrong.length < 3; n++) {
    const ids: string[] = []
    const said: string[] = []
    for (let step = 1 + below(7); step > 0; step--) {
      if (ids.length && maybe(0.3)) {
        const id = one(ids)
        said.push(`heal ${id}`)
        await healFaults(net, ({ fault }) => fault.id === id)
        continue
      }
      const chosen = action()
      const work = () => setFault(net, chosen)
      const fault = await (chosen.kind === 'cut' ? timed('cut', work) : work())
      set++
      ids.push(fault.id)
      said.push(JSON.stringify(fault))
    }
    const during = await state()
    const drift = difference(during.resources, before.resources)
    if (drift) wrong.push(`drift after ${said.join('; ')}\n${drift}`)
    await timed('heal', () => healFaults(net))
    const after = await state()
    const left = difference(after.kernel, before.kernel)
    if (left) wrong.push(`left by ${said.join('; ')}\n${left}`)
  }
  const median = (all: readonly number[]): number => [...all].sort((a, b) => a - b)[all.length >> 1] ?? 0
  const report: FaultReport = { wrong, set, median: { cut: median(times.cut), heal: median(times.heal) } }
  process.stdout.write(JSON.stringify(report))
}

void main()

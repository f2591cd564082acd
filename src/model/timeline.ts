import type { Position } from './diagnostic.ts'

/** A time, or two between which it is drawn at random, in milliseconds. */
export type Span = readonly [least: number, most: number]

/** What a step of a timeline does. */
export type TimelineAction =
  | { readonly do: 'cut'; readonly targets: readonly string[]; readonly oneWay?: true }
  | {
      readonly do: 'impair'
      readonly targets: readonly string[]
      readonly settings: Readonly<Record<string, string>>
      readonly to?: string
      readonly from?: string
    }
  | { readonly do: 'partition'; readonly groups: readonly (readonly string[])[] }
  /** Ends the faults of these targets that the timeline has set; without targets, all of them. */
  | { readonly do: 'heal'; readonly targets: readonly string[] }

/** A step of a timeline. */
export type TimelineStep = TimelineAction & {
  /** When, after the beginning. */
  readonly at: Span
  /** How long it lasts; absent: until it is healed, or the timeline is over. */
  readonly lasts?: Span
  /** How many of the targets are meant, drawn at random; absent: all. */
  readonly pick?: number
}

/** Faults in time, as a lab file describes them. */
export interface Timeline {
  readonly name: string
  readonly steps: readonly TimelineStep[]
  readonly source?: Position
}

/** Something that happens in a timeline, with everything drawn that was left to chance. */
export type TimelineEvent = {
  /** Milliseconds after the beginning. */
  readonly at: number
} & (
  | { readonly action: TimelineAction; readonly step: number }
  /** The faults of this step end. */
  | { readonly ends: number }
)

/** Numbers from 0 to 1, the same for the same seed (mulberry32, by Tommy Ettinger, public domain). */
export function seeded(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** What happens in a timeline, in order: the same for the same seed. */
export function eventsOf({ steps }: Timeline, seed: number): TimelineEvent[] {
  const random = seeded(seed)
  const drawn = ([least, most]: Span): number => Math.round(least + random() * (most - least))
  const some = (all: readonly string[], count: number): string[] => {
    const left = [...all]
    while (left.length > count) left.splice(Math.floor(random() * left.length), 1)
    return left
  }
  const events = steps.flatMap(({ at: when, lasts, pick, ...action }, step): TimelineEvent[] => {
    const at = drawn(when)
    const chosen =
      pick === undefined || action.do === 'partition' ? action : { ...action, targets: some(action.targets, pick) }
    return [{ at, action: chosen, step }, ...(lasts ? [{ at: at + drawn(lasts), ends: step }] : [])]
  })
  return events.sort((a, b) => a.at - b.at)
}

/** What a step does, in the words of the command line: `cut a:eth0`. */
export function actionWords(action: TimelineAction): string {
  switch (action.do) {
    case 'cut':
      return ['cut', ...action.targets, ...(action.oneWay ? ['--one-way'] : [])].join(' ')
    case 'impair': {
      const { settings, to, from } = action
      const all = { ...settings, ...(to !== undefined && { to }), ...(from !== undefined && { from }) }
      return ['impair', ...action.targets, ...Object.entries(all).map(([name, value]) => `${name}=${value}`)].join(' ')
    }
    case 'partition':
      return ['partition', ...action.groups.map((group) => group.join(','))].join(' ')
    case 'heal':
      return ['heal', ...action.targets].join(' ')
  }
}

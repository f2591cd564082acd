import type { Others } from '../run/other-parts.ts'

/** What a machine says while it carries out its part of a plan. */
export type CarryEvent =
  | { readonly reached: true }
  | {
      readonly program: string
      readonly isReady: boolean
    }

/** What a machine is told when all have done what comes before programs. */
export interface Proceeding {
  /** Programs on other machines that come before some here. */
  readonly awaited: readonly string[]
  /** Programs here that come before some on other machines. */
  readonly watched: readonly string[]
}

/** What a machine is told of programs that are ended before those that they come after. */
export interface Ending {
  /** By program here, those on other machines that are ended first. */
  readonly followers: Readonly<Record<string, readonly string[]>>
  /** Programs here that are ended before some on other machines. */
  readonly watched: readonly string[]
}

/** The other machines, and how this one hears of them. */
export interface HeardOthers extends Others {
  readonly proceed: (proceeding: Proceeding) => void
  readonly heard: (id: string, isReady: boolean) => void
}

/** What a machine knows of the others while it carries out its part of a plan; when `signal` is aborted it waits for none. */
export function hearOthers(emit: (event: CarryEvent) => void, signal: AbortSignal, ending?: Ending): HeardOthers {
  let watched: ReadonlySet<string> = new Set(ending?.watched)
  let meet = (): void => {}
  const met = new Promise<void>((done) => (meet = done))
  const answers = new Map<string, { readonly answer: Promise<boolean>; readonly give: (isReady: boolean) => void }>()
  const expect = (ids: readonly string[]): void => {
    for (const id of ids) {
      let give = (_: boolean): void => {}
      const answer = new Promise<boolean>((done) => (give = done))
      answers.set(id, { answer, give })
    }
  }
  const over = (): void => {
    meet()
    for (const { give } of answers.values()) give(false)
  }
  expect(Object.values(ending?.followers ?? {}).flat())
  if (signal.aborted) over()
  signal.addEventListener('abort', over)
  return {
    reach: () => emit({ reached: true }),
    meet: () => met,
    followers: (id) => ending?.followers[id] ?? [],
    isReady: (id) => answers.get(id)?.answer ?? Promise.resolve(true),
    tell(program, isReady) {
      if (watched.has(program)) emit({ program, isReady })
    },
    proceed(proceeding) {
      watched = new Set(proceeding.watched)
      expect(proceeding.awaited)
      meet()
    },
    heard: (id, isReady) => answers.get(id)?.give(isReady),
  }
}

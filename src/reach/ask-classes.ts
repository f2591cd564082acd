/** A question from one host to another, as indices. */
export type Question = readonly [from: number, to: number]

/** A question, its answer (undefined: reached), and which other question gave that answer; absent: it was asked itself. */
export interface Answered<A> {
  readonly from: number
  readonly to: number
  readonly answer: A
  readonly like?: Question
}

/**
 * Asks every host of `asking` for every other of `asked`, both given by classes of hosts that are alike. Of two classes, so many pairs are asked that every host of both takes part;
 * where some were reached and others not, all pairs of these two. The others have the answer of those that were asked. Answers come in the order of the hosts.
 */
export async function askByClasses<A>(
  classes: readonly (readonly number[])[],
  asking: readonly number[],
  asked: readonly number[],
  ask: (questions: readonly Question[]) => Promise<readonly A[]>,
): Promise<Answered<A>[]> {
  if (classes.every(({ length }) => length === 1)) {
    const every = asking.flatMap((from) => asked.flatMap((to): Question[] => (from === to ? [] : [[from, to]])))
    const answers = await ask(every)
    return every.map(([from, to], i) => ({ from, to, answer: answers[i]! }))
  }
  const within = (hosts: readonly number[]): number[][] => {
    const wanted = new Set(hosts)
    return classes.map((members) => members.filter((host) => wanted.has(host))).filter(({ length }) => length > 0)
  }
  const blocks = within(asking).flatMap((from) => within(asked).map((to) => ({ from, to, sample: sampleOf(from, to) })))
  const first = await ask(blocks.flatMap(({ sample }) => sample))
  const found = new Map<number, Map<number, Answered<A>>>()
  const put = (one: Answered<A>): void => {
    const row = found.get(one.from) ?? new Map<number, Answered<A>>()
    found.set(one.from, row.set(one.to, one))
  }
  const more: Question[] = []
  let at = 0
  for (const { from, to, sample } of blocks) {
    const answers = first.slice(at, (at += sample.length))
    sample.forEach(([a, b], i) => put({ from: a, to: b, answer: answers[i]! }))
    const [like] = sample
    if (!like) continue
    const isSame = answers.every((answer) => (answer === undefined) === (answers[0] === undefined))
    for (const a of from)
      for (const b of to)
        if (a !== b && !found.get(a)?.has(b))
          if (isSame) put({ from: a, to: b, answer: answers[0]!, like })
          else more.push([a, b])
  }
  const rest = more.length ? await ask(more) : []
  more.forEach(([from, to], i) => put({ from, to, answer: rest[i]! }))
  return asking.flatMap((from) => asked.flatMap((to) => found.get(from)?.get(to) ?? []))
}

/** Pairs of two classes in which every member of both takes part; of one class, each member with the next. */
function sampleOf(from: readonly number[], to: readonly number[]): Question[] {
  const isOne = from.length > 1 && from.length === to.length && from.every((host, i) => host === to[i])
  const shift = isOne ? 1 : 0
  return Array.from({ length: Math.max(from.length, to.length) }, (_, i): Question => [
    from[i % from.length]!,
    to[(i + shift) % to.length]!,
  ]).filter(([a, b]) => a !== b)
}

/** The fewest entries that a range stands for: two are read as quickly as a range. */
const ENOUGH = 3

/** Entries that one with a range stands for: their indexes, and that entry. */
export interface Series {
  readonly members: readonly number[]
  readonly entry: unknown
}

/** How many entries are tried as the second one of a series. */
const MOST_TRIED = 20

/** Around a number of YAML, in a text that stands for an entry. */
const [OPEN, CLOSE] = ['\ufdd1', '\ufdd2']

/**
 * Finds entries that differ only in numbers which count with one of them: `h1: 10.0.0.1`, `h2: 10.0.0.2`, … are `h[1..4]: 10.0.0.{i}`. The
 * number that counts is the first one of an entry that differs. In an `ordered` list the entries follow each other.
 */
export function seriesIn(entries: readonly unknown[], isOrdered = false): Series[] {
  const groups = new Map<string, Parsed[]>()
  for (const [at, entry] of entries.entries()) {
    const parsed = parse(at, entry)
    const key = parsed.literals.join('\0')
    const group = groups.get(key)
    if (group) group.push(parsed)
    else groups.set(key, [parsed])
  }
  return [...groups.values()].flatMap((group) => seriesOf(group, isOrdered))
}

interface Parsed {
  readonly at: number
  readonly literals: readonly string[]
  readonly numbers: readonly string[]
}

/** An entry as a text, split at its numbers. */
function parse(at: number, entry: unknown): Parsed {
  const text = JSON.stringify(entry, (_, value: unknown) =>
    typeof value === 'number' ? `${OPEN}${value}${CLOSE}` : value,
  )
  const numbers = text.match(/\d+/g) ?? []
  return { at, literals: text.split(/\d+/), numbers }
}

function seriesOf(group: readonly Parsed[], isOrdered: boolean): Series[] {
  const [first] = group
  if (!first || group.length < ENOUGH) return []
  const counting = first.numbers.findIndex((number, n) => group.some(({ numbers }) => numbers[n] !== number))
  if (counting < 0) return []
  const inOrder = isOrdered
    ? group
    : [...group].sort((a, b) => Number(a.numbers[counting]) - Number(b.numbers[counting]) || a.at - b.at)
  const byNumbers = new Map(inOrder.map((one) => [one.numbers.join(), one]))
  const byCount = new Map<number, Parsed[]>()
  for (const one of inOrder) {
    const count = Number(one.numbers[counting])
    const known = byCount.get(count)
    if (known) known.push(one)
    else byCount.set(count, [one])
  }
  const used = new Set<Parsed>()
  const unused = (one: Parsed | undefined): Parsed | undefined => (one && used.has(one) ? undefined : one)
  return inOrder.flatMap((start) => {
    if (used.has(start)) return []
    const seconds = byCount.get(Number(start.numbers[counting]) + 1) ?? []
    const runs = seconds
      .slice(0, MOST_TRIED)
      .map((second) => runFrom(start, second, (numbers) => unused(byNumbers.get(numbers.join()))))
      .filter((run) => run.length >= ENOUGH && (!isOrdered || run.every(({ at }, n) => at === start.at + n)))
    const [longest] = runs.sort((a, b) => b.length - a.length)
    if (!longest) return []
    for (const one of longest) used.add(one)
    return [asSeries(longest, counting)]
  })
}

/** The entries that continue the first two, each number by its own step. */
function runFrom(first: Parsed, second: Parsed, find: (numbers: readonly string[]) => Parsed | undefined): Parsed[] {
  const steps = first.numbers.map((number, n) => Number(second.numbers[n]) - Number(number))
  const run = [first]
  for (;;) {
    const wanted = first.numbers.map((number, n) => {
      const step = steps[n] ?? 0
      const next = String(Number(number) + step * run.length)
      return step === 0 ? number : next.padStart(/^0\d/.test(number) ? number.length : 0, '0')
    })
    const next = wanted.some((number) => number.startsWith('-')) ? undefined : find(wanted)
    if (!next) return run
    run.push(next)
  }
}

function asSeries(run: readonly Parsed[], counting: number): Series {
  const [first, second] = run as [Parsed, Parsed]
  const last = run.at(-1) as Parsed
  const start = Number(first.numbers[counting])
  const pieces = first.numbers.map((number, n) => {
    if (n === counting) return `[${number}..${last.numbers[n] ?? ''}]`
    const step = Number(second.numbers[n]) - Number(number)
    if (step === 0) return number
    const width = /^0\d/.test(number) ? number.length : 0
    return `{${expression(step, Number(number) - step * start)}${width ? `:0${width}d` : ''}}`
  })
  const text = first.literals.map((literal, n) => literal + (pieces[n] ?? '')).join('')
  const entry = JSON.parse(text, (_, value: unknown) =>
    typeof value === 'string' ? asNumber(value) : value,
  ) as unknown
  return { members: run.map(({ at }) => at), entry }
}

/** A number that was marked as one, and the text of one that counts. */
function asNumber(text: string): unknown {
  if (!text.startsWith(OPEN)) return text
  const inner = text.slice(1, -1)
  return /^-?\d+(\.\d+)?$/.test(inner) ? Number(inner) : inner
}

/** `i`, `i+100`, `2*i-1` */
function expression(step: number, rest: number): string {
  const counted = step === 1 ? 'i' : `${step}*i`
  return rest === 0 ? counted : `${counted}${rest > 0 ? '+' : '-'}${Math.abs(rest)}`
}

import type { Difference } from '../model/change.ts'
import {
  CORRELATIONS,
  DISTRIBUTIONS,
  rateWord,
  SHARES,
  shareWord,
  sizeWord,
  timeWord,
  type Distribution,
  type QdiscOptions,
} from '../model/qdisc-options.ts'
import type { TcQdisc } from '../model/runner.ts'

/** What one queue does to its packets: the settings of a netem or tbf (tc-netem(8), tc-tbf(8)), as in a lab. */
export type Queue = {
  /** Microseconds. */
  readonly delay?: number
  readonly jitter?: number
  /** Percent. */
  readonly delay_correlation?: number
  readonly loss?: number
  readonly loss_correlation?: number
  readonly duplicate?: number
  readonly duplicate_correlation?: number
  readonly corrupt?: number
  readonly corrupt_correlation?: number
  readonly reorder?: number
  readonly reorder_correlation?: number
  /** Bits per second. */
  readonly rate?: number
  /** Bytes; with `rate` alone. */
  readonly burst?: number
  /** Packets. */
  readonly limit?: number
  /** How the delays are distributed. The kernel does not tell: the handle of the qdisc does (`handleOf`). */
  readonly distribution?: Distribution
  /** Live only: the kind of a qdisc other than netem and tbf. */
  readonly kind?: string
  /** Live only: options that a lab cannot set, such as a loss model. */
  readonly other?: string
}

const NUMBERS = ['delay', 'jitter', ...SHARES, 'rate', 'burst', 'limit', ...CORRELATIONS] as const
type Field = (typeof NUMBERS)[number]

/** Whether it has any settings. */
export const isQueue = (queue: Queue): boolean =>
  queue.kind !== undefined || queue.other !== undefined || NUMBERS.some((field) => queue[field] !== undefined)

/** The settings alone, without what else the object has. */
export const queueIn = (queue: Queue): Queue =>
  Object.fromEntries(
    [...NUMBERS, 'distribution', 'kind', 'other'].flatMap((field) => {
      const value = queue[field as keyof Queue]
      return value === undefined ? [] : [[field, value]]
    }),
  )

/** The qdisc for these settings: tbf for a rate alone, else netem, which can limit the rate as well. */
export const kindOfQueue = (queue: Queue): string =>
  queue.kind ?? (queue.rate !== undefined && !['delay', ...SHARES].some((field) => field in queue) ? 'tbf' : 'netem')

/** The size of a full Ethernet packet in bytes: labs give the limit of a queue in packets, tbf takes bytes. */
const PACKET = 1514
/** netem's own default, in packets. */
const NETEM_LIMIT = 1000
/** Defaults for tbf, which has none, in bytes: a burst of 10 ms and a queue of 50 ms, each at least ten packets. */
const tbfBurst = (rate: number): number => Math.max(10 * PACKET, Math.round(rate / 8 / 100))
const tbfLimit = (rate: number): number => Math.ceil(Math.max(10 * PACKET, rate / 8 / 20) / PACKET)
const burstOf = ({ rate = 0, burst }: Queue): number => burst ?? tbfBurst(rate)
const limitOf = (queue: Queue): number =>
  queue.limit ?? (kindOfQueue(queue) === 'tbf' ? tbfLimit(queue.rate ?? 0) : NETEM_LIMIT)

/**
 * Whether a value that tc prints is the one that it was given: tc prints six digits, and stores percentages in units of 2^-32,
 * rates in whole bytes, and a burst as the time that it takes to fill, in whole microseconds (tc/tc_util.c, tc/tc_core.c).
 */
function same(field: Field, queue: Queue, a: number, b: number): boolean {
  const digits = 1e-5 * Math.max(a, b)
  const microsecond = 1.1e-6 * ((queue.rate ?? 0) / 8)
  const off = Math.abs(a - b)
  if (field === 'delay' || field === 'jitter') return off <= Math.max(1.01, digits)
  if (field === 'rate') return off < 8
  if (field === 'burst') return off <= microsecond + 2
  if (field === 'limit') return off * PACKET <= (kindOfQueue(queue) === 'tbf' ? 2 * microsecond + 4 : 0)
  return off <= Math.max(100 / 2 ** 32, digits)
}

const text = (field: Field, value: number): string =>
  field === 'delay' || field === 'jitter'
    ? timeWord(value)
    : field === 'rate'
      ? rateWord(value)
      : field === 'burst'
        ? sizeWord(value)
        : field === 'limit'
          ? String(value)
          : shareWord(value)

/** The settings as a lab file has them. */
export const queueValue = (queue: Queue): Record<string, string | number> => ({
  ...Object.fromEntries(
    NUMBERS.flatMap((field) => {
      const value = queue[field]
      return value === undefined ? [] : [[field, field === 'limit' ? Math.round(value) : text(field, value)]]
    }),
  ),
  ...(queue.distribution !== undefined && { distribution: queue.distribution }),
})

/** The settings in one line, for people. */
export const describeQueue = (queue: Queue): string =>
  queue.kind ??
  [
    ...NUMBERS.flatMap((field) => (queue[field] === undefined ? [] : [`${field} ${text(field, queue[field])}`])),
    ...(queue.distribution === undefined ? [] : [`distribution ${queue.distribution}`]),
    ...(queue.other === undefined ? [] : [queue.other]),
  ].join(', ')

/** The value of a field, or its default; undefined when the qdisc has no such field. */
function effective(queue: Queue, field: Field): number | undefined {
  const tbf = kindOfQueue(queue) === 'tbf'
  if (field === 'limit') return limitOf(queue)
  if (field === 'burst') return tbf ? burstOf(queue) : undefined
  return queue[field] ?? 0
}

/** The differences; those that tc cannot set on an existing qdisc say why. */
export function compareQueues(live: Queue, desired: Queue): Difference[] {
  const [from, to] = [kindOfQueue(live), kindOfQueue(desired)]
  const kind: Difference[] =
    from === to ? [] : [{ field: 'kind', from, to, forces: 'it is another queueing discipline' }]
  const other: Difference[] =
    live.other === undefined || kind.length > 0
      ? []
      : [{ field: 'other', from: live.other, forces: 'tc cannot take it back in place' }]
  const [was, is] = [live.distribution, desired.distribution]
  const distribution: Difference[] =
    was === is || kind.length > 0
      ? []
      : [{ field: 'distribution', from: was, to: is, forces: 'the kernel does not tell which one it has' }]
  const foreign = live.kind !== undefined && live.kind !== 'netem'
  const numbers = NUMBERS.flatMap((field): Difference[] => {
    const [was, is] = [live, desired].map((queue) => effective(queue, field))
    if (foreign || was === undefined || is === undefined || same(field, desired, was, is)) return []
    // A default that follows from the rate is not a difference of its own.
    if (live[field] === undefined && desired[field] === undefined) return []
    return [{ field, from: text(field, was), to: text(field, is) }]
  })
  return [...kind, ...other, ...distribution, ...numbers]
}

/** The options for tc. netem keeps options that a change omits, so those of `live` that are not desired are set to zero. */
export function optionsOf(queue: Queue, live?: Queue): QdiscOptions {
  if (kindOfQueue(queue) === 'tbf') {
    const burst = burstOf(queue)
    return { kind: 'tbf', rate: queue.rate ?? 0, burst, limit: Math.round(limitOf(queue) * PACKET + burst) }
  }
  const { limit, delay, jitter, distribution } = queue
  const said = (field: Field): number | undefined => queue[field] ?? (live?.[field] === undefined ? undefined : 0)
  const shares = Object.fromEntries([...SHARES, ...CORRELATIONS].map((field) => [field, said(field)]))
  return { kind: 'netem', limit, delay, jitter, ...shares, rate: said('rate'), distribution }
}

/**
 * The handle of a netem whose delays have a distribution, which the kernel does not print: 1001: to 4fff:, where the first digit
 * is the one of the distribution and the others are the class that it is the queue of. Undefined when there is no distribution.
 */
export const handleOf = ({ distribution }: Queue, minor = 1): string | undefined =>
  distribution === undefined
    ? undefined
    : `${(((DISTRIBUTIONS.indexOf(distribution) + 1) << 12) | minor).toString(16)}:`

type Options = Readonly<Record<string, unknown>>
const number = (value: unknown): number | undefined => (typeof value === 'number' && value > 0 ? value : undefined)
const inside = (options: Options, entry: string, field: string): number | undefined =>
  number((options[entry] as Options | undefined)?.[field])

/** The product rounded to six digits, which is the precision of tc. */
const times = (value: number | undefined, factor: number): number | undefined =>
  value === undefined ? undefined : Number((value * factor).toPrecision(factor === 8 ? 17 : 6))

/** The settings of a live qdisc as in a lab, without defaults. */
export function queueOf({ kind, handle, options = {} }: TcQdisc): Queue {
  if (kind === 'tbf') return tbfQueue(options)
  if (kind !== 'netem') return { kind }
  const share = (name: string): [string, number | undefined][] => {
    const entry = name === 'loss' ? 'loss-random' : name
    return [
      [name, times(inside(options, entry, name), name === 'delay' ? 1e6 : 100)],
      [`${name}_correlation`, times(inside(options, entry, 'correlation'), 100)],
    ]
  }
  const values: [string, number | undefined][] = [
    ...['delay', ...SHARES].flatMap(share),
    ['jitter', times(inside(options, 'delay', 'jitter'), 1e6)],
    ['rate', times(inside(options, 'rate', 'rate'), 8)],
    ['limit', options['limit'] === NETEM_LIMIT ? undefined : number(options['limit'])],
  ]
  const other = unknown(options)
  const distribution = DISTRIBUTIONS[(Number.parseInt(handle, 16) >> 12) - 1]
  const queue: Queue = {
    ...Object.fromEntries(values.filter(([, value]) => value !== undefined)),
    ...(distribution !== undefined && { distribution }),
    ...(other !== undefined && { other }),
  }
  // A netem with a rate alone was made by hand: for labs, a rate alone is a tbf.
  return kindOfQueue(queue) === 'netem' ? queue : { ...queue, kind }
}

const described = new Set(['delay', 'jitter', 'loss', 'duplicate', 'corrupt', 'reorder', 'rate', 'correlation'])
const known = new Set(['limit', 'delay', 'loss-random', 'duplicate', 'corrupt', 'reorder', 'rate', 'gap'])

/** Names of netem options that are set and that a lab cannot set: `loss-gemodel, rate overhead`. */
function unknown(options: Options): string | undefined {
  const found = Object.entries(options).flatMap(([name, value]) => {
    if (!known.has(name)) return value ? [name] : []
    if (name === 'gap') return Number(value) > 1 ? [name] : []
    return typeof value !== 'object' || value === null
      ? []
      : Object.entries(value).flatMap(([field, n]) => (n && !described.has(field) ? [`${name} ${field}`] : []))
  })
  return found.length ? found.join(', ') : undefined
}

function tbfQueue(options: Options): Queue {
  const bytes = Number(options['rate'] ?? 0)
  const bucket = Number(options['burst'] ?? 0)
  const queue = number(options['limit']) ?? (Number(options['lat'] ?? 0) * bytes) / 1e6 + bucket
  const other = Object.keys(options).filter((name) => !['rate', 'burst', 'limit', 'lat'].includes(name))
  const plain = { rate: bytes * 8 }
  const spec = { ...plain, burst: bucket, limit: (queue - bucket) / PACKET }
  const near = Math.round(spec.limit)
  return {
    ...plain,
    ...(same('burst', spec, spec.burst, tbfBurst(spec.rate)) ? {} : { burst: spec.burst }),
    ...(same('limit', spec, spec.limit, tbfLimit(spec.rate))
      ? {}
      : { limit: same('limit', spec, spec.limit, near) ? near : spec.limit }),
    ...(other.length > 0 && { other: other.join(', ') }),
  }
}

import type { Kind } from '../model/kind.ts'
import type { Difference, Emission } from '../model/change.ts'
import { placeOf } from '../model/place.ts'
import { rateWord, SHARES, shareWord, sizeWord, timeWord, type QdiscOptions } from '../model/qdisc-options.ts'
import { linkId, type Resource } from '../model/resource.ts'
import type { TcQdisc } from '../model/runner.ts'
import { isLost } from './common.ts'
import { impairments } from './impairments.ts'
import { ofInterface } from './lab-entry.ts'

/** The settings of a root qdisc, netem or tbf (tc-netem(8), tc-tbf(8)). */
export type QdiscSpec = {
  readonly dev: string
  /** Microseconds. */
  readonly delay?: number
  readonly jitter?: number
  /** Percent. */
  readonly loss?: number
  readonly duplicate?: number
  readonly corrupt?: number
  readonly reorder?: number
  /** Bits per second. */
  readonly rate?: number
  /** Bytes; with `rate` alone. */
  readonly burst?: number
  /** Packets. */
  readonly limit?: number
  /** Live only: the kind of a root qdisc other than netem and tbf. */
  readonly kind?: string
  /** Live only: options that a lab cannot set, such as a loss model. */
  readonly other?: string
}

/** `ns0/veth0/qdisc` */
export const qdiscId = (namespace: string, dev: string): string => `${linkId(namespace, dev)}/qdisc`

const FIELDS = ['delay', 'jitter', ...SHARES, 'rate', 'burst', 'limit'] as const
type Field = (typeof FIELDS)[number]

/** The qdisc for these settings: tbf for a rate alone, else netem, which can limit the rate as well. */
export const kindOfQdisc = (spec: QdiscSpec): string =>
  spec.kind ?? (spec.rate !== undefined && !['delay', ...SHARES].some((field) => field in spec) ? 'tbf' : 'netem')

/** The size of a full Ethernet packet in bytes: labs give the limit of a queue in packets, tbf takes bytes. */
const PACKET = 1514
/** netem's own default, in packets. */
const NETEM_LIMIT = 1000
/** Defaults for tbf, which has none, in bytes: a burst of 10 ms and a queue of 50 ms, each at least ten packets. */
const tbfBurst = (rate: number): number => Math.max(10 * PACKET, Math.round(rate / 8 / 100))
const tbfLimit = (rate: number): number => Math.ceil(Math.max(10 * PACKET, rate / 8 / 20) / PACKET)
const burstOf = ({ rate = 0, burst }: QdiscSpec): number => burst ?? tbfBurst(rate)
const limitOf = (spec: QdiscSpec): number =>
  spec.limit ?? (kindOfQdisc(spec) === 'tbf' ? tbfLimit(spec.rate ?? 0) : NETEM_LIMIT)

/**
 * Whether a value that tc prints is the one that it was given: tc prints six digits, and stores percentages in units of 2^-32,
 * rates in whole bytes, and a burst as the time that it takes to fill, in whole microseconds (tc/tc_util.c, tc/tc_core.c).
 */
function same(field: Field, spec: QdiscSpec, a: number, b: number): boolean {
  const digits = 1e-5 * Math.max(a, b)
  const microsecond = 1.1e-6 * ((spec.rate ?? 0) / 8)
  const off = Math.abs(a - b)
  if (field === 'delay' || field === 'jitter') return off <= Math.max(1.01, digits)
  if (field === 'rate') return off < 8
  if (field === 'burst') return off <= microsecond + 2
  if (field === 'limit') return off * PACKET <= (kindOfQdisc(spec) === 'tbf' ? 2 * microsecond + 4 : 0)
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

/** The value of `impairments` in a lab file. */
const impairmentsValue = (spec: QdiscSpec): Record<string, string | number> =>
  Object.fromEntries(
    FIELDS.flatMap((field) => {
      const value = spec[field]
      return value === undefined ? [] : [[field, field === 'limit' ? Math.round(value) : text(field, value)]]
    }),
  )

/** The value of a field, or its default; undefined when the qdisc has no such field. */
function effective(spec: QdiscSpec, field: Field): number | undefined {
  const tbf = kindOfQdisc(spec) === 'tbf'
  if (field === 'limit') return limitOf(spec)
  if (field === 'burst') return tbf ? burstOf(spec) : undefined
  return spec[field] ?? 0
}

/** The root qdisc of an interface. It is changed in place; a change between netem and tbf replaces it. */
export const qdisc: Kind<QdiscSpec> = {
  name: 'qdisc',

  read: (dump, { namespace, root }) =>
    dump.qdiscs.flatMap((q): Resource<QdiscSpec>[] => {
      if (!q.root || isDefault(q)) return []
      const spec = specOf(q)
      return [{ id: qdiscId(namespace, q.dev), kind: 'qdisc', namespace, ...(root && { root }), spec }]
    }),

  fromLab(entry: Readonly<Record<string, unknown>>, context) {
    const wanted = impairments(entry, context)
    return wanted && { dev: context.name, ...wanted }
  },
  toLab: (r, resources) => ofInterface(r, r.spec.dev, resources, { impairments: impairmentsValue(r.spec) }),
  describe: (spec) =>
    spec.kind ??
    [
      ...FIELDS.flatMap((field) => (spec[field] === undefined ? [] : [`${field} ${text(field, spec[field])}`])),
      ...(spec.other === undefined ? [] : [spec.other]),
    ].join(', '),

  compare(live, desired) {
    const [from, to] = [kindOfQdisc(live), kindOfQdisc(desired)]
    const kind: Difference[] =
      from === to ? [] : [{ field: 'kind', from, to, forces: 'it is another queueing discipline' }]
    const other: Difference[] =
      live.other === undefined || kind.length > 0
        ? []
        : [{ field: 'other', from: live.other, forces: 'tc cannot take it back in place' }]
    const foreign = live.kind !== undefined && live.kind !== 'netem'
    const fields = FIELDS.flatMap((field): Difference[] => {
      const [was, is] = [live, desired].map((spec) => effective(spec, field))
      if (foreign || was === undefined || is === undefined || same(field, desired, was, is)) return []
      // A default that follows from the rate is no difference of its own.
      if (live[field] === undefined && desired[field] === undefined) return []
      return [{ field, from: text(field, was), to: text(field, is) }]
    })
    return [...kind, ...other, ...fields]
  },

  requires: ({ spec }) => ['tc', kindOfQdisc(spec)],
  needs: ({ namespace, spec }) => [linkId(namespace, spec.dev)],
  lostWith: ({ namespace, spec }) => [namespace, linkId(namespace, spec.dev)],

  create: (r, { live }) => [
    setting(isOfAnotherKind(live.get(r.id) as Resource<QdiscSpec> | undefined, r) ? 'replace' : 'add', r),
  ],
  update: ({ live, desired }) => [setting('change', desired, live.spec)],
  remove(r, context) {
    const next = context.desired.get(r.id) as Resource<QdiscSpec> | undefined
    if (isLost(qdisc, r, context) || isOfAnotherKind(next, r)) return []
    return [{ stage: 'delete qdiscs', operation: { do: 'qdisc.delete', place: placeOf(r), dev: r.spec.dev } }]
  },
}

/** Whether the other qdisc is of another kind: tc replaces it at once, so that no packet passes without impairments. */
const isOfAnotherKind = (a: Resource<QdiscSpec> | undefined, b: Resource<QdiscSpec>): boolean =>
  a !== undefined && kindOfQdisc(a.spec) !== kindOfQdisc(b.spec)

const setting = (how: 'add' | 'replace' | 'change', r: Resource<QdiscSpec>, live?: QdiscSpec): Emission => ({
  stage: 'add qdiscs',
  operation: { do: `qdisc.${how}`, place: placeOf(r), dev: r.spec.dev, options: optionsOf(r.spec, live) },
})

/** The options for tc. netem keeps options that a change omits, so those of `live` that are not desired are set to zero. */
function optionsOf(spec: QdiscSpec, live?: QdiscSpec): QdiscOptions {
  if (kindOfQdisc(spec) === 'tbf') {
    const burst = burstOf(spec)
    return { kind: 'tbf', rate: spec.rate ?? 0, burst, limit: Math.round(limitOf(spec) * PACKET + burst) }
  }
  const { limit, delay, jitter } = spec
  const said = (field: Field): number | undefined => spec[field] ?? (live?.[field] === undefined ? undefined : 0)
  const [loss, duplicate, corrupt, reorder] = SHARES.map(said)
  return { kind: 'netem', limit, delay, jitter, loss, duplicate, corrupt, reorder, rate: said('rate') }
}

const ignored = new Set(['noqueue', 'noop', 'mq'])
/** Whether the kernel attached the qdisc by itself: it then has no handle. */
const isDefault = ({ kind, handle }: TcQdisc): boolean => ignored.has(kind) || handle === '0:'

type Options = Readonly<Record<string, unknown>>
const number = (value: unknown): number | undefined => (typeof value === 'number' && value > 0 ? value : undefined)
const inside = (options: Options, entry: string, field: string): number | undefined =>
  number((options[entry] as Options | undefined)?.[field])

/** The settings of a live qdisc as in a lab, without defaults. */
function specOf({ kind, dev, options = {} }: TcQdisc): QdiscSpec {
  if (kind === 'tbf') return tbfSpec(dev, options)
  if (kind !== 'netem') return { dev, kind }
  const values: Partial<Record<Field, number | undefined>> = {
    delay: times(inside(options, 'delay', 'delay'), 1e6),
    jitter: times(inside(options, 'delay', 'jitter'), 1e6),
    loss: times(inside(options, 'loss-random', 'loss'), 100),
    duplicate: times(inside(options, 'duplicate', 'duplicate'), 100),
    corrupt: times(inside(options, 'corrupt', 'corrupt'), 100),
    reorder: times(inside(options, 'reorder', 'reorder'), 100),
    rate: times(inside(options, 'rate', 'rate'), 8),
    limit: options['limit'] === NETEM_LIMIT ? undefined : number(options['limit']),
  }
  const other = unknown(options)
  // A netem with a rate alone was made by hand: for labs, a rate alone is a tbf.
  const spec = {
    dev,
    ...Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)),
    ...(other !== undefined && { other }),
  }
  return kindOfQdisc(spec) === 'netem' ? spec : { ...spec, kind }
}

/** The product rounded to six digits, which is the precision of tc. */
const times = (value: number | undefined, factor: number): number | undefined =>
  value === undefined ? undefined : Number((value * factor).toPrecision(factor === 8 ? 17 : 6))

const described = new Set(['delay', 'jitter', 'loss', 'duplicate', 'corrupt', 'reorder', 'rate'])
const known = new Set(['limit', 'delay', 'loss-random', 'duplicate', 'corrupt', 'reorder', 'rate', 'gap'])

/** Names of netem options that are set and that a lab cannot set: `loss-gemodel, delay correlation`. */
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

function tbfSpec(dev: string, options: Options): QdiscSpec {
  const bytes = Number(options['rate'] ?? 0)
  const bucket = Number(options['burst'] ?? 0)
  const queue = number(options['limit']) ?? (Number(options['lat'] ?? 0) * bytes) / 1e6 + bucket
  const other = Object.keys(options).filter((name) => !['rate', 'burst', 'limit', 'lat'].includes(name))
  const plain = { dev, rate: bytes * 8 }
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

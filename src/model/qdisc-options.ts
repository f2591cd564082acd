/** The options of netem that are percentages of packets. */
export const SHARES = ['loss', 'duplicate', 'corrupt', 'reorder'] as const

/** Options of tc-netem(8). An absent option keeps its value on an existing qdisc. */
export interface NetemOptions {
  readonly kind: 'netem'
  /** Packets. */
  readonly limit?: number | undefined
  /** Microseconds. */
  readonly delay?: number | undefined
  readonly jitter?: number | undefined
  /** Percent. */
  readonly loss?: number | undefined
  readonly duplicate?: number | undefined
  readonly corrupt?: number | undefined
  readonly reorder?: number | undefined
  /** Bits per second. */
  readonly rate?: number | undefined
}

/** A token bucket (tc-tbf(8)). */
export interface TbfOptions {
  readonly kind: 'tbf'
  /** Bits per second. */
  readonly rate: number
  /** Bytes. */
  readonly burst: number
  /** Bytes in its queue and in the bucket. */
  readonly limit: number
}

/** The options of a qdisc. */
export type QdiscOptions = NetemOptions | TbfOptions

/** A qdisc that tc has put on an interface besides its root qdisc. */
export type HookSpec = {
  readonly dev: string
  readonly kind: string
  /** Its parent class (`8001:1`); absent: it is the ingress qdisc, or clsact. */
  readonly parent?: string
}

const scaled = (value: number, steps: readonly (readonly [number, string])[]): string => {
  const [factor, unit] = steps.find(([factor]) => value % factor === 0) ?? [1, '']
  return `${value / factor}${unit}`
}

/** Microseconds in the form that tc takes. */
export const timeWord = (us: number): string =>
  scaled(us, [
    [1e6, 's'],
    [1e3, 'ms'],
    [1, 'us'],
  ])

/** Bits per second in the form that tc takes. */
export const rateWord = (bits: number): string =>
  scaled(bits, [
    [1e9, 'gbit'],
    [1e6, 'mbit'],
    [1e3, 'kbit'],
    [1, 'bit'],
  ])

/** Bytes in the form that tc takes. */
export const sizeWord = (bytes: number): string =>
  scaled(bytes, [
    [1024, 'kb'],
    [1, 'b'],
  ])

/** Percent in the form that tc takes: without an exponent. */
export const shareWord = (percent: number): string =>
  `${String(percent).includes('e') ? percent.toFixed(10) : percent}%`

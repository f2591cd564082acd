/** The options of netem that are percentages of packets. */
export const SHARES = ['loss', 'duplicate', 'corrupt', 'reorder'] as const

/** The options of netem that follow their value before, in percent: one for each of these (tc-netem(8), "CORRELATION"). */
export const CORRELATIONS = ['delay_correlation', ...SHARES.map((share) => `${share}_correlation` as const)] as const

/** The tables of delays that iproute2 has (/usr/lib/tc/NAME.dist). */
export const DISTRIBUTIONS = ['normal', 'pareto', 'paretonormal', 'experimental'] as const
export type Distribution = (typeof DISTRIBUTIONS)[number]

/** Options of tc-netem(8). An absent option keeps its value on an existing qdisc. */
export interface NetemOptions extends Readonly<Partial<Record<(typeof CORRELATIONS)[number], number | undefined>>> {
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
  readonly distribution?: Distribution | undefined
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

/** Classes by destination (tc-htb(8)). */
export interface HtbOptions {
  readonly kind: 'htb'
  /** The class of what no filter sends to another one. */
  readonly default: number
}

/** The options of a qdisc. */
export type QdiscOptions = NetemOptions | TbfOptions | HtbOptions

/** A filter that sends packets from or to a network to a class. */
export interface NetworkFilter {
  /** The handle of the qdisc: `6e6c:`. */
  readonly parent: string
  /** Its preference: the kernel tries lower numbers first. */
  readonly pref: number
  readonly side: 'to' | 'from'
  /** A canonical CIDR. */
  readonly network: string
  /** The id of the class: `6e6c:5f2`. */
  readonly flowid: string
}

/** What names an existing filter. */
export interface FilterName {
  readonly parent: string
  readonly protocol: string
  readonly pref: number
  readonly kind: string
  readonly handle: string
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

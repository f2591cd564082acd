/** A metric of a route: its word (ip-route(8)), and its number, RTAX_… in the kernel's include/uapi/linux/rtnetlink.h. */
export interface Metric {
  readonly word: string
  readonly number: number
  /** It is a time: how many of the kernel's units make a millisecond. */
  readonly perMillisecond?: number
  /** It is not a number, but one of these words or any name: `features ecn`, `congctl reno`. */
  readonly words?: readonly string[] | 'name'
  /** The largest value. Default: 4294967295. */
  readonly most?: number
  readonly description: string
}

/** All metrics of Linux, in the order in which iproute2 prints them. */
export const metrics: readonly Metric[] = [
  {
    word: 'mtu',
    number: 2,
    most: 65535,
    description: 'Path MTU, in bytes; with `lock 1400`, path MTU discovery does not change it.',
  },
  { word: 'window', number: 3, most: 65535, description: 'Largest window that TCP advertises, in bytes.' },
  { word: 'rtt', number: 4, perMillisecond: 8, description: 'Initial estimate of the round-trip time.' },
  {
    word: 'rttvar',
    number: 5,
    perMillisecond: 4,
    description: 'Initial estimate of the variance of the round-trip time.',
  },
  { word: 'ssthresh', number: 6, description: 'Initial slow start threshold of TCP, in segments.' },
  {
    word: 'cwnd',
    number: 7,
    description: 'Largest congestion window of TCP, in segments; effective only with `lock`.',
  },
  { word: 'advmss', number: 8, most: 65535, description: 'Maximum segment size that TCP advertises, in bytes.' },
  { word: 'reordering', number: 9, description: 'How many packets may be reordered before TCP considers one lost.' },
  {
    word: 'hoplimit',
    number: 10,
    most: 255,
    description: 'TTL or hop limit of packets that the namespace itself sends.',
  },
  { word: 'initcwnd', number: 11, description: 'Initial congestion window of TCP, in segments.' },
  { word: 'features', number: 12, words: ['ecn'], description: 'ecn: TCP asks for explicit congestion notification.' },
  { word: 'rto_min', number: 13, perMillisecond: 1, description: 'Minimum retransmission timeout of TCP.' },
  { word: 'initrwnd', number: 14, description: 'Initial window that TCP advertises, in segments.' },
  { word: 'quickack', number: 15, most: 1, description: '1: TCP acknowledges immediately.' },
  { word: 'congctl', number: 16, words: 'name', description: 'Congestion control of TCP: `reno`, `lock cubic`, ….' },
  { word: 'fastopen_no_cookie', number: 17, most: 1, description: '1: TCP Fast Open without a cookie.' },
]

/** The metrics of a route by their words: a number, a word, a time as `250ms`; `lock 1400` where it is locked. */
export type Metrics = Readonly<Record<string, number | string>>

/** The value of a metric in labs and dumps. iproute2 locks every `rto_min`, so `lock` is left out there. */
export const metricValue = ({ word }: Metric, value: number | string, locked: boolean): number | string =>
  locked && word !== 'rto_min' ? `lock ${value}` : value

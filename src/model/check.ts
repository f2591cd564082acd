import type { Position } from './diagnostic.ts'

/** What a packet of a check looks like at a place. What is absent may be anything. */
export interface Observation {
  /** `NAMESPACE:INTERFACE` */
  readonly at: string
  readonly source?: string
  readonly destination?: string
  readonly sport?: number
  readonly dport?: number
  readonly protocol?: 'icmp' | 'icmp6' | 'tcp' | 'udp'
  /** False: no such packet may be seen there. Default: true. */
  readonly present?: boolean
}

/** What a command must end with. Texts are contained in the output; `/…/` is a pattern. */
export interface Expected {
  readonly exit?: number
  readonly stdout?: string
  readonly stderr?: string
}

/** One thing that `netlab test` tries: exactly one of `ping`, `tcp`, `udp` and `run`. */
export interface Check {
  /** Default: made from its fields. */
  readonly name?: string
  /** The namespace that it is tried from. */
  readonly from: string
  /** A namespace or an address. */
  readonly ping?: string
  /** `ADDRESS:PORT`, `[IPV6]:PORT` or `NAMESPACE:PORT` */
  readonly tcp?: string
  readonly udp?: string
  /** The argv; text for a shell is `sh -c TEXT`. */
  readonly run?: readonly string[]
  /** `NAMESPACE:PORT` where netlab listens, unless something does already. */
  readonly to?: string
  /** Default: `pass`. */
  readonly expect?: 'pass' | 'fail' | Expected
  /** In seconds. */
  readonly timeout?: number
  /** In seconds: it is tried until it holds, or this time is up. */
  readonly within?: number
  readonly count?: number
  /** The size of the IP packet, in bytes, with don't-fragment. */
  readonly mtu?: number
  readonly observe?: readonly Observation[]
  /** Where the lab file says it. */
  readonly source?: Position
}

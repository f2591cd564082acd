import type { Position } from './diagnostic.ts'

/** What a packet of a check must look like at an interface. An absent field matches any value. */
export interface Observation {
  /** `NAMESPACE:INTERFACE` */
  readonly at: string
  readonly source?: string
  readonly destination?: string
  readonly sport?: number
  readonly dport?: number
  readonly protocol?: 'icmp' | 'icmp6' | 'tcp' | 'udp'
  /** False: no such packet may appear there. Default: true. */
  readonly present?: boolean
}

/** The expected result of a command. The output must contain a text, or match a pattern that is written `/…/`. */
export interface Expected {
  readonly exit?: number
  readonly stdout?: string
  readonly stderr?: string
}

/** One check of `netlab test`. Exactly one of `ping`, `tcp`, `udp` and `run` is present. */
export interface Check {
  /** Default: a name made from the other fields. */
  readonly name?: string
  /** The namespace from which packets are sent, or in which the command runs. */
  readonly from: string
  /** A namespace or an address. */
  readonly ping?: string
  /** `ADDRESS:PORT`, `[IPV6]:PORT` or `NAMESPACE:PORT` */
  readonly tcp?: string
  readonly udp?: string
  /** The argv; a command line for a shell is `sh -c TEXT`. */
  readonly run?: readonly string[]
  /** `NAMESPACE:PORT` on which netlab listens, unless a program already does. */
  readonly to?: string
  /** Default: `pass`. */
  readonly expect?: 'pass' | 'fail' | Expected
  /** In seconds. */
  readonly timeout?: number
  /** In seconds: the check is repeated until it passes, at most for this time. */
  readonly within?: number
  readonly count?: number
  /** A timeline of faults that runs while the check is made. */
  readonly during?: string
  /** The size of the IP packet in bytes; it is sent with don't-fragment. */
  readonly mtu?: number
  readonly observe?: readonly Observation[]
  /** The position of the check in the lab file. */
  readonly source?: Position
}

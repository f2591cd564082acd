import type { Resource } from './resource.ts'

/** The address of an interface: `NS:IF`. */
export interface Endpoint {
  readonly namespace: string
  readonly device: string
}

/** `NS:IF` */
export const endpointText = ({ namespace, device }: Endpoint): string => `${namespace}:${device}`

/** What a fault does. */
export type FaultAction =
  | {
      readonly kind: 'cut'
      readonly target: Endpoint
      /** Only what the target sends is lost. */
      readonly oneWay?: true
    }
  | {
      readonly kind: 'impair'
      readonly target: Endpoint
      /** As `impairments` in a lab: `{ delay: '50ms' }`. */
      readonly settings: Readonly<Record<string, string>>
      /** Only packets to these, or from these: a namespace, an address or a network, as it was typed. */
      readonly to?: string
      readonly from?: string
    }
  | {
      readonly kind: 'partition'
      /** Groups of namespaces that do not hear each other. */
      readonly groups: readonly (readonly string[])[]
    }

/** A disturbance that somebody has asked for. It is no drift: plans list it apart. */
export type Fault = FaultAction & {
  /** Eight hexadecimal digits: the same in every namespace that the fault concerns. */
  readonly id: string
  /** When it began, and when it is to end, in milliseconds since 1970; without an end it lasts until it is healed. */
  readonly since: number
  readonly until?: number
  /** A run has taken its effects away for its work. They are to come back. */
  readonly lifted?: true
}

/** How long a fault may outlast its time, in milliseconds: who has set it ends it. */
const GRACE = 1000

/** From when on the time of a fault is over, and who should have ended it has not, in milliseconds since 1970; Infinity: never. */
export const overdueFrom = ({ until }: Fault): number => (until === undefined ? Infinity : until + GRACE)

/** Whether that is so now. */
export const isOverdue = (fault: Fault): boolean => Date.now() > overdueFrom(fault)

/** The settings of an interface that a cut changes. */
export interface Carrier {
  readonly up?: boolean
  readonly linkmode?: string
}

/** What a cut has done to an interface, and how it was before. */
export interface CutMark {
  readonly now: Carrier
  readonly before: Carrier
}

/** What an impairment asks of an interface, and the queues that the interface had before. */
export interface ImpairMark {
  readonly settings: Readonly<Record<string, string>>
  /** Canonical CIDRs of those packets that it concerns; absent: all. */
  readonly to?: readonly string[]
  readonly from?: readonly string[]
  readonly before: readonly Resource[]
}

/** What the kernel remembers of a fault in one namespace. */
export interface FaultMark {
  readonly fault: Fault
  /** By interface. */
  readonly cuts?: Readonly<Record<string, CutMark>>
  readonly impairs?: Readonly<Record<string, ImpairMark>>
}

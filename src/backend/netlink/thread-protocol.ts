import type { Patch, Slice } from './message.ts'

/** What a thread is started with. */
export interface WorkerData {
  /** The file of the package koffi. */
  readonly koffi: string
  /** From so many namespaces on, room for descriptors of all is made at once. */
  readonly descriptors: number
}

/** One operation of a run, with its message as a slice. Names of namespaces are those under /run/netns, or paths. */
export type Job = { readonly netns?: string } & (
  | { readonly do: 'send'; readonly message: Slice; readonly patches: readonly Patch[] }
  | {
      readonly do: 'create'
      readonly name: string
      readonly mark: string
      readonly message: Slice
      readonly patches: readonly Patch[]
    }
  | { readonly do: 'attach'; readonly name: string; readonly mark: string }
  | { readonly do: 'delete'; readonly name: string }
  /** Lines for nft, in one transaction. */
  | { readonly do: 'nft'; readonly lines: string }
  | { readonly do: 'write'; readonly key: string; readonly file: string; readonly text: string }
)

/** Descriptors of namespaces that have no name yet. Threads share it: a process has its descriptors for all of them. */
export interface Store {
  /** 1: no more are wanted. */
  readonly full: Int32Array
  /** How many there are, and how many of them were taken. */
  readonly counts: Int32Array
  readonly descriptors: Int32Array
}

/** What to read of a namespace: the answers to dump requests, and the contents of files. */
export interface Reading {
  readonly netns?: string
  /** In a namespace that is made for it, and gone with the request. */
  readonly fresh?: true
  /** A request for links, sent first; its last four bytes are for the id of the namespace. */
  readonly links?: Slice
  /** More requests of NETLINK_ROUTE. */
  readonly requests: readonly Slice[]
  /** A request of NETLINK_ROUTE for forwarding entries, sent where there may be a bridge or a VXLAN. */
  readonly fdb?: Slice
  /** The same for multicast entries; both or neither. */
  readonly mdb?: Slice
  /** A request of NETLINK_ROUTE for nexthop objects. */
  readonly nexthops?: Slice
  /** Requests of NETLINK_NETFILTER, sent last: for the tables of nftables, then for the sets of ipset. */
  readonly netfilter?: Slice
  readonly sets?: Slice
  /** Requests for sets and the like, sent where a table may be one of iptables'. */
  readonly objects?: readonly Slice[]
  /** Whether the tables of iptables-legacy are wanted. */
  readonly legacy?: true
  /** The place of a list of files in `lists`; absent: none. */
  readonly files?: number
  /** When the links have not this text in them, nothing else is wanted. */
  readonly only?: string
  /** Whether the rules of nftables are wanted, where none of the tables may be one of iptables'. */
  readonly rules: boolean
  /** They are wanted even where a table may be one of iptables'. */
  readonly rulesAlone?: true
  /** Tables called as iptables' own that are nftables': `ip nat`. */
  readonly nftables?: readonly string[]
}

/** `epoch`: as long as it is the same, names are of the same namespaces, as far as netlab has a hand in it; NaN: they may change at any time. */
export type Request =
  | {
      readonly kind: 'run'
      readonly bytes: Uint8Array
      readonly jobs: readonly Job[]
      readonly stop: Int32Array
      readonly epoch: number
      readonly store?: Store
    }
  /** Namespaces without names, to be named by runs to come. */
  | { readonly kind: 'make'; readonly store: Store }
  | {
      readonly kind: 'read'
      readonly bytes: Uint8Array
      readonly readings: readonly Reading[]
      /** Lists of files under /proc: most namespaces are asked for the same ones. */
      readonly lists: readonly (readonly string[])[]
      readonly epoch: number
      /** Paths of namespaces that have no names. */
      readonly paths?: readonly string[]
      /** The index of the first reading that no thread has taken yet, when several threads share them. */
      readonly next?: Int32Array
    }
  /** Rule sets of nftables. */
  | { readonly kind: 'try'; readonly texts: readonly string[] }

/** Where and how a job failed. */
export interface Fault {
  /**
   * `nft`: the library's words. `kernel`: its answer to a message. `device`, `argument`, `netns`: the interface, the namespace named in the command
   * and that of the command are not there. `unshare`, `name`, `bind`, `remove`: of namespaces. `open`, `write`: of files.
   */
  readonly at:
    'nft' | 'kernel' | 'device' | 'argument' | 'netns' | 'unshare' | 'name' | 'bind' | 'remove' | 'open' | 'write'
  /** What it is about. */
  readonly name?: string
  /** What the error number means. */
  readonly error: string
  /** The kernel's own words, when it had some (NETLINK_EXT_ACK). */
  readonly extack?: string
}

/** The answer to one dump request. */
export interface Section extends Slice {
  /** The kernel's error number, positive; 0: none. */
  readonly errno: number
}

/** What was read of one namespace: slices of the bytes that come along. */
export interface ReadResult {
  readonly index: number
  /** Why there is nothing, as an error number and its text. */
  readonly gone?: { readonly errno: number; readonly error: string }
  readonly sections: readonly Section[]
  /** The answer to the request for the tables of nftables, where rules alone are wanted. */
  readonly tables?: Section
  /** The answer to the request for forwarding entries. */
  readonly fdb?: Section
  /** The answer to the request for multicast entries. */
  readonly mdb?: Section
  /** The answer to the request for nexthop objects. */
  readonly nexthops?: Section
  /** The contents of the files, each with a zero behind it; nothing before the zero: there is no such file. */
  readonly files?: Slice
  /** The contents of ip_tables_names and ip6_tables_names, each with a zero behind it. */
  readonly legacy?: Slice
  /** The rules of nftables, as `nft -a -s list ruleset` prints them. */
  readonly rules?: Slice
  /** A table called as one of iptables' own has what iptables-save does not list: sets and the like. */
  readonly mixed?: true
}

export type Reply =
  /** It works; `nft`: also the rules of nftables. */
  | { readonly kind: 'ready'; readonly nft: boolean }
  | { readonly kind: 'unusable'; readonly reason: string }
  /** So many jobs of the run are done. */
  | { readonly kind: 'progress'; readonly count: number }
  | { readonly kind: 'ran'; readonly count: number; readonly fault?: Fault }
  /** The names that ids in the links of the same request stand for, by id. */
  | { readonly kind: 'names'; readonly names: ReadonlyMap<number, string> }
  | { readonly kind: 'results'; readonly bytes: Uint8Array; readonly results: readonly ReadResult[] }
  /** As nft lists them; undefined: it refuses them. */
  | { readonly kind: 'tried'; readonly listings: readonly (string | undefined)[] }
  /** All answers have been sent. */
  | { readonly kind: 'end' }
  /** The request could not be carried on with. */
  | { readonly kind: 'broken'; readonly reason: string }

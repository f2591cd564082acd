import type { AddressFile } from '../kinds/address-lab.ts'
import type { FouFile } from '../kinds/fou.ts'
import type { IpsetFile } from '../kinds/ipset.ts'
import type { NeighborFile } from '../kinds/neighbor.ts'
import type { Lender } from '../model/lender.ts'
import type { Machine } from '../model/other-machine.ts'

type Plain = string | number | boolean

/** A lab file whose shape has been checked: see src/language/schema.ts, which says what each field means. */
export interface LabFile {
  readonly name?: string
  readonly vars?: Readonly<Record<string, Plain>>
  readonly include?: readonly string[]
  readonly description?: string
  readonly machines?: Readonly<Record<string, Machine>>
  readonly place?: 'auto'
  readonly namespaces: Readonly<Record<string, NamespaceFile | null>>
  readonly links?: readonly LinkFile[]
  readonly checks?: readonly CheckFile[]
  readonly faults?: Readonly<Record<string, readonly FaultStepFile[] | null>>
}

export type Settings = Readonly<Record<string, unknown>>
/** A CIDR, a list of CIDRs, or settings. */
export type Shorthand = string | readonly AddressFile[] | Settings | null

/** A rule set of nftables: text, a file, or several of them. */
export type NftFile = NftPart | readonly NftPart[]
type NftPart = string | { readonly file: string }

export interface NamespaceFile extends Lender {
  readonly interfaces?: Readonly<Record<string, Shorthand>>
  readonly bridges?: Readonly<Record<string, Shorthand>>
  readonly routes?: readonly RouteFile[]
  readonly nexthops?: readonly NexthopFile[]
  readonly rules?: readonly Settings[]
  readonly neighbors?: readonly NeighborFile[]
  readonly others?: 'keep'
  readonly forwarding?: boolean | 'ipv4' | 'ipv6'
  readonly sysctls?: Readonly<Record<string, Plain>>
  readonly iptables?: Settings | null
  readonly ip6tables?: Settings | null
  readonly nftables?: NftFile
  readonly fou?: readonly FouFile[]
  readonly ipsets?: Readonly<Record<string, IpsetFile>>
  readonly setup?: readonly unknown[]
  readonly processes?: Readonly<Record<string, Settings>>
  readonly files?: Readonly<Record<string, FileEntry>>
  readonly private?: readonly (
    string | { readonly path: string; readonly owner?: string | number; readonly mode?: string }
  )[]
  readonly hostname?: string
  readonly resolver?: readonly string[]
  readonly shares?: string
  readonly root?: true
  readonly machine?: string
}

/** A file or folder beside the lab file, or the content of a file. */
export type FileEntry =
  | string
  | {
      readonly from?: string
      readonly content?: string
      readonly base64?: string
      readonly owner?: string | number
      readonly mode?: string
    }

export interface HopFile {
  readonly as?: number | string
  readonly via?: string
  readonly dev?: string
  readonly weight?: number
  readonly encap?: string
  readonly realm?: number | string
}

/** A nexthop object, or a group of them. */
export interface NexthopFile {
  readonly id: number
  readonly via?: string
  readonly dev?: string
  readonly onlink?: boolean
  readonly encap?: string
  readonly blackhole?: true
  readonly family?: 'inet' | 'inet6'
  readonly group?: readonly (number | { readonly id: number; readonly weight?: number })[]
  readonly fdb?: true
  readonly type?: 'mpath' | 'resilient'
  readonly buckets?: number
  readonly idle_timer?: number
  readonly unbalanced_timer?: number
}

/** And metrics, by their words: src/model/metrics.ts. */
export interface RouteFile extends HopFile {
  readonly to: string | number
  readonly family?: 'mpls'
  readonly ttl_propagate?: boolean
  readonly src?: string
  readonly metric?: number
  readonly table?: number | string
  readonly scope?: string
  readonly onlink?: boolean
  readonly type?: string
  readonly vrf?: string
  readonly tos?: number | string
  readonly pref?: string
  readonly from?: string
  readonly nexthop?: number
  readonly nexthops?: readonly HopFile[]
}

export interface LinkFile {
  readonly endpoints: readonly string[] | Readonly<Record<string, Shorthand>>
  readonly mtu?: number
  readonly up?: boolean
  readonly impairments?: Settings
}

export type FaultStepFile = Settings & { readonly at: string | number }

export type CheckFile = Settings & { readonly from: string }

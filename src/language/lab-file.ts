type Plain = string | number | boolean

/** A lab file whose shape has been checked: see src/language/schema.ts, which says what each field means. */
export interface LabFile {
  readonly name?: string
  readonly description?: string
  readonly namespaces: Readonly<Record<string, NamespaceFile | null>>
  readonly links?: readonly LinkFile[]
  readonly checks?: readonly CheckFile[]
}

export type Settings = Readonly<Record<string, unknown>>
/** A CIDR, a list of CIDRs, or settings. */
export type Shorthand = string | readonly AddressFile[] | Settings | null

/** A rule set of nftables: text, a file, or several of them. */
export type NftFile = NftPart | readonly NftPart[]
type NftPart = string | { readonly file: string }

export interface NamespaceFile {
  readonly interfaces?: Readonly<Record<string, Shorthand>>
  readonly bridges?: Readonly<Record<string, Shorthand>>
  readonly routes?: readonly RouteFile[]
  readonly rules?: readonly Settings[]
  readonly neighbors?: readonly NeighborFile[]
  readonly others?: 'keep'
  readonly forwarding?: boolean | 'ipv4' | 'ipv6'
  readonly sysctls?: Readonly<Record<string, Plain>>
  readonly iptables?: Settings
  readonly ip6tables?: Settings
  readonly nftables?: NftFile
  readonly ipsets?: Readonly<Record<string, IpsetFile>>
  readonly processes?: Readonly<Record<string, Settings>>
  readonly shares?: string
  readonly root?: true
}

export interface IpsetFile {
  readonly type: string
  readonly entries?: readonly (string | number)[]
  readonly [setting: string]: unknown
}

export interface NeighborFile {
  readonly to: string
  readonly lladdr?: string
  readonly dev?: string
  readonly proxy?: boolean
  readonly router?: boolean
}

/** An address, or one with more settings. */
export type AddressFile =
  | string
  | (Readonly<Record<'home' | 'mngtmpaddr' | 'noprefixroute', boolean | undefined>> & {
      readonly address: string
      readonly peer?: string
      readonly scope?: string
      readonly label?: string
      readonly broadcast?: string
      readonly metric?: number
      readonly preferred_lft?: 0
    })

export interface HopFile {
  readonly via?: string
  readonly dev?: string
  readonly weight?: number
  readonly encap?: string
  readonly realm?: number | string
}

/** And metrics, by their words: src/model/metrics.ts. */
export interface RouteFile extends HopFile {
  readonly to: string
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
  readonly nexthops?: readonly HopFile[]
}

export interface LinkFile {
  readonly endpoints: readonly string[] | Readonly<Record<string, Shorthand>>
  readonly mtu?: number
  readonly impairments?: Settings
}

export type CheckFile = Settings & { readonly from: string }

export type NeighborSpec = {
  /** The neighbour's IP address, canonical. */
  readonly to: string
  readonly dev: string
  readonly family: 4 | 6
  /** Its MAC address, lower-case; a proxy entry has none. */
  readonly lladdr?: string
  /** A proxy entry: the namespace answers neighbour requests for this address of another host. */
  readonly proxy?: true
  readonly router?: true
  /** Live side only: a program learnt it (NTF_EXT_LEARNED), or the kernel keeps it resolved (NTF_MANAGED). */
  readonly extern_learn?: true
  readonly managed?: true
  /** The daemon that it belongs to (live side only). */
  readonly protocol?: string
}

export type NeighborSpec = {
  /** The neighbour's IP address, canonical. */
  readonly to: string
  readonly dev: string
  readonly family: 4 | 6
  /** Its MAC address, lower-case; a proxy entry has none. */
  readonly lladdr?: string
  /** The machine answers for this address, which is somebody else's. */
  readonly proxy?: true
  readonly router?: true
  /** Live side only: it was learnt by something else than the kernel, and the kernel keeps it fresh. */
  readonly extern_learn?: true
  readonly managed?: true
  /** The daemon that it belongs to (live side only). */
  readonly protocol?: string
}

/** An association as `ip -j macsec show` prints it; `pn` counts frames, and the digits of the key are not told. */
export interface IpSa {
  readonly an: number
  readonly active: boolean
  readonly key: string
}

/** An interface in the output of `ip -j macsec show`. */
export interface IpMacsec {
  readonly ifname: string
  readonly sa_list?: readonly IpSa[]
  readonly rx_sc?: readonly { readonly sci: string; readonly active: boolean; readonly sa_list?: readonly IpSa[] }[]
}

/** A port in the output of `ip -j fou show`; those of tunnels with a peer are connected to it. */
export interface IpFou {
  readonly port: number
  readonly family: string
  /** The protocol of the packets in UDP; absent: a header in each packet says it (GUE), and there is `gue`. */
  readonly ipproto?: number
  readonly gue?: null
  readonly local?: string
  readonly peer?: string
  readonly peer_port?: number
  readonly dev?: string
}

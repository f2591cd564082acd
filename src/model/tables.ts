/** Routing tables of the kernel (ip-route(8)): `main`, the default for routes, and `local`. */
export const MAIN_TABLE = 254
export const LOCAL_TABLE = 255

/** The table of nftables that `netlab trace` makes while it waits for its packet. Labs cannot declare one of this name (src/language/nft.ts). */
export const TRACE_TABLE = 'netlab-trace'

/** Routing tables of the kernel (ip-route(8)): `main`, the default for routes, and `local`. */
export const MAIN_TABLE = 254
export const LOCAL_TABLE = 255

/**
 * The table of nftables that `netlab trace` makes while it waits for its packet. No lab has a table of this name: theirs have no
 * hyphens (tableMark in src/kinds/nftables.ts).
 */
export const TRACE_TABLE = 'netlab-trace'

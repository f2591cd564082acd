/** Routing tables of the kernel (ip-route(8)): `main`, the default for routes, and `local`. */
export const MAIN_TABLE = 254
export const LOCAL_TABLE = 255

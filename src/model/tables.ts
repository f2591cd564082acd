/** The kernel's routing tables (ip-route(8)): where routes are unless they say otherwise, and what is the namespace's own. */
export const MAIN_TABLE = 254
export const LOCAL_TABLE = 255

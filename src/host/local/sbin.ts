/** The folders of administrative programs, which an ordinary user's PATH often lacks. */
const SBIN = ['/usr/local/sbin', '/usr/sbin', '/sbin']

/** A PATH with those folders at its end. */
export const withSbin = (path: string | undefined): string => [path, ...SBIN].filter(Boolean).join(':')

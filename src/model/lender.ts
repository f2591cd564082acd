/** Somebody else's network namespace, as a lab file names it: exactly one of these. */
export type Lender = {
  /** The name or id of a running container. */
  readonly container?: string
  /** The id of a process. */
  readonly pid?: number
  /** A name under /run/netns, or an absolute path. */
  readonly netns?: string
}

/** The fields that name somebody else's namespace. */
export const LENDERS = ['container', 'pid', 'netns'] as const

/** The words of a lab file for somebody else's namespace; undefined where it names none. */
export function lenderOf(fields: Lender | null | undefined): Lender | undefined {
  const field = LENDERS.find((name) => fields?.[name] !== undefined)
  return field && { [field]: fields?.[field] }
}

/** What people read: `container web`, `process 4711`, `namespace foo`. */
export const lenderText = ({ container, pid, netns }: Lender): string =>
  container !== undefined ? `container ${container}` : pid !== undefined ? `process ${pid}` : `namespace ${netns}`

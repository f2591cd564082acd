import { sha256 } from './digest.ts'

/** The mark of the process that keeps a home: `LAB/NAMESPACE`, in its environment. */
export const homeMark = (lab: string, namespace: string): string => `${lab}/${namespace}`

/** Where a home keeps what netlab knows of it. It is in the home's own /run, and goes with it. */
export const HOME_NOTES = '/run/.netlab'

/** The file in which a home notes what a lab put at a path: `file PATH` or `folder PATH`. */
export const noteOf = (path: string): string => `${HOME_NOTES}/files/${sha256(path).slice(0, 16)}`

/** What a lab put into a home. */
export interface HomeEntry {
  readonly kind: 'file' | 'folder'
  /** As the lab file has it, absolute. */
  readonly path: string
  /** Permissions, in octal: `0644`. */
  readonly mode: string
  readonly uid: number
  readonly gid: number
  /** The content of a file; absent of a folder, and of what has become something else than a file. */
  readonly content?: Uint8Array
}

/** A live home of a lab. */
export interface LiveHome {
  readonly namespace: string
  /** The processes that keep it: one, unless a run was killed. */
  readonly pids: readonly number[]
  /** Its network namespace was deleted: only its processes are left. */
  readonly orphan?: true
  /** The top folders that have a layer of their own, besides /etc and /var. */
  readonly layers: readonly string[]
  readonly hostname: string
  readonly entries: readonly HomeEntry[]
  /** By process: the digest of the files that it has loaded. */
  readonly loaded: ReadonlyMap<string, string>
}

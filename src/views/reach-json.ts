import type { Pair } from '../model/reach-pair.ts'
import type { FORMAT } from './json.ts'

/** What `netlab reach --json` prints. */
export interface ReachJson {
  readonly format_version: typeof FORMAT
  readonly lab: string
  readonly pairs: readonly Pair[]
}

import { stage } from '../host/status-line.ts'
import { openLab, type Lab, type OpenLab } from '../language/load-lab.ts'
import type { Host } from '../model/host.ts'
import { optimizeLate } from '../run/optimize-late.ts'
import { withLenders } from './borrow.ts'
import type { Located } from './locate.ts'

/** The option of commands that warn of what a lab file says. */
export interface Linting {
  /** False after `--no-lint`. */
  readonly lint?: boolean
}

/** Opens the lab file that was located; undefined when only a name was given. */
export const openLocated = (located: Located, host: Host, { lint }: Linting = {}): OpenLab | undefined =>
  'name' in located
    ? undefined
    : openLab({ ...reading(located), readBeside: located.beside, confines: host.confines(), lint })

/** Says on a terminal that a lab file is being read, and returns it. */
export function reading<L extends { readonly file: string; readonly text: string }>(located: L): L {
  optimizeLate(located.text.length)
  stage(`Reading ${located.file} …`)
  return located
}

/** Loads the lab file that was located; undefined when only a name was given. */
export const loadLocated = (located: Located, host: Host, linting?: Linting): Lab | undefined =>
  openLocated(located, host, linting)?.lab()

/** `loadLocated`, with the paths of those of somebody else's namespaces that are there. */
export async function loadFound(located: Located, host: Host, linting?: Linting): Promise<Lab | undefined> {
  const unfound = openLocated(located, host, linting)
  return unfound && (await withLenders(unfound, host)).opened.lab()
}

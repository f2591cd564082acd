import type { Diagnostic } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'

/** Where the watchdog of a lab waits; that of the part of a lab on one of its machines waits elsewhere: all parts are kept, or none. */
export const revertDoor = (lab: string, isPart = false): string => `${lab}/revert${isPart ? '-part' : ''}`

/** A warning while a watchdog waits: it will take back what its apply changed, whatever has changed since. `file`: what names the lab. */
export const unconfirmed = (host: Host, lab: string, file: string, isPart?: boolean): readonly Diagnostic[] =>
  host.isLocked(revertDoor(lab, isPart))
    ? [
        {
          code: 'unconfirmed',
          severity: 'warning',
          summary: `an earlier apply of lab ${lab} waits to be confirmed`,
          detail: `What that apply changed is taken back in the end, even where it is changed again until then. To keep it: netlab confirm ${file}`,
        },
      ]
    : []

/** Codes of diagnostics about drills (src/model/diagnostic-codes.ts). */
export const drillCodes = {
  'drill-refused': {
    cause: 'A drill cannot begin: the lab is not sound, or no check notices what could be broken.',
    remedy: 'Make the lab sound first (netlab apply, netlab heal), and give it checks that use all of it.',
  },
  'drill-under-way': {
    cause: 'A drill is under way (netlab break), and what was asked for would show what is broken.',
    remedy: 'netlab hint helps; netlab plan --reveal shows the changes, and netlab apply makes them.',
  },
  'drill-unrepaired': {
    cause: 'What netlab broke to try it out could not be repaired: something else has changed the lab meanwhile.',
    remedy: 'netlab plan --reveal shows what is left, netlab apply does it.',
  },
  'no-drill': {
    cause: 'netlab hint was called, and no drill is under way, or the lab file has changed since it began.',
    remedy: 'netlab break begins a drill; netlab apply ends one.',
  },
} as const

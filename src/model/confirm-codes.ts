/** Codes of diagnostics of `netlab apply --revert-after` and `netlab confirm` (src/model/diagnostic-codes.ts). */
export const confirmCodes = {
  'no-watchdog': {
    cause: 'The watchdog, a process that would undo the change, did not start.',
    remedy: 'Nothing was changed. Try again, or without `--revert-after`.',
  },
  unconfirmed: {
    cause: 'An apply with `--revert-after` waits to be confirmed, so what it changed will be taken back.',
    remedy: 'Keep it with `netlab confirm`, or wait until it is taken back.',
  },
  'nothing-to-confirm': {
    cause: 'No `apply --revert-after` of this lab is waiting for confirmation.',
    remedy: 'The change may already be undone: see `netlab plan`.',
  },
} as const

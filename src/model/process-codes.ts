/** Codes of diagnostics about the processes of a lab (src/model/diagnostic-codes.ts). */
export const processCodes = {
  'copy-ended': {
    cause:
      'The throw-away sandbox with the copy of a lab ended before it was done: something ended it, or memory ran out.',
    remedy: 'Run the command again.',
  },
  'process-circle': {
    cause: 'Processes come after each other in a circle, so that none can be the first.',
    remedy: 'Remove one of the names from `after`.',
  },
  'process-ended': {
    cause: 'A process of the lab ended soon after it was started.',
    remedy: 'See what it printed, and correct its command.',
  },
  'process-killed': {
    cause: 'A process of the lab did not end after its signal, and was ended by SIGKILL.',
    remedy: 'Name the signal that ends it (`stop`), or give it more time (`stop_timeout`).',
  },
  'process-not-started': {
    cause: 'A process or a setup of the lab did not become ready, or comes after one that did not.',
    remedy: 'See what it printed, correct it, and apply again: everything else of the lab stays up.',
  },
  'process-not-ended': {
    cause: 'A process that keeps a namespace cannot be ended.',
    remedy: 'End it yourself, or run netlab as somebody who may.',
  },
  'unknown-account': {
    cause: 'A process is to run as a user or a group that the machine does not have.',
    remedy: 'Correct the name, or install what brings the account.',
  },
} as const

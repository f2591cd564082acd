/** Codes of diagnostics about faults (src/model/diagnostic-codes.ts). */
export const faultCodes = {
  'bad-fault': {
    cause: 'A step of a timeline of faults is incomplete or contradicts itself.',
    remedy: 'Give exactly one of `cut`, `impair`, `partition` and `heal`, and only fields that apply to it.',
  },
  'fault-refused': {
    cause: 'The kernel refused a fault: it lacks what the fault needs.',
    remedy:
      'The kernel’s words follow. Cuts need nftables with netdev chains, delay and loss need netem: netlab doctor tells.',
  },
} as const

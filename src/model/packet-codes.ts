/** Codes of diagnostics about checks and traced packets (src/model/diagnostic-codes.ts). */
export const packetCodes = {
  'bad-check': {
    cause: 'A check, or an observation in it, is incomplete or contradicts itself.',
    remedy: 'Give exactly one of `ping`, `tcp`, `udp` and `run`, and only fields that apply to it.',
  },
  untraceable: {
    cause: 'netlab cannot send or watch a packet.',
    remedy:
      'The reason follows. netlab trace needs libpcap and nftables, and a live lab: netlab doctor and netlab apply help.',
  },
} as const

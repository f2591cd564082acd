/** The codes of warnings about what is valid and most likely not meant, with cause and remedy as in diagnostic-codes.ts. */
export const lintCodes = {
  'address-on-two-interfaces': {
    cause: 'Two interfaces of a namespace have the same address, and the kernel uses one of them for the subnet.',
    remedy: 'Give each interface an address of its own.',
  },
  'address-twice': {
    cause: 'Two hosts of one segment have the same address, so that only one of them is reached.',
    remedy: 'Give one of them another address.',
  },
  'bridge-loop': {
    cause: 'Cables and bridges form a loop, and no bridge in it speaks STP: broadcasts circle for ever.',
    remedy: 'Add `stp: true` to a bridge of the loop, or take a link out.',
  },
  'check-without-route': {
    cause: 'The packets of a check, or the answers, come to a namespace that has no route to their destination.',
    remedy: 'Give that namespace a route, or a default route.',
  },
  'duplicate-subnet': {
    cause: 'A router has the same subnet on two sides, and reaches only one of them.',
    remedy: 'Use a different subnet on each side, or make both interfaces ports of a bridge.',
  },
  'mtu-differs': {
    cause: 'The two ends of a cable have different MTUs: larger packets are lost without a word.',
    remedy: 'Give the link one `mtu`.',
  },
  'mtu-on-segment': {
    cause: 'Interfaces of one segment have different MTUs: larger packets are lost without a word.',
    remedy: 'Give all links of the segment one `mtu`.',
  },
  'not-forwarding': {
    cause: 'A route leads through a host that does not forward packets.',
    remedy: 'Add `forwarding: true` to its namespace.',
  },
  'unknown-chain': {
    cause: 'A rule jumps to a chain that its table does not have.',
    remedy: 'Correct the name, or declare the chain.',
  },
  'unknown-gateway': {
    cause: 'A route leads to a gateway that nobody on the segment has.',
    remedy: 'Correct the address, or give it to a host.',
  },
  'unknown-lint': {
    cause: 'A comment `# netlab-ignore: NAME` names a lint that does not exist.',
    remedy: 'Write a name that docs/lints.md has.',
  },
  'unreachable-chain': {
    cause: 'No rule jumps to a chain, so its rules never see a packet.',
    remedy: 'Add a rule that jumps to it, or take the chain out.',
  },
  'unreachable-rule': {
    cause: 'A rule comes after one that has a verdict and no condition, so no packet comes to it.',
    remedy: 'Put the rule without a condition last.',
  },
} as const

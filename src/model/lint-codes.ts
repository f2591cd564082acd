/** The codes of warnings about what is valid and most likely not meant, with cause and remedy as in diagnostic-codes.ts. */
export const lintCodes = {
  'address-on-two-interfaces': {
    cause: 'Two interfaces of a namespace have the same address, and the kernel uses only one of them for the subnet.',
    remedy: 'Give each interface its own address.',
  },
  'address-twice': {
    cause: 'Two hosts on one segment have the same address, so only one of them can be reached.',
    remedy: 'Give one of them another address.',
  },
  'bridge-loop': {
    cause: 'Links and bridges form a loop without STP, so broadcasts circulate forever.',
    remedy: 'Add `stp: true` to a bridge of the loop, or remove a link.',
  },
  'check-without-route': {
    cause: 'The packets of a check, or the answers, reach a namespace that has no route to their destination.',
    remedy: 'Give that namespace a route, or a default route.',
  },
  'duplicate-subnet': {
    cause: 'A router has the same subnet on two sides, and can reach only one of them.',
    remedy: 'Use a different subnet on each side, or make both interfaces ports of a bridge.',
  },
  'mtu-differs': {
    cause: 'The two ends of a link have different MTUs, so larger packets are lost silently.',
    remedy: 'Give the link one `mtu`.',
  },
  'mtu-on-segment': {
    cause: 'Interfaces on one segment have different MTUs, so larger packets are lost silently.',
    remedy: 'Give all links of the segment one `mtu`.',
  },
  'not-forwarding': {
    cause: 'A route goes through a host that does not forward packets.',
    remedy: 'Add `forwarding: true` to its namespace.',
  },
  'unknown-chain': {
    cause: 'A rule jumps to a chain that its table does not have.',
    remedy: 'Correct the name, or declare the chain.',
  },
  'unknown-gateway': {
    cause: 'No host on the segment has the address of a route’s gateway.',
    remedy: 'Correct the gateway, or give a host this address.',
  },
  'unknown-lint': {
    cause: 'A comment `# netlab-ignore: NAME` names a lint that does not exist.',
    remedy: 'Write a name that docs/lints.md lists.',
  },
  'unreachable-chain': {
    cause: 'No rule jumps to a chain, so no packet reaches its rules.',
    remedy: 'Add a rule that jumps to the chain, or remove the chain.',
  },
  'unreachable-rule': {
    cause: 'A rule comes after one with a verdict and no condition, so no packet reaches it.',
    remedy: 'Put the rule without a condition last.',
  },
} as const

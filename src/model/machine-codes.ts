/** Codes of diagnostics about labs on several machines (src/model/diagnostic-codes.ts). */
export const machineCodes = {
  'bad-machine': {
    cause: 'The entry of a machine is incomplete, contradicts itself, or has a name that something else has.',
    remedy: 'Give it a name of its own, and either `ssh` or `run`.',
  },
  'same-machine': {
    cause: 'Two machines of the lab are the same.',
    remedy: 'Name it once. What is to be on the machine that netlab runs on needs no `machine`.',
  },
  apart: {
    cause: 'Two things that only work on one machine are on two.',
    remedy: 'Give both namespaces the same `machine`.',
  },
  'cannot-spread': {
    cause: 'A namespace is on several machines, and has something that works on one only.',
    remedy: 'Give it one machine, or leave that out.',
  },
  'machine-lost': {
    cause: 'A machine of the lab does not answer, or netlab cannot run there.',
    remedy: 'The words of ssh, or of the command in `run`, follow. `--skip-machine` leaves a machine out.',
  },
  'no-way': {
    cause: 'Two machines that a link joins do not know how to reach each other.',
    remedy: 'Give each an `address` to which the others have a route.',
  },
  'mtu-too-large': {
    cause:
      'An interface has a larger MTU than its lower device allows, or a link between two machines a larger one than fits into the packets between them.',
    remedy: 'Lower the `mtu`, or raise that of the lower device or of the machines’ interfaces.',
  },
  'several-machines': {
    cause: 'The lab is on several machines, and the sandbox of an ordinary user has no way to others.',
    remedy: 'Be root, or test all of the lab on one machine: netlab test --fresh.',
  },
  'vni-taken': {
    cause: 'Something else on the machine uses the VXLAN network identifier (VNI) of a link.',
    remedy: 'Remove the other VXLAN, or name the lab or the interface differently.',
  },
} as const

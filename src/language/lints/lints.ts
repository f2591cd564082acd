import type { Check } from '../../model/check.ts'
import type { Topology } from '../../model/topology.ts'
import type { PlaceInFile } from '../expand-firewalls.ts'
import type { Expansion } from '../expansion.ts'
import { addressOnTwoInterfaces, addressTwice, duplicateSubnet } from './address-lints.ts'
import { unknownChain, unreachableChain, unreachableRule } from './chain-lints.ts'
import { lintedLab, type Lint, type Warn } from './lint.ts'
import { checkWithoutRoute, notForwarding, unknownGateway } from './route-lints.ts'
import { bridgeLoop, mtuDiffers, mtuOnSegment } from './segment-lints.ts'
import { saidEarlier } from './said-earlier.ts'

/** Every lint, in the order in which they look: the cause comes before what follows from it. */
export const lints: readonly Lint[] = [
  addressTwice,
  addressOnTwoInterfaces,
  duplicateSubnet,
  unknownGateway,
  notForwarding,
  checkWithoutRoute,
  mtuDiffers,
  mtuOnSegment,
  bridgeLoop,
  unknownChain,
  unreachableChain,
  unreachableRule,
  ...saidEarlier,
]

/** Warns of what is valid and cannot work. Everything has been expanded, without errors. */
export function lint(x: Expansion, topology: Topology, checks: readonly Check[], where: PlaceInFile): void {
  const lab = lintedLab(x, topology, checks, where)
  for (const { name, find } of lints) {
    const warn: Warn = (at, summary, detail) => {
      const position = at && 'spec' in at ? at.source?.() : at
      if (position) x.report.warn(name, position, summary, detail)
    }
    find?.(lab, warn)
  }
}

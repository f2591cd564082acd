import { liveRules } from '../firewall/live.ts'
import type { LiveChain } from '../model/firewall.ts'
import type { Place } from '../model/place.ts'
import type { Dump, Runner } from '../model/runner.ts'

/** `--netlab--`, which no program prints, separates the listings. A program that is not installed prints an empty one. */
const SCRIPT = 'iptables-save -c; echo --netlab--; ip6tables-save -c; echo --netlab--; nft list ruleset'

/**
 * The live rules of a namespace with their counters. `ofNft` are the tables that the lab declares under `nftables` and that have names iptables uses as well.
 */
export async function readFirewall(
  place: Place,
  runner: Pick<Runner, 'host'>,
  ofNft?: readonly string[],
): Promise<LiveChain[]> {
  const { stdout } = await runner.host.run({ argv: ['sh', '-c', SCRIPT], ...place })
  const [iptables = '', ip6tables = '', nftables = ''] = stdout.split('--netlab--\n')
  return liveRules({ iptables, ip6tables, nftables }, ofNft)
}

/** The rules of a namespace as they were when it was dumped, without counters. `ofNft` as readFirewall has it. */
export const dumpedFirewall = (
  dump: Pick<Dump, 'iptables' | 'ip6tables' | 'nftables'>,
  ofNft?: readonly string[],
): LiveChain[] => liveRules(dump, ofNft)

import type { System } from './libc.ts'
import type { Reply, Request } from './thread-protocol.ts'

/**
 * What tries rule sets of nftables out: each is loaded and listed, and the listing loaded and listed again. Every time in a
 * namespace of its own, that is gone afterwards: where rules were just removed, the next transaction waits
 * for 10 to 30 ms (docs/kernel.md).
 */
export function trier({
  nft,
  unshare,
}: System): (request: Extract<Request, { kind: 'try' }>, reply: (r: Reply) => void) => void {
  /** libnftables(3): NFT_CTX_OUTPUT_STATELESS */
  const STATELESS = 1 << 2

  function listed(text: string): string | undefined {
    const run = nft()
    if (!run || !unshare() || run(text, 0).failed) return undefined
    const { failed, output } = run('list ruleset', STATELESS)
    return failed ? undefined : output
  }

  return ({ texts }, reply) => {
    const listings = texts.map((text) => {
      const first = listed(text)
      return first === undefined ? undefined : listed(first)
    })
    reply({ kind: 'tried', listings })
    reply({ kind: 'end' })
  }
}

/** A tool's message about a line of its input; without a line if the message names none. */
export interface Refusal {
  readonly line?: number
  readonly column?: number
  readonly length?: number
  readonly words: string
}

/** Explanations of the kernel's error numbers for rules. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [/Too many links/, 'The chains jump to each other in a circle.'],
  [/Invalid argument/, 'The kernel refuses a match or target in this table or chain.'],
  [/No such file|No chain\/target\/match/, 'The kernel does not know a match, target or chain of this rule.'],
  [
    /Message too long/,
    'It is more than an ordinary user may hand to the kernel at once. To allow more: sudo sysctl -w net.core.wmem_default=16777216',
  ],
  [/Operation not supported/, 'The kernel lacks what this rule needs.'],
]

/** The explanation of a tool's message; undefined when there is none. */
export const meaning = (words: string): string | undefined => meanings.find(([pattern]) => pattern.test(words))?.[1]

/** What rule sets of nftables need and a kernel may lack, by the words that ask for it. */
const optional: readonly (readonly [RegExp, string])[] = [
  [/\bflowtable\b/, 'Flowtables need the module nf_flow_table_inet (CONFIG_NF_FLOW_TABLE_INET).'],
  [/\bsecmark\b/, 'The security module of this kernel knows no such context, or there is none: leave secmarks out.'],
  [
    /\bi?br(name|pvid|vproto)\b|\bobrname\b/,
    'Bridge metadata needs the module nft_meta_bridge (CONFIG_NFT_BRIDGE_META).',
  ],
  [/\bqueue\b/, 'Queues need the module nft_queue (CONFIG_NFT_QUEUE).'],
  [/\bsynproxy\b/, 'Synproxies need the module nft_synproxy (CONFIG_NFT_SYNPROXY).'],
  [/\bosf\b/, 'Fingerprints need the module nft_osf (CONFIG_NFT_OSF).'],
  [/\bhook egress\b/, 'The hook egress needs Linux 5.16 or newer with CONFIG_NETFILTER_EGRESS.'],
]

/** What the kernel lacks for this line of a rule set, if the tool's message says that it lacks something. */
export const lackOf = (line: string, words: string): string | undefined =>
  /Operation not supported|No such file/.test(words) ? optional.find(([pattern]) => pattern.test(line))?.[1] : undefined

const clean = (words: string): string =>
  words
    .split('\n')
    .filter((line) => !/^Try `|^\s*$/.test(line))
    .join(' ')
    .replace(/^ip6?tables-restore(?: v\S+ \(\w+\))?:\s*/, '')
    .trim()

/** Parses messages of iptables-restore 1.8: `Error occurred at line: N`, `line N: RULE_APPEND failed (…)`, `line N failed`. */
export function iptablesRefusals(stderr: string): Refusal[] {
  const kernels = [...stderr.matchAll(/^\s*line (\d+): (\w+ failed.*)$/gm)]
  if (kernels.length) return kernels.map(([, line, words]) => ({ line: Number(line), words: words! }))
  const parsed = /^([\s\S]*?)Error occurred at line: (\d+)/m.exec(stderr)
  if (parsed) return [{ line: Number(parsed[2]), words: clean(parsed[1]!) }]
  const plain = /line (\d+) failed(?:: (.*))?/.exec(stderr)
  if (plain) return [{ line: Number(plain[1]), words: plain[2] ?? 'the rule was refused' }]
  return [{ words: clean(stderr) || 'it said nothing' }]
}

/** The missing chain to which a rule jumps; the message then names the line of COMMIT, not that of the rule. */
export const missingChain = (words: string): string | undefined => /Chain '([^']+)' does not exist/.exec(words)?.[1]

/** The word that the tool complains about, if it quotes one. */
export function quotedWord(words: string): string | undefined {
  const match = /(?<!\w)(?:"([^"]+)"|`([^']+)'|'([^']+)')/.exec(words)
  return match?.[1] ?? match?.[2] ?? match?.[3]
}

/** Parses messages of nft: `/dev/stdin:LINE:COLUMN-COLUMN: Error: …`. */
export function nftRefusals(stderr: string): Refusal[] {
  const found = [...stderr.matchAll(/^\S*stdin:(\d+):(\d+)-(\d+): Error: (.*)$/gm)]
  if (found.length === 0) return [{ words: stderr.trim() || 'it said nothing' }]
  // After a syntax error nft also reports errors in correct lines.
  const syntax = found.findIndex(([, , , , words]) => words?.startsWith('syntax error'))
  return found.slice(0, syntax < 0 ? found.length : syntax + 1).map(([, line, column, end, words]) => ({
    line: Number(line),
    column: Number(column),
    length: Math.max(1, Number(end) - Number(column) + 1),
    words: words!,
  }))
}

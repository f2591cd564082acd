import { bare } from '../firewall/division.ts'
import { parseNft } from '../firewall/nft-parse.ts'
import { iptablesRefusals, lackOf, missingChain, nftRefusals, quotedWord, type Refusal } from '../firewall/refusals.ts'
import { named, parseSave, savedSpec } from '../firewall/save.ts'
import { fullLoad, restoreInput } from '../firewall/transaction.ts'
import { targetOf } from '../firewall/rule-words.ts'
import {
  inPieces,
  isTooLong,
  type IptablesChain,
  type IptablesSpec,
  type NftSpec,
  type RulePlace,
  type WrittenTable,
} from '../model/firewall.ts'
import type { Outcome } from '../model/command.ts'
import type { Resource } from '../model/resource.ts'
import type { Host } from '../model/host.ts'
import type { Runner } from '../model/runner.ts'

/** The rule set in the form of the tool, or what the tool refuses. */
export type Trial = { readonly spec: IptablesSpec | NftSpec } | { readonly refusals: readonly Refused[] }

/** A part of a rule set that was refused: its place, and the tool's message. */
export interface Refused {
  readonly place?: RulePlace
  readonly words: string
  readonly detail?: string
}

/** How many refused rules are looked for at most: each takes another run of the program. */
const PATIENCE = 20

/**
 * Loads the rule set, dumps it, and loads and dumps that again: the result is a form that the tool reproduces when it reads
 * it. Exit code 3: the tool refuses the rules; 4: it refuses its own dump.
 */
const IPTABLES = `[ -z "$2" ] || printf '%s\\n' "$2" | ipset restore || exit 6
"$1-restore" -w || exit 3
saved=$("$1-save") || exit 4
printf '%s\\n' "$saved" | "$1-restore" -w || exit 4
"$1-save"`

const ONCE = `[ -z "$2" ] || printf '%s\\n' "$2" | ipset restore || exit 6
"$1-restore" --noflush -w || exit 3
"$1-save"`

/**
 * The same for nft. The arguments are names of devices that the rules refer to. In lists, nft 1.0.6 prints names of devices
 * without quotes, which it needs itself to read some of them (`a~eth0`).
 */
const NFT = `while [ $# -gt 1 ]; do ip link add name "$1" type veth peer name "$2" || exit 5; shift 2; done
if [ $# -eq 1 ]; then ip link add name "$1" type veth || exit 5; fi
nft -f - || exit 3
saved=$(nft -s list ruleset) || exit 4
saved=$(printf '%s\\n' "$saved" | sed '/^[[:space:]]*\\(type .* \\)\\{0,1\\}devices = {/s/\\([{,] \\)\\([^",{} ][^,} ]*\\)/\\1"\\2"/g')
nft flush ruleset && printf '%s\\n' "$saved" | nft -f - || exit 4
nft -s list ruleset`

/** The argv that precedes a program in a throw-away namespace: without root, a user namespace is needed as well. */
export const throwaway = ({ isRoot }: Host): string[] => (isRoot ? ['unshare', '-n'] : ['unshare', '-Urn'])

/** What must exist in a throw-away namespace because the rules refer to it. */
export interface Throwaway {
  /** Names of devices, for nft's `iif` and `oif`. */
  readonly devices: readonly string[]
  /** Lines of `ipset restore` that create the sets, for rules of iptables. */
  readonly sets: readonly string[]
}

/**
 * Loads a rule set into a throw-away namespace. Returns it in the form of the tool, or the lines that the tool refuses.
 */
export const tryOut = (resource: Resource, { devices, sets }: Throwaway, runner: Runner): Promise<Trial> =>
  resource.kind === 'nftables' ? loadNft(resource, devices, runner) : loadIptables(resource, sets, runner)

const packages: Readonly<Record<string, string>> = { nft: 'nftables', ipset: 'ipset' }

/** The reason why a rule set could not be tried at all; undefined when it was tried. */
export function obstacle({ code, stderr }: Outcome, program: string): Trial | undefined {
  const missing = code === 127 || /^(?:\/bin\/)?sh: .*: not found|command not found/m.test(stderr)
  const words = missing ? `${program} is not installed` : stderr.trim() || `${program} ended with code ${code}`
  const detail = missing
    ? `Debian, Ubuntu: apt-get install ${packages[program] ?? 'iptables'}`
    : /unshare/.test(stderr)
      ? 'Rules are checked in a network namespace of their own, and none could be made.'
      : undefined
  return code === 3 && !missing ? undefined : { refusals: [{ words, ...(detail !== undefined && { detail }) }] }
}

interface Slot {
  readonly table: string
  readonly chain: string
  readonly index: number
}

/** The rules by their one-based lines in the input of iptables-restore, and the table of each line. */
function linesOf(spec: IptablesSpec): { slots: Map<number, Slot>; tables: string[] } {
  const slots = new Map<number, Slot>()
  const tables: string[] = ['']
  for (const { table, lines } of fullLoad(spec)) {
    tables.push(table)
    const seen = new Map<string, number>()
    for (const text of lines) {
      const chain = /^-A (\S+) /.exec(text)?.[1]
      if (chain !== undefined) {
        const index = seen.get(chain) ?? 0
        seen.set(chain, index + 1)
        slots.set(tables.length, { table, chain, index })
      }
      tables.push(table)
    }
    tables.push(table)
  }
  return { slots, tables }
}

/** Loads a rule set; when a rule is refused, tries again without it, so that all refused rules are reported. */
async function loadIptables(resource: Resource, sets: readonly string[], runner: Runner): Promise<Trial> {
  const refusals: Refused[] = []
  let { tables, written = named() } = resource.spec as unknown as IptablesSpec
  for (let tries = 0; tries < PATIENCE; tries++) {
    const input = restoreInput(fullLoad({ tables }))
    const load = (script: string, text: string): Promise<Outcome> =>
      runner.host.run({
        argv: [...throwaway(runner.host), 'sh', '-c', script, 'sh', resource.kind, sets.join('\n')],
        input: text,
      })
    let outcome = await load(IPTABLES, input)
    if (isTooLong(outcome.stderr)) {
      const first = await load(ONCE, inPieces(input))
      outcome = first.code === 0 ? await load(ONCE, inPieces(first.stdout)) : first
    }
    if (outcome.code === 0) return refusals.length ? { refusals } : { spec: savedSpec(parseSave(outcome.stdout)) }
    const failed = obstacle(outcome, resource.kind)
    if (failed) return failed
    const { slots, tables: byLine } = linesOf({ tables })
    const bad = new Set<Slot>()
    for (const { line, words } of iptablesRefusals(outcome.stderr)) {
      const chain = missingChain(words)
      const table = byLine[line ?? 0]
      const hit =
        chain === undefined
          ? [slots.get(line ?? 0)]
          : [...slots.values()].filter(
              (s) => s.table === table && targetOf(tables[s.table]?.[s.chain]?.rules[s.index] ?? '') === chain,
            )
      const known = hit.filter((slot) => slot !== undefined)
      for (const slot of known) {
        bad.add(slot)
        const place = written[slot.table]?.chains[slot.chain]?.[slot.index]
        refusals.push({ words, ...(place && { place: pointed(place, chain ?? quotedWord(words)) }) })
      }
      if (known.length === 0) {
        const place = table === undefined ? undefined : written[table]?.place
        return { refusals: [...refusals, { words, ...(place && { place }) }] }
      }
    }
    ;({ tables, written } = without({ tables, written }, [...bad]))
  }
  return { refusals }
}

/** The rule set and the places of its rules, without the `bad` ones. */
function without({ tables, written = {} }: IptablesSpec, bad: readonly Slot[]): Required<IptablesSpec> {
  const good = (table: string, chain: string) => (_: unknown, index: number) =>
    !bad.some((slot) => slot.table === table && slot.chain === chain && slot.index === index)
  const [rest, places] = [named<Record<string, IptablesChain>>(), named<WrittenTable>()]
  for (const [table, chains] of Object.entries(tables)) {
    const [left, at] = [named<IptablesChain>(), named<RulePlace[]>()]
    for (const [name, chain] of Object.entries(chains)) {
      left[name] = { ...chain, rules: chain.rules.filter(good(table, name)) }
      at[name] = (written[table]?.chains[name] ?? []).filter(good(table, name))
    }
    rest[table] = left
    places[table] = { place: written[table]?.place ?? { path: [table] }, chains: at }
  }
  return { tables: rest, written: places }
}

/** The place of the word in a rule that is written as one text; else the place of the rule. */
function pointed(place: RulePlace, word: string | undefined): RulePlace {
  const at = word === undefined || place.text === undefined ? -1 : place.text.indexOf(word)
  if (at < 0) return place
  return { ...place, line: place.line ?? 1, column: (place.column ?? 1) + at, length: word!.length }
}

/** The input of nft that creates this resource. */
export function nftText({ spec }: Resource): string {
  const { text = '' } = spec as { text?: string }
  return text.endsWith('\n') ? text : `${text}\n`
}

async function loadNft(resource: Resource, devices: readonly string[], runner: Runner): Promise<Trial> {
  const text = nftText(resource)
  const argv = [...throwaway(runner.host), 'sh', '-c', NFT, 'sh', ...devices]
  const outcome = await runner.host.run({ argv, input: text })
  const [, rule] = /Error: .*\n\s*(.*)\n/.exec(outcome.stderr) ?? []
  if (outcome.code === 4 && rule !== undefined) {
    const detail = 'netlab compares and loads rules as nft lists them: write this one in another form.'
    return { refusals: [{ words: `it cannot read its own listing of: ${rule}`, detail }] }
  }
  if (outcome.code !== 0) {
    const lines = text.split('\n')
    const refusals = nftRefusals(outcome.stderr).map((refusal): Refused => {
      const detail = lackOf(lines[(refusal.line ?? 0) - 1] ?? '', refusal.words)
      return { ...nftPlace(refusal), ...(detail !== undefined && { detail }) }
    })
    return obstacle(outcome, 'nft') ?? { refusals }
  }
  const lost = lostIn(text, outcome.stdout)
  return lost ? { refusals: [lost] } : { spec: parseNft(outcome.stdout) }
}

/** Whether nft 1.0.6 may list a rule of this text as another one. */
export const mayBeLost = (text: string): boolean => bare(text).includes(OUTER)

/** nft 1.0.6 lists `ether type 8021ad vlan id 1 vlan type 8021q vlan id 2` as `vlan id 1 vlan id 2`, which is another rule. */
const OUTER = '8021ad'

function lostIn(text: string, listing: string): Refused | undefined {
  const count = (of: string): number => bare(of).split(OUTER).length
  if (count(text) <= count(listing)) return undefined
  const lines = bare(text).split('\n')
  const line = lines.findIndex((one) => one.includes(OUTER))
  const column = lines[line]!.indexOf(OUTER) + 1
  return {
    words: `it lists a rule with ${OUTER} as another one`,
    detail: 'nft 1.0.6 loses the outer type. Match bytes instead: @ll,96,16 0x88a8 @ll,112,16 & 0xfff == 1.',
    place: { path: [], line: line + 1, column, length: OUTER.length },
  }
}

const nftPlace = ({ line, column, length, words }: Refusal): Refused => ({
  words,
  place: { path: [], ...(line && { line, column: column ?? 1 }), ...(length && { length }) },
})

/** The place in a text of nft that declares the table. */
export function tablePlace(text: string, table: string): RulePlace {
  const lines = text.split('\n')
  const index = lines.findIndex((line) => line.includes(`table ${table}`))
  return index < 0 ? { path: [] } : { path: [], line: index + 1, column: lines[index]!.indexOf('table') + 1 }
}

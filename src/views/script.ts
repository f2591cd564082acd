import { commandOf } from '../backend/iproute/command-of.ts'
import { writtenNft } from '../firewall/nft-layout.ts'
import { isBuiltin } from '../firewall/save.ts'
import { split } from '../firewall/rule-words.ts'
import { fullLoad, restoreInput, tableLines } from '../firewall/transaction.ts'
import { ownerOf } from '../model/owner.ts'
import type { Step } from '../model/change.ts'
import type { IptablesSpec } from '../model/firewall.ts'
import { lenderText } from '../model/lender.ts'
import { concerns, type Operation } from '../model/operation.ts'
import { HERE_NAME, placeOf } from '../model/place.ts'
import { nameOf, type Resource, type Resources } from '../model/resource.ts'
import { isLink } from '../model/topology.ts'
import { defaults, sysctlFile } from '../model/sysctls.ts'
import { HOME_FUNCTIONS, homeLines } from './script-homes.ts'
import { sections } from './script-sections.ts'
import { comment, commandLine, line, word } from './script-words.ts'

/** A lab as a script needs it. */
export interface Scripted {
  readonly name: string
  /** The lab file as messages name it. */
  readonly file: string
  readonly description?: string | undefined
  readonly desired: Resources
  /** The steps from nothing to the lab. */
  readonly build: readonly Step[]
  /** The steps from the lab to nothing. */
  readonly remove: readonly Step[]
}

/** A POSIX script that builds the lab with iproute2, iptables and nft alone, and takes it away when its argument is `destroy`. */
export function renderScript(lab: Scripted): string {
  const { desired, name } = lab
  const lenders = new Set<string>()
  for (const { kind, spec } of desired.values()) if (kind === 'borrowed') lenders.add(lenderText(spec))
  const isElsewhere = ({ operation }: Step): boolean => concerns(operation).some((netns) => lenders.has(netns ?? ''))
  const left = lab.build.filter(isElsewhere)
  const build = buildLines({ ...lab, build: lab.build.filter((step) => !isElsewhere(step)) })
  const homes = homeLines(name, desired)
  const destroy = destroyLines({ ...lab, remove: lab.remove.filter((step) => !isElsewhere(step)) }, homes.length > 0)
  const functions = `${own(desired).length ? namespaceFunction() : ''}${homes.length ? HOME_FUNCTIONS : ''}`
  const text = [
    ...head(lab),
    ...lefts(left, lenders),
    ...START(name, homes.length > 0),
    functions.trimEnd(),
    '',
    ...destroy,
    '',
    ...build,
    ...(homes.length ? ['', comment('Files and programs.'), ...homes] : []),
    '',
    'trap - EXIT',
    '',
  ].join('\n')
  return text.replace(/\n{3,}/g, '\n\n')
}

/** The names of the namespaces that the script makes. */
const own = (desired: Resources): string[] =>
  [...desired.values()].flatMap(({ id, kind }) => (kind === 'namespace' || kind === 'share' ? [id] : []))

const head = ({ name, file, description }: Scripted): string[] => [
  '#!/bin/sh',
  comment(`${name}: ${description ?? 'a lab'}`),
  '#',
  '# sh THIS-FILE           builds it, as root, where nothing of it is',
  '# sh THIS-FILE destroy   takes away what it has built',
  '#',
  comment(`Written by netlab export from ${file}.`),
  '# It needs nothing of netlab: only iproute2, and what else its commands name.',
  '#',
]

/** What a script cannot do. */
const lefts = (steps: readonly Step[], lenders: ReadonlySet<string>): string[] =>
  steps.length
    ? [
        comment(`Not in this script, because only netlab finds ${[...lenders].join(', ')}:`),
        ...[...new Set(steps.map(({ change }) => change))].map((id) => comment(`  ${id}`)),
        '#',
      ]
    : []

const START = (name: string, hasPrograms: boolean): string[] => [
  '# shellcheck disable=SC2016 # what is in single quotes is for another shell',
  'set -eu',
  '',
  '# What is here says that this script has built the lab.',
  `state=${word(`/run/script-${name}`)}`,
  ...(hasPrograms ? [`lab=${word(name)}`] : []),
  '',
  'stop() {',
  '  echo "$1" >&2',
  '  exit 1',
  '}',
]

/** Words in lines of a script, within one quoted word. */
const wrapped = (words: readonly string[]): string =>
  words.reduce((text, one) => {
    const last = text.slice(text.lastIndexOf('\n') + 1)
    return text === '' ? one : `${text}${last.length + one.length < 110 ? ' ' : '\n    '}${one}`
  }, '')

/** The sysctls that a namespace copies, as `FILE=VALUE` below /proc/sys/net, and those of IPv4 that `all` and `default` have. */
function copied(): { readonly general: string[]; readonly ofBoth: string[] } {
  const files = [...defaults].map(([key, value]) => `${sysctlFile(key).slice('/proc/sys/net/'.length)}=${value}`)
  const ofBoth = files.flatMap((file) => {
    const [, setting] = /^ipv4\/conf\/all\/(.*)/.exec(file) ?? []
    return setting !== undefined && files.includes(`ipv4/conf/default/${setting}`) ? [setting] : []
  })
  return { general: files.filter((file) => !ofBoth.includes(file.replace(/^ipv4\/conf\/\w+\//, ''))), ofBoth }
}

/** The function of a script that makes a namespace. */
function namespaceFunction(): string {
  const { general, ofBoth } = copied()
  return String.raw`
# namespace NAME: makes a network namespace. It copies settings of the machine, which Docker and distributions change: they are
# set to the kernel's own values, so that the lab is the same everywhere.
namespace() {
  ip netns add "$1"
  ip -n "$1" link set dev lo up
  ip netns exec "$1" sh -c '
    cd /proc/sys/net
    put() {
      [ ! -e "$1" ] || { read -r now <"$1" && [ "$now" = "$2" ]; } || echo "$2" >"$1"
    }
    for setting in $1; do put "${'${setting%=*}'}" "${'${setting#*=}'}"; done
    for setting in $2; do
      for which in all default; do put "ipv4/conf/$which/${'${setting%=*}'}" "${'${setting#*=}'}"; done
    done' sh "
    ${wrapped(general)}" "
    ${wrapped(ofBoth)}"
}
`
}

/** The lines that build everything but homes and programs. */
function buildLines({ build, desired }: Scripted): string[] {
  const stageOf = new Map(sections.flatMap((section, i) => section.stages.map((stage) => [stage, i] as const)))
  const bySection = sections.map((): string[] => [])
  const sorted = sections.flatMap(({ stages }) =>
    stages.flatMap((stage) => build.filter((step) => step.stage === stage)),
  )
  const done = new Set<string>()
  for (const { change, stage, operation } of sorted) {
    const r = desired.get(change)
    const lines = bySection[stageOf.get(stage) ?? 0]!
    if (isMark(operation)) continue
    const whole = r && wholeRules(r)
    if (whole === undefined) lines.push(...linesOf(operation))
    else if (!done.has(change)) lines.push(...whole)
    done.add(change)
  }
  const firewalls = bySection[sections.findIndex(({ stages }) => stages.includes('load firewall'))]!
  for (const r of desired.values())
    if (r.kind === 'nftables' && !done.has(r.id)) firewalls.push(...(wholeRules(r) ?? []))
  let number = 0
  return [
    ...checks(desired),
    ...sections.flatMap(({ title }, i) => {
      const lines = bySection[i]!
      return lines.length ? ['', comment(`${++number}. ${title}`), ...lines] : []
    }),
  ]
}

/** Whether an operation only marks a namespace as the lab's. */
const isMark = (operation: Operation): boolean =>
  operation.do === 'link.set' && operation.name === 'lo' && ownerOf(operation.set.alias) !== undefined

/** The lines that load the whole rule set of a firewall; undefined of other resources. */
function wholeRules(r: Resource): string[] | undefined {
  if (r.kind === 'nftables') {
    const text = String(r.spec['text'] ?? '')
    return [commandLine({ argv: ['nft', '-f', '-'], ...placeOf(r), input: text.replace(/\n?$/, '\n') })]
  }
  if (r.kind !== 'iptables' && r.kind !== 'ip6tables') return undefined
  const spec = r.spec as unknown as IptablesSpec
  const tables = r.borrowed ? tableLines({ tables: {} }, spec, true) : fullLoad(spec)
  return [commandLine({ argv: [`${r.kind}-restore`, '--noflush', '-w'], ...placeOf(r), input: restoreInput(tables) })]
}

function linesOf(operation: Operation): string[] {
  if (operation.do === 'netns.add') return [line('namespace', operation.name)]
  if (operation.do === 'netns.name') {
    const file = `/run/netns/${operation.name}`
    return [line('touch', file), line('mount', '-n', '--bind', operation.file, file)]
  }
  if (operation.do === 'run' && operation.instead !== undefined && !operation.home) return [operation.instead]
  return [commandLine(commandOf(operation))]
}

/** The interfaces of the machine itself that the script makes. */
const linksHere = (desired: Resources): string[] =>
  [...desired.values()].flatMap((r) =>
    isLink(r) && r.borrowed === HERE_NAME && r.kind !== 'existing' ? [nameOf(r.id)] : [],
  )

/** Nothing of what is to be built may be there: what is destroyed later is the script's own. */
function checks(desired: Resources): string[] {
  const [names, links] = [own(desired), linksHere(desired)]
  return [
    comment('Nothing of it may be there yet.'),
    '[ "$(id -u)" = 0 ] || stop "This needs root."',
    '[ ! -e "$state" ] || stop "It is built already, at least in part: sh $0 destroy"',
    ...each(names, '[ ! -e "/run/netns/$name" ] || stop "There is a network namespace $name already."'),
    ...each(links, '! ip link show dev "$name" >/dev/null 2>&1 || stop "There is an interface $name already."'),
    'mkdir -p "$state"',
    `trap 'echo "It is not complete. To take away what there is: sh $0 destroy" >&2' EXIT`,
  ]
}

/** These lines for each of the names, which need no quotes. */
const each = (names: readonly string[], ...lines: readonly string[]): string[] =>
  names.length === 1
    ? lines.map((one) => one.replaceAll('$name', names[0]!))
    : names.length
      ? [`for name in ${line(...names)}; do`, ...lines.map((one) => `  ${one}`), 'done']
      : []

/** The function that takes the lab away, and the line that calls it. */
function destroyLines({ desired, remove }: Scripted, hasPrograms: boolean): string[] {
  const here = remove.filter(({ operation, change }) => {
    const r = desired.get(change)
    return (
      r?.borrowed === HERE_NAME &&
      !['iptables', 'ip6tables', 'nftables'].includes(r.kind) &&
      operation.do !== 'netns.delete'
    )
  })
  const rules = [...desired.values()].flatMap((r) => (r.borrowed === HERE_NAME ? withoutRules(r) : []))
  const quiet = (text: string): string => `${text} 2>/dev/null || :`
  return [
    comment('Takes everything away, as far as it is there.'),
    'destroy() {',
    ...[
      '[ -d "$state" ] || stop "This script has built nothing here."',
      ...(hasPrograms ? STOP_PROGRAMS : []),
      ...here.flatMap(({ operation }) => linesOf(operation).map(quiet)),
      ...rules.map(quiet),
      ...each(own(desired), '[ ! -e "/run/netns/$name" ] || ip netns del "$name"'),
      'rm -rf -- "$state"',
    ].map((one) => `  ${one}`),
    '}',
    '',
    'case ${1-} in',
    '  "") ;;',
    '  destroy)',
    '    destroy',
    '    exit',
    '    ;;',
    '  *) stop "The only argument is destroy." ;;',
    'esac',
  ]
}

const STOP_PROGRAMS = [
  '# Programs, the last one first. Each has a session of its own, with everything that it has started.',
  'if [ -e "$state/programs" ]; then',
  '  tac "$state/programs" | while read -r session signal; do',
  '    for how in "$signal" KILL; do',
  '      tries=40',
  '      ps -o pid= -s "$session" | xargs -r kill -s "$how" 2>/dev/null || :',
  '      while ps -o pid= -s "$session" >/dev/null && [ "$tries" -gt 0 ]; do',
  '        sleep 0.05',
  '        tries=$((tries - 1))',
  '      done',
  '    done',
  '  done',
  'fi',
]

/** The command lines that delete the rules of a lab from the machine's own firewall. */
function withoutRules(r: Resource): string[] {
  if (r.kind === 'nftables') {
    const tables = Object.keys(writtenNft(String(r.spec['text'] ?? ''))?.tables ?? {})
    return tables.map((table) => line('nft', 'delete', 'table', ...table.split(' ')))
  }
  if (r.kind !== 'iptables' && r.kind !== 'ip6tables') return []
  const { tables } = r.spec as unknown as IptablesSpec
  return Object.entries(tables).flatMap(([table, chains]) => {
    const program = [r.kind, '-w', '-t', table]
    const deletions = Object.entries(chains).flatMap(([chain, { rules }]) =>
      rules.map((rule) => line(...program, '-D', chain, ...wordsOf(rule))),
    )
    const made = Object.keys(chains).filter((chain) => !isBuiltin(table, chain))
    return [...deletions, ...made.map((chain) => line(...program, '-X', chain))]
  })
}

/** The words of a rule as iptables-save prints it. */
function wordsOf(rule: string): string[] {
  const words = split(rule, 'save')
  return 'summary' in words ? [rule] : words.map(({ text }) => text)
}

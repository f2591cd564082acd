import { isLink } from '../model/topology.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import { linkId, nameOf, type Resource, type Resources } from '../model/resource.ts'
import type { Host } from '../model/host.ts'
import type { Runner } from '../model/runner.ts'
import type { TcSpec } from '../model/tc-spec.ts'
import { linkTypes } from '../kinds/links/link-types.ts'
import { createTc, isTcResource, tcId } from '../kinds/tc.ts'
import { readTc, tcQuestions } from '../kinds/tc-text.ts'
import { parseTraffic, TRAFFIC_SCRIPT } from '../kinds/traffic.ts'
import { kernelMustHave, requirements } from './missing-features.ts'
import { throwaway } from './throwaway.ts'

/**
 * Makes the interface ($1, with the MTU $2 and a queue of $3 packets) and the others ($4) in the words of which the commands may
 * be, runs the commands, and asks the questions that are the arguments after these.
 */
const SCRIPT = `set -f
if [ "$1" = lo ]; then ip link set dev lo mtu "$2" txqueuelen "$3" || exit 5
else ip link add name "$1" mtu "$2" txqueuelen "$3" type veth peer name _ mtu "$2" || exit 5; fi
n=0
for other in $4; do n=$((n + 1)); ip link add name "$other" type veth peer name "_$n" || exit 5; done
shift 4
tc -batch - || exit 3
${TRAFFIC_SCRIPT}`

/** The bytes of an Ethernet header, which tc counts with the MTU where it takes sizes from the interface (psched_mtu). */
const HEADER = 14

interface Group {
  readonly link: Resource | undefined
  readonly dev: string
  readonly members: Resource<TcSpec>[]
}

/**
 * The resources with what tc prints of every qdisc, class and filter that is given in its own words. Those of one interface are made
 * in a throw-away namespace, on an interface of the same name, MTU and queue; equal ones once. Throws a UserError with tc's message
 * when it refuses one.
 */
export async function canonicalTraffic(resources: Resources, runner: Runner): Promise<Resources> {
  const groups = new Map<string, Group>()
  for (const r of resources.values()) {
    if (!isTcResource(r) || r.spec.text !== undefined) continue
    const id = linkId(r.namespace, r.spec.dev)
    const group = groups.get(id) ?? { link: resources.get(id), dev: r.spec.dev, members: [] }
    groups.set(id, group)
    group.members.push(r)
  }
  if (groups.size === 0) return resources
  const result = new Map(resources)
  const links = linksByNamespace(resources)
  const known = new Map<string, ReadonlyMap<string, string> | Diagnostic>()
  const diagnostics: Diagnostic[] = []
  for (const group of groups.values()) {
    const [key, ask] = trial(group, links)
    const printed = known.get(key) ?? (await ask(runner.host))
    known.set(key, printed)
    if ('code' in printed) {
      diagnostics.push(printed)
      continue
    }
    for (const r of group.members) {
      const text = printed.get(short(r))
      if (text === undefined) diagnostics.push(renamed(r))
      else result.set(r.id, { ...r, spec: { ...r.spec, text } })
    }
  }
  if (diagnostics.length === 0) return result
  // tc does not say which module it wants.
  if (diagnostics.some(({ code }) => code === 'feature-missing'))
    await kernelMustHave(requirements(resources.values()), runner)
  throw new UserError(diagnostics)
}

/** The id within the interface. */
const short = ({ spec }: Resource<TcSpec>): string => tcId('', { ...spec, dev: '' })

const positionOf = ({ source }: Resource<any>): Pick<Diagnostic, 'position'> => (source ? { position: source() } : {})

const renamed = (r: Resource<TcSpec>): Diagnostic => ({
  code: 'rule-refused',
  severity: 'error',
  summary: `tc makes another ${r.spec.object} of this in ${r.namespace}`,
  detail: `It does not list ${short(r).slice(1)}: write the numbers and names as tc prints them.`,
  ...positionOf(r),
})

/** The names of the interfaces of each namespace. */
function linksByNamespace(resources: Resources): ReadonlyMap<string, readonly string[]> {
  const result = new Map<string, string[]>()
  for (const r of resources.values()) {
    if (!isLink(r)) continue
    const names = result.get(r.namespace)
    if (names) names.push(nameOf(r.id))
    else result.set(r.namespace, [nameOf(r.id)])
  }
  return result
}

/** What the trial of a group depends on, and the function that makes it: it returns what tc prints, by id within the interface. */
function trial(
  { link, dev, members }: Group,
  links: ReadonlyMap<string, readonly string[]>,
): [key: string, ask: (host: Host) => Promise<ReadonlyMap<string, string> | Diagnostic>] {
  const { mtu = 1500, txqueuelen } = (link?.spec ?? {}) as { mtu?: number; txqueuelen?: number }
  const others = new Set(members.flatMap(({ spec }) => spec.words))
  const named = (links.get(members[0]?.namespace ?? '') ?? []).filter((name) => others.has(name) && name !== dev)
  const lines = members.map((r) => lineOf(r))
  const qdiscs = members.flatMap(({ spec: { object, kind, handle } }) =>
    object === 'qdisc' && handle !== undefined ? [{ kind, handle }] : [],
  )
  const size = mtu - (link && isWithoutHeader(link) ? HEADER : 0)
  const argv = [dev, String(size), String(txqueuelen ?? 1000), named.join(' '), ...tcQuestions(dev, qdiscs)]
  const ask = async (host: Host): Promise<ReadonlyMap<string, string> | Diagnostic> => {
    const outcome = await host.run({
      argv: [...throwaway(host), 'sh', '-c', SCRIPT, 'sh', ...argv],
      input: `${lines.join('\n')}\n`,
    })
    if (outcome.code !== 0) return refused(outcome.stderr, outcome.code ?? 0, members)
    const found = readTc(dev, parseTraffic(outcome.stdout), () => true)
    return new Map(found.map((spec) => [tcId('', { ...spec, dev: '' }), spec.text ?? '']))
  }
  return [JSON.stringify([argv, lines]), ask]
}

const isWithoutHeader = ({ kind, spec }: Resource): boolean =>
  linkTypes.find(({ name }) => name === kind)?.noMac?.(spec) === true

/** The line of `tc -batch` that makes it. */
const lineOf = (r: Resource<TcSpec>): string =>
  createTc(r)
    .flatMap(({ operation }) => (operation.do === 'run' ? operation.argv.slice(1) : []))
    .map((word) => (/\s/.test(word) ? `"${word}"` : word))
    .join(' ')

function refused(stderr: string, code: number, members: readonly Resource<TcSpec>[]): Diagnostic {
  const line = /Command failed -:(\d+)/.exec(stderr)?.[1]
  const r = members[Number(line ?? 1) - 1] ?? members[0]
  const words = stderr
    .split('\n')
    .filter((one) => one.trim() !== '' && !/^(Command failed|Warning:|We have an error|Usage:)/.test(one))
    .map((one) => one.replace(/^(Error|RTNETLINK answers): /, '').trim())
  const lacks = /is unknown|not found|Failed to load/.test(stderr)
  return {
    code: lacks ? 'feature-missing' : 'rule-refused',
    severity: 'error',
    summary: `tc refuses this in ${r?.namespace ?? ''}: ${words[0] ?? `it ended with code ${code}`}`,
    ...(lacks && { detail: 'The kernel may lack the module for it: netlab doctor LAB lists what is missing.' }),
    ...(r && positionOf(r)),
  }
}

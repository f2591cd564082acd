import { stage } from '../host/status-line.ts'
import { kindOf } from '../kinds/index.ts'
import { startRunner } from '../run/choose-runner.ts'
import type { Lab } from '../language/load-lab.ts'
import { writeLab } from '../language/write.ts'
import { withListed } from '../observe/others.ts'
import { owners } from '../observe/owners.ts'
import { processStates } from '../observe/process-states.ts'
import { legacyWarnings } from '../observe/legacy.ts'
import { readFirewall } from '../observe/read-rules.ts'
import type { ReadRequest } from '../observe/read-request.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import { placeOf } from '../model/place.ts'
import type { Runner } from '../model/runner.ts'
import type { ProcessState } from '../model/process-state.ts'
import type { Resource, Resources } from '../model/resource.ts'
import { FORMAT, showJson } from '../views/json.ts'
import { renderRules } from '../views/rule-text.ts'
import { renderShow } from '../views/show-text.ts'
import { otherWorldHint, ownNamespaces } from './elsewhere.ts'
import { runnerOf } from './lab-runner.ts'
import { readLive } from './read-live.ts'
import { locate, type Located, type LocateOptions } from './locate.ts'
import { loadFound } from './open-located.ts'
import { readRequestOf, asSeenFromHere } from './prepare.ts'
import { out, outColors, outJson, report, type Global } from './terminal.ts'

interface Options extends Global, LocateOptions {
  readonly json?: boolean
  readonly desired?: boolean
  readonly rules?: boolean
  /** Nothing is folded. */
  readonly full?: boolean
}

/** `netlab show`: the live lab (or one namespace of it); with --desired the lab file in its long form. */
export async function show(host: Host, argument: string | undefined, options: Options): Promise<number> {
  stage('Reading the live network …')
  const { byNamespace } = await owners(startRunner(host))
  const owner = argument === undefined ? undefined : byNamespace.get(argument)
  const located: Located = owner === undefined ? locate(argument, options) : { name: owner }
  const lab = await loadFound(located, host)
  const name = lab?.name ?? ('name' in located ? located.name : '')
  if (options.desired) {
    if (!lab) throw UserError.of('no-lab-file', '--desired needs a lab file')
    if (options.json) outJson(showJson(name, lab.resources))
    else out(writeLab(name, lab.resources))
    return 0
  }
  const runner = await runnerOf(host, located)
  stage('Reading the live network …')
  const seen = lab && asSeenFromHere(lab, runner.host.lent)
  const found = withListed(await readLive(readRequestOf(name, seen), runner), seen?.resources ?? new Map())
  report(await legacyWarnings(found, runner), options)
  const lenders = [...found.theirs].filter(([, { kind }]) => kind === 'borrowed')
  const live = filtered(
    new Map([...lenders, ...found.resources, ...found.others]),
    owner === undefined ? undefined : argument,
  )
  if (live.size === lenders.length)
    throw UserError.of(
      'lab-not-live',
      `lab ${name} is not live`,
      [
        ...notHere(host, name, lab, argument),
        lab
          ? `netlab apply ${'file' in located ? located.file : name} makes it.`
          : 'netlab list shows the labs that are.',
      ].join('\n'),
    )
  if (options.rules) return showRules(name, live, lab?.nftables, runner, options)
  const states = new Map<string, ProcessState>()
  for (const { resource, state } of await processStates(name, runner.host)) {
    if (!live.has(resource.id) && live.has(resource.namespace)) live.set(resource.id, resource)
    states.set(resource.id, state)
  }
  const json = showJson(name, live, states, found.faults)
  if (options.json) outJson(json)
  else out(renderShow(json, outColors(options), options.full))
  return 0
}

/** Where the lab, or a namespace of that name, is instead. */
function notHere(host: Host, name: string, lab: Lab | undefined, argument = ''): string[] {
  if (lab) return otherWorldHint(host, ownNamespaces(lab.namespaces), `show ${argument}`.trimEnd())
  const namespace = otherWorldHint(host, [name], `show ${name}`)
  return namespace.length ? namespace : otherWorldHint(host, undefined, '')
}

/** `netlab show --rules`: the live firewall rules with their counters, namespace by namespace. */
async function showRules(
  lab: string,
  live: Resources,
  ofNft: ReadRequest['nftables'] | undefined,
  runner: Runner,
  options: Options,
): Promise<number> {
  const places = new Map([...live.values()].map((resource) => [resource.namespace, placeOf(resource)]))
  const rules = await Promise.all(
    [...places].map(
      async ([namespace, place]) => [namespace, await readFirewall(place, runner, ofNft?.get(namespace))] as const,
    ),
  )
  const c = outColors(options)
  if (options.json) outJson({ format_version: FORMAT, lab, rules: Object.fromEntries(rules) })
  else out(rules.map(([namespace, chains]) => `${c.bold(c.cyan(namespace))}\n${renderRules(chains, c)}`).join('\n'))
  return 0
}

/** Without the sysctls that a missing namespace would inherit; limited to one namespace if one is given. */
export function filtered(resources: Resources, namespace?: string): Map<string, Resource> {
  return new Map(
    [...resources].filter(
      ([, r]) =>
        !(kindOf(r.kind).automatic?.(r) && r.kind === 'address') &&
        (r.borrowed || r.kind === 'share' || resources.get(r.namespace)?.kind === 'namespace') &&
        (namespace === undefined || r.namespace === namespace),
    ),
  )
}

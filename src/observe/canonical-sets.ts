import { filling, ipsetId } from '../kinds/ipset.ts'
import { quotedWord } from '../firewall/refusals.ts'
import { parseIpsets, passes, type IpsetSpec } from '../firewall/ipset-text.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { RulePlace } from '../model/firewall.ts'
import type { Resource, Resources } from '../model/resource.ts'
import type { Runner } from '../model/runner.ts'
import type { PlaceInFile } from './canonical.ts'
import { obstacle, throwaway } from './throwaway.ts'

const SCRIPT = `ipset restore || exit 3
ipset save`

/**
 * The resources with every set of ipset in the form that `ipset save` prints. The sets of a namespace are created in a
 * throw-away namespace; namespaces with equal sets share one. Throws a UserError with the program's message.
 */
export async function canonicalSets(resources: Resources, runner: Runner, where?: PlaceInFile): Promise<Resources> {
  const byNamespace = new Map<string, Resource[]>()
  for (const resource of resources.values())
    if (resource.kind === 'ipset' && resource.spec['written'])
      byNamespace.set(resource.namespace, [...(byNamespace.get(resource.namespace) ?? []), resource])
  if (byNamespace.size === 0) return resources
  const result = new Map(resources)
  const forms = new Map<string, IpsetSpec[]>()
  const diagnostics: Diagnostic[] = []
  for (const [namespace, mine] of byNamespace) {
    const specs = mine.map(({ spec }) => spec as unknown as IpsetSpec)
    const key = JSON.stringify(specs)
    const found = forms.get(key) ?? (await tried(mine, specs, runner, where))
    if (!Array.isArray(found)) {
      diagnostics.push(found)
      continue
    }
    forms.set(key, found)
    for (const spec of found) {
      const id = ipsetId(namespace, spec.name)
      const { entries, filled } = resources.get(id)?.spec as unknown as IpsetSpec
      const passing = entries.filter((entry) => passes(entry, spec.settings['timeout']))
      const whole = { ...spec, ...(passing.length && { passing }), ...(filled && { filled }) }
      result.set(id, { ...(resources.get(id) as Resource), spec: whole })
    }
  }
  if (diagnostics.length) throw new UserError(diagnostics)
  return result
}

async function tried(
  resources: readonly Resource[],
  specs: readonly IpsetSpec[],
  runner: Runner,
  where: PlaceInFile | undefined,
): Promise<IpsetSpec[] | Diagnostic> {
  const lines = specs.flatMap((spec, of) =>
    filling(spec).map((text, i) => ({ text, of, path: i === 0 ? [] : ['entries', i - 1] })),
  )
  const input = `${lines.map(({ text }) => text).join('\n')}\n`
  const outcome = await runner.host.run({ argv: [...throwaway(runner.host), 'sh', '-c', SCRIPT], input })
  if (outcome.code === 0) return parseIpsets(outcome.stdout)
  const failed = obstacle(outcome, 'ipset')
  const { words, detail } = (failed && 'refusals' in failed ? failed.refusals[0] : undefined) ?? refusal(outcome.stderr)
  // When ipset cannot parse a word, or a part of it (`http` of `10.0.0.1,sctp:http`), it quotes that and names no line.
  const line = Number(/Error in line (\d+)/.exec(outcome.stderr)?.[1] ?? 0) - 1
  const word = quotedWord(words) ?? ''
  const having = (separator: RegExp) => lines.find(({ text }) => text.split(separator).includes(word))
  const at = lines[line] ?? having(/ /) ?? having(/[ ,:/-]/)
  const resource = resources[at?.of ?? 0] as Resource
  const type = String(resource.spec['type'])
  const lack = words.includes('type not supported') ? `${type} needs the module ${moduleOf(type)}.` : detail
  const place: RulePlace = { path: at?.path ?? [] }
  return {
    code: 'rule-refused',
    severity: 'error',
    summary: `ipset refuses this in ${resource.namespace}: ${words}`,
    ...(lack !== undefined && { detail: lack }),
    ...(where?.(resource.id, place) ?? (resource.source && { position: resource.source() })),
  }
}

/** `hash:ip,port` is of ip_set_hash_ipport. */
const moduleOf = (type: string): string => `ip_set_${type.replace(':', '_').replaceAll(',', '')}`

/** The message of ipset, without the program's name, the line number and its advice. */
const refusal = (stderr: string): { words: string; detail?: string } => ({
  words: (stderr.split('\n')[0] ?? '').replace(/^ipset v\S+ (Error in line \d+: )?/, '') || 'it said nothing',
})

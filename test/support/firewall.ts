import { thisMachine } from '../../src/host/this-machine.ts'
import { commandOf } from '../../src/backend/iproute/command-of.ts'
import type { Command, Outcome } from '../../src/model/command.ts'
import type { Kind } from '../../src/model/kind.ts'
import type { Difference, Emission } from '../../src/model/change.ts'
import type { Resource } from '../../src/model/resource.ts'
import type { Dump, Runner } from '../../src/model/runner.ts'
import { desiredIptables, ip6tables, iptables, iptablesResource } from '../../src/kinds/iptables.ts'
import { nftables, nftablesResource } from '../../src/kinds/nftables.ts'
import { canonicalize } from '../../src/observe/canonical.ts'
import type { RuleContext } from '../../src/firewall/written.ts'
import { placeIn } from '../../src/model/place.ts'
import type { World } from './netns.ts'
import { planContext } from './resources.ts'

export const firewallKinds: Readonly<Record<string, Kind>> = { iptables, ip6tables, nftables }

/** Runs a command in the world, in its namespace, and counts the throw-away namespaces. */
export function runnerIn(world: World): Pick<Runner, 'host'> & { captures: number } {
  const runner = {
    captures: 0,
    host: {
      ...thisMachine,
      run: ({ argv, netns, input }: Command): Promise<Outcome> => {
        if (argv[0] === 'unshare') runner.captures++
        const placed = netns === undefined ? argv : ['nsenter', `--net=/run/netns/${netns}`, '--', ...argv]
        return world.run(placed, input === undefined ? {} : { input })
      },
    },
  }
  return runner
}

export interface Firewall {
  readonly runner: ReturnType<typeof runnerIn>
  sh(netns: string | undefined, script: string): Promise<string>
  canonical(...resources: (Resource<any> | undefined)[]): Promise<Resource<any>[]>
  live(netns: string, kind: string, borrowed?: string): Promise<Resource<any> | undefined>
  /** The operations that turn the live rules into the desired ones. */
  emissions(desired: Resource<any> | undefined, live: Resource<any> | undefined): Emission[]
  execute(emissions: readonly Emission[]): Promise<void>
  /** Applies, and returns the differences from before. */
  apply(desired: Resource<any>): Promise<Difference[]>
}

export const written = (
  namespace: string,
  value: unknown,
  context: Partial<RuleContext> = {},
): Resource<any> | undefined => {
  const whole = { kind: 'iptables' as const, lab: 'web', ...context }
  const { spec, problems } = desiredIptables(value, whole)
  if (problems.length) throw new Error(JSON.stringify(problems))
  return iptablesResource(whole.kind, namespace, spec, whole.borrowed ? { borrowed: whole.borrowed } : {})
}

export const nftResource = (namespace: string, text: string): Resource<any> | undefined =>
  nftablesResource(namespace, text, 'web')

const context = planContext('web')

export function firewallIn(world: World): Firewall {
  const runner = runnerIn(world)
  const sh = async (netns: string | undefined, script: string): Promise<string> => {
    const { code, stdout, stderr } = await runner.host.run({
      argv: ['sh', '-c', script],
      ...placeIn(netns),
    })
    if (code !== 0) throw new Error(`${script}: ${stderr}`)
    return stdout
  }
  const execute = async (emissions: readonly Emission[]): Promise<void> => {
    for (const { operation } of emissions) {
      const command = commandOf(operation)
      const { code, stderr } = await runner.host.run(command)
      if (code !== 0) throw new Error(`${command.argv.join(' ')}: ${stderr}\n${command.input}`)
    }
  }
  const canonical: Firewall['canonical'] = async (...resources) => {
    const wanted = resources.filter((r) => r !== undefined)
    return [...(await canonicalize(new Map(wanted.map((r) => [r.id, r])), runner as unknown as Runner)).values()]
  }
  const live: Firewall['live'] = async (netns, kind, borrowed) => {
    const script = 'iptables-save -c; echo --; ip6tables-save -c; echo --; nft -a -s list ruleset'
    const [ip = '', ip6 = '', nft = ''] = (await sh(borrowed ? undefined : netns, script)).split('--\n')
    const dump = { iptables: ip, ip6tables: ip6, nftables: nft } as unknown as Dump
    const scope = { namespace: netns, lab: 'web', ...(borrowed && { borrowed }) }
    return firewallKinds[kind]!.read(dump, scope)[0]
  }
  const emissions: Firewall['emissions'] = (desired, before) => {
    const kind = firewallKinds[(desired ?? before)!.kind]!
    if (!desired) return before ? kind.remove(before, context) : []
    if (!before) return kind.create(desired, context)
    return kind.update({ live: before, desired, differences: kind.compare(before.spec, desired.spec) }, context)
  }
  const apply: Firewall['apply'] = async (desired) => {
    const before = await live(desired.namespace, desired.kind, desired.borrowed)
    const differences = firewallKinds[desired.kind]!.compare(before?.spec ?? { tables: {} }, desired.spec)
    await execute(emissions(desired, before))
    return differences
  }
  return { runner, sh, canonical, live, emissions, execute, apply }
}

/** The lines of a dump by table, in whatever order, without counters and remarks. */
export const dumpContent = (save: string): string[] =>
  save
    .split(/^(?=\*)/m)
    .map((table) => table.replace(/^#.*\n|^\[\d+:\d+\] | \[\d+:\d+\]$|^:\w+ ACCEPT.*\n/gm, ''))
    .filter((table) => /^[:-]/m.test(table))
    .sort()

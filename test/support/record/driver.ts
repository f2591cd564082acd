import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ipRunner } from '../../../src/backend/iproute/ip-runner.ts'
import { thisMachine } from '../../../src/host/this-machine.ts'
import { openThreads, type Channel } from '../../../src/backend/netlink/channel.ts'
import { netlinkRunner } from '../../../src/backend/netlink/netlink-runner.ts'
import type { ReadResult, Section } from '../../../src/backend/netlink/thread-protocol.ts'
import { locate } from '../../../src/commands/locate.ts'
import { openLocated } from '../../../src/commands/open-located.ts'
import { prepare } from '../../../src/commands/prepare.ts'
import type { Runner } from '../../../src/model/runner.ts'
import { owners } from '../../../src/observe/owners.ts'
import { readFirewall } from '../../../src/observe/read-rules.ts'
import { scale } from '../../../src/run/schedule.ts'
import { played } from './execa.ts'
import { HERE, NEW, type Answer, type Answered, type Machine, type Played } from './tape.ts'

/** What one run of the driver has recorded. */
export interface Recording {
  readonly played: readonly Played[]
  readonly netlink: Readonly<Record<string, Answered>>
  readonly machine: Machine
  /** The ids of what a plan would change. */
  readonly changes: readonly string[]
}

const netlink: Record<string, Answered> = {}
let names: readonly (readonly [number, string])[] = []

/** The channel, with every answer of the thread recorded. */
const recorded = (channel: Channel): Channel => ({
  unusable: channel.unusable,
  nft: channel.nft,
  ask: (request, onReply) =>
    channel.ask(request, (reply) => {
      if (reply.kind === 'names') names = [...reply.names]
      if (reply.kind === 'results' && request.kind === 'read')
        for (const result of reply.results) {
          const reading = request.readings[result.index]
          const name = reading?.fresh ? NEW : (reading?.netns ?? HERE)
          if (!result.gone) keep(name, result, Buffer.from(reply.bytes), request.lists[reading?.files ?? -1] ?? [])
        }
      onReply(reply)
    }),
})

/** Records, for each namespace, the answer with the most sections, and the contents of all files. */
function keep(
  name: string,
  { sections, fdb, mdb, nexthops, rules, legacy, mixed, files }: ReadResult,
  all: Buffer,
  paths: readonly string[],
) {
  const text = ({ from, to }: { readonly from: number; readonly to: number }): string => all.toString('utf8', from, to)
  const answer = (section: Section): Answer => ({
    errno: section.errno,
    bytes: all.toString('base64', section.from, section.to),
  })
  const before = netlink[name]
  const contents = files ? text(files).split('\0') : []
  const byPath = Object.fromEntries(files ? paths.map((path, i) => [path, contents[i] || null]) : [])
  const more = sections.length >= (before?.sections?.length ?? 0)
  netlink[name] = {
    ...before,
    ...(more && {
      ...(sections.length && { sections: sections.map(answer) }),
      ...(fdb && { fdb: answer(fdb) }),
      ...(mdb && { mdb: answer(mdb) }),
      ...(nexthops && { nexthops: answer(nexthops) }),
      ...(rules && { rules: text(rules) }),
      ...(legacy && { legacy: text(legacy) }),
      ...(mixed && { mixed }),
    }),
    files: { ...before?.files, ...byPath },
  }
}

/** Runs in a world, beside the lab file that is its argument: reads with both runners, as the commands do. */
async function main(file: string): Promise<void> {
  const threads = openThreads(scale)
  const unusable = await threads.one.unusable
  if (unusable !== undefined) throw new Error(unusable)
  const one = recorded(threads.one)
  // As test/support/recorded.ts has it: nobody else's processes are recorded.
  const host = { ...thisMachine, list: (folder: string) => (folder === '/proc' ? [] : thisMachine.list(folder)) }
  const runners: Runner[] = [ipRunner(host), netlinkRunner({ one, other: () => one }, scale, host)]
  const changes: string[] = []
  let name = ''
  for (const runner of runners) {
    const located = locate(file)
    const { live, plan } = await prepare(located, openLocated(located, thisMachine), runner)
    name = plan.lab
    changes.push(...plan.changes.map(({ id }) => id))
    await owners(runner)
    await prepare(located, openLocated(located, thisMachine), runner, { destroy: true })
    if (live.resources.size > 0 && changes.length === 0) await prepare({ name }, undefined, runner, { destroy: true })
    // What the other lab files of the case ask for is tried out as well.
    for (const other of readdirSync(dirname(file)).filter((one) => one.endsWith('.yaml')))
      await prepare(
        locate(join(dirname(file), other)),
        openLocated(locate(join(dirname(file), other)), thisMachine),
        runner,
      )
    for (const netns of live.dumps.keys()) await readFirewall(netns === HERE ? {} : { netns }, runner)
  }
  const recording: Recording = {
    played,
    netlink,
    machine: {
      list: await ipRunner(thisMachine).list(),
      processes: (await thisMachine.processes(name)).processes,
      names,
    },
    changes,
  }
  process.stdout.write(JSON.stringify(recording))
}

void main(process.argv[2] ?? '')

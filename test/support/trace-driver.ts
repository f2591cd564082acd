import { execFileSync } from 'node:child_process'
import { splitPort } from '../../src/checks/lab-index.ts'
import { whenSettled } from '../../src/checks/settle.ts'
import { survey } from '../../src/checks/survey.ts'
import { walkKit } from '../../src/commands/live-trace.ts'
import { readRequestOf } from '../../src/commands/prepare.ts'
import { thisMachine } from '../../src/host/this-machine.ts'
import { loadLab, type Lab } from '../../src/language/load-lab.ts'
import type { Outcome } from '../../src/model/command.ts'
import type { Host } from '../../src/model/host.ts'
import type { Way } from '../../src/model/packet-way.ts'
import type { Runner } from '../../src/model/runner.ts'
import { read } from '../../src/observe/read.ts'
import { startRunner } from '../../src/run/choose-runner.ts'
import { startOperations } from '../../src/session/operations.ts'
import type { TraceRequest } from '../../src/session/protocol.ts'
import { walk, type WalkKit, type WalkRequest } from '../../src/walk/walk.ts'
import { openJudge } from './trace-judge.ts'
import { randomNetwork } from './trace-lab.ts'
import { until } from './until.ts'
import { openWitness } from './witness.ts'

/** What the driver is to do. */
export interface TruthTask {
  readonly seed: number
  readonly packets: number
  /** Only this packet is sent, and everything is told of it. */
  readonly only?: number
}

/** How often a packet is sent alone again. */
const AGAIN = 3

/** What it found. */
export interface TruthReport {
  /** What trace said and witnesses contradict. */
  readonly wrong: readonly string[]
  /** What ended how often, by the reason without its names. */
  readonly ends: Readonly<Record<string, number>>
  /** Of the only packet: what trace said, what was seen, and the lab. */
  readonly all?: unknown
}

/** Runs in a world. Builds a random lab, sends random packets, and compares what trace says with what witnesses saw. */
async function main(): Promise<void> {
  let input = ''
  for await (const chunk of process.stdin) input += String(chunk)
  const { seed, packets, only } = JSON.parse(input) as TruthTask
  const { lab, listeners, packet } = randomNetwork(seed)
  const text = JSON.stringify(lab, null, 1)
  const source = { file: 'truth.yaml', text, set: {} }
  await startOperations(thisMachine).apply({ source, processes: true, lint: false }, () => {})
  const loaded = loadLab({ file: source.file, text, lint: false })
  const kit = await kitOf(loaded)
  const namespaces = [...loaded.namespaces.keys()]
  // An interface whose own address is not sure yet asks for no neighbour.
  const tentative = async (): Promise<boolean> =>
    namespaces.some((name) => execFileSync('ip', ['-n', name, '-o', 'addr', 'show', 'tentative']).length > 0)
  await until(tentative, (some) => !some, 10)
  const witness = openWitness(namespaces, listeners)
  const judge = openJudge(witness, listeners)
  const wrong: string[] = []
  const ends: Record<string, number> = {}
  const told: (readonly [WalkRequest, Way])[] = []
  let all: unknown
  for (let i = 0; i < packets; i++) {
    const request = packet()
    if (only !== undefined && only !== i) continue
    const [way] = (await walk([asked(request)], kit)) as [Way]
    told.push([asked(request), way])
    const evidence = witness.look()
    const complaints = judge(request, way, evidence)
    const end = `${way.verdict}: ${way.reason.replace(/[^ ]*[.:\d][^ ]*/g, '…')}`
    ends[end] = (ends[end] ?? 0) + 1
    if (complaints.length)
      wrong.push(
        [`lab ${seed}, packet ${i}: ${words(request)}: ${way.verdict}: ${way.reason}`, ...complaints].join('\n  '),
      )
    if (only !== undefined) all = { way, evidence, lab }
  }
  if (only === undefined) wrong.push(...(await together(told, kit)).map((one) => `lab ${seed}, together: ${one}`))
  await witness.close()
  const report: TruthReport = { wrong, ends, ...(only !== undefined && { all }) }
  process.stdout.write(JSON.stringify(report, plain))
}

/** What is told of packets that are sent together, and is not told of each when it is sent alone. */
async function together(alone: readonly (readonly [WalkRequest, Way])[], kit: WalkKit): Promise<string[]> {
  const requests = alone.map(([request]) => request)
  const ways = await walk(requests, kit)
  const complaints: string[] = []
  for (const [i, [request, first]] of alone.entries()) {
    const one = endOf(ways[i]!)
    const others = [endOf(first)]
    // Chance, and limits of the kernel, may end it in another way.
    for (let tries = 0; tries < AGAIN && !others.includes(one) && !isOfNeighbor(one); tries++) {
      const [again] = (await walk([request], kit)) as [Way]
      others.push(endOf(again))
    }
    // A neighbour is known as soon as a packet comes from it, and that may be another of these.
    if (![one, ...others].some(isOfNeighbor) && !others.includes(one))
      complaints.push(`${words(request)}: ${one}\n  alone: ${others.join('\n  alone: ')}`)
  }
  return complaints
}

const isOfNeighbor = (end: string): boolean => /^[0-9a-f]*[.:][0-9a-f.:]+$|has a rule or a filter/.test(end)

/** How it ended, without what depends on the time: the kernel limits how many errors it sends, and gives up asking for a neighbour; of several next hops, each masquerades as another address. */
const endOf = ({ verdict, reason }: Way): string =>
  /(?<= has | MAC address of )[0-9a-f]*[.:][0-9a-f.:]+/.exec(reason)?.[0] ??
  /nobody listens at port \d+/.exec(reason)?.[0] ??
  `${verdict}: ${reason.replace(/; .*|: a program has it.*|(?<=no route back) to .*/, '')}`

/** What a walk needs to know of a live lab. Everything is read only once: packets do not change it. */
async function kitOf(lab: Lab): Promise<WalkKit> {
  const listed = new Map<string, Promise<Outcome>>()
  const run: Host['run'] = (command) => {
    const key = JSON.stringify(command)
    const known = listed.get(key) ?? thisMachine.run(command)
    listed.set(key, known)
    return known
  }
  const runner: Runner = { ...startRunner(thisMachine), host: { ...thisMachine, run } }
  const request = readRequestOf(lab.name, lab)
  const live = await whenSettled(() => read(request, runner), runner)
  return walkKit({ ...lab, request }, live, survey(lab, live), runner)
}

/** The request of a walk to an address. */
function asked(request: TraceRequest): WalkRequest {
  if (request.protocol === 'icmp') return { ...request, address: request.to }
  const { host: address, port } = splitPort(request.to)
  return { ...request, address, port }
}

const words = ({ from, to, protocol, size }: TraceRequest): string => [from, to, protocol, size].join(' ').trim()
const plain = (_: string, value: unknown): unknown =>
  value instanceof Map
    ? Object.fromEntries(value)
    : (value as { type?: string } | null)?.type === 'Buffer'
      ? Buffer.from((value as { data: number[] }).data).toString('hex')
      : value

void main()

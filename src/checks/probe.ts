import { randomBytes } from 'node:crypto'
import { enterNamespace } from '../host/in-namespace.ts'
import { familyOf } from '../model/cidr.ts'
import type { Check, Expected } from '../model/check.ts'
import type { Agents } from './agents.ts'
import { runTied } from './child.ts'
import { addressOf, netnsOf, splitPort, Untried, withPort, type LabIndex } from './lab-index.ts'
import type { Host } from '../model/host.ts'
import { placeIn } from '../model/place.ts'
import { GREETING, type Answer, type Transport } from './agent-protocol.ts'

/** The result of one attempt. `partly`: some of several packets got through. */
export interface Attempt {
  readonly reached: 'yes' | 'partly' | 'no'
  /** Something else than the expected server answered. */
  readonly mistaken?: true
  /** What was observed, in words. */
  readonly seen: string
}

/** What identifies the packets of a check: these bytes in them, or their source ports. */
export interface Trail {
  readonly tokens: Buffer[]
  readonly localPorts: Set<number>
}

/** What probes need. */
export interface Kit {
  readonly labIndex: LabIndex
  /** Where the programs of the checks run. */
  readonly host: Host
  readonly agents: Agents
  /** `NAMESPACE:PORT/tcp` → who listens there: netlab, or a program that already did. */
  readonly listening: Map<string, Promise<'netlab' | 'other'>>
  /** To be called when the packets of the check are on their way, and it only waits from now on. */
  readonly departed: () => void
}

/** Tries a check once, within `timeout` ms, and notes how its packets can be recognised. Throws Untried. */
export type Probe = (check: Check, kit: Kit, timeout: number, trail: Trail) => Promise<Attempt>

/** An empty trail. */
export const newTrail = (): Trail => ({ tokens: [], localPorts: new Set() })

const seconds = (ms: number): string => `${Number((ms / 1000).toFixed(1))} s`

/** How long `ping` takes to start and to get an answer on a busy machine, in milliseconds. */
const STARTED = 150

export const ping: Probe = async (check, { host, labIndex, departed }, timeout, { tokens }) => {
  const address = addressOf(labIndex, check.ping ?? '')
  const netns = netnsOf(labIndex, check.from)
  const token = randomBytes(8)
  tokens.push(token)
  const count = check.count ?? 1
  const overhead = familyOf(address) === 4 ? 28 : 48 // an IP header without options, and ICMP's
  const size = check.mtu === undefined ? [] : ['-M', 'do', '-s', String(Math.max(0, check.mtu - overhead))]
  const wait = String(Math.max(1, Math.floor(timeout / 1000)))
  // With a deadline, ping sends requests until it has `count` answers: a check that must pass gets several chances.
  const patient = check.expect !== 'fail' && count === 1
  const options = [
    '-n',
    '-c',
    String(count),
    '-i',
    '0.2',
    patient ? '-w' : '-W',
    wait,
    '-p',
    token.toString('hex'),
    ...size,
  ]
  const command = { argv: ['ping', ...options, address], ...placeIn(netns) }
  const sent = setTimeout(departed, STARTED)
  const { stdout, stderr } = await runTied(host, command, timeout + count * 200 + 1000).finally(() =>
    clearTimeout(sent),
  )
  if (/ping: (command )?(not found|No such file)/.test(stderr))
    throw new Untried('ping is not installed: apt-get install iputils-ping', true)
  const received = Number(
    /(\d+) (?:packets )?received/.exec(stdout)?.[1] ?? (stdout.match(/ bytes from /g) ?? []).length,
  )
  const rtt = /= [\d.]+\/([\d.]+)\//.exec(stdout)?.[1]
  const [, by, said] = /^From (\S+)[^\n]*?icmp_seq=\d+ ([^\n]+)/m.exec(stdout) ?? []
  const error =
    said === undefined ? /^ping: (?:connect: |sendmsg: |local error: )?(.+)$/m.exec(stderr)?.[1] : `${by} says ${said}`
  const told = error === undefined ? '' : `: ${error}`
  if (received >= count)
    return {
      reached: 'yes',
      seen: `${address} answered${count > 1 ? ` ${count} times` : ''}${rtt ? `, ${rtt} ms` : ''}`,
    }
  if (received > 0) return { reached: 'partly', seen: `${address} answered ${received} of ${count}${told}` }
  return { reached: 'no', seen: `no answer from ${address}${told || ` within ${seconds(timeout)}`}` }
}

/** Starts a listener at `to` unless one is running; returns who listens there, undefined without `to`. */
export async function listen(check: Check, protocol: Transport, kit: Kit): Promise<'netlab' | 'other' | undefined> {
  if (check.to === undefined) return undefined
  const { host, port } = splitPort(check.to)
  const netns = netnsOf(kit.labIndex, host)
  const key = `${check.to}/${protocol}`
  const known = kit.listening.get(key)
  if (known) return known
  const listening = kit.agents.ask(host, netns, { op: 'listen', protocol, port }).then(({ error }) => {
    if (error !== undefined && error !== 'EADDRINUSE') throw new Untried(`cannot listen at ${check.to}: ${error}`)
    return error === undefined ? ('netlab' as const) : ('other' as const)
  })
  kit.listening.set(key, listening)
  listening.catch(() => kit.listening.delete(key)) // the callers await this promise; after a failure the next check tries again
  return listening
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ECONNRESET: 'connection reset',
  EPERM: 'operation not permitted (a firewall of its own)',
  EACCES: 'permission denied (prohibited by a route or a firewall)',
  EADDRNOTAVAIL: 'it has no address to send from',
  EMSGSIZE: 'message too long',
}

/** The last source port; each check uses one of its own, which identifies its packets and is probably unused. */
let lastPort = 20000 + (process.pid % 8000)
const nextPort = (): number => (lastPort = lastPort >= 32000 ? 20000 : lastPort + 1)

/** Sends the request from a new source port, and from another one if that is in use. */
async function fromPort(localPorts: Set<number>, ask: (localPort: number) => Promise<Answer>): Promise<Answer> {
  for (let more = 5; ; more--) {
    const localPort = nextPort()
    const answer = await ask(localPort)
    if (answer.error === 'EADDRINUSE' && more > 0) continue
    localPorts.add(localPort)
    return answer
  }
}

const failed = (error: string, address: string, port: number, timeout: number): Attempt => ({
  reached: 'no',
  seen:
    error === 'ETIMEDOUT'
      ? `no answer from ${withPort(address, port)} within ${seconds(timeout)}`
      : `${withPort(address, port)}: ${WORDS[error] ?? error}`,
})

/** Whether the listener at `to` answered, according to its greeting; and which client address it saw. */
function answered(check: Check, address: string, port: number, { text = '' }: Answer): Attempt {
  const target = withPort(address, port)
  const [greeting, who = '', client = '', clientPort = ''] = (text.split('\n')[0] ?? '').split(' ')
  if (greeting !== GREETING)
    return { reached: 'no', mistaken: true, seen: `${target} answered, but it was not ${check.to}` }
  const seen = `${who} answered, and saw the client as ${withPort(client, clientPort)}`
  return who === check.to
    ? { reached: 'yes', seen }
    : { reached: 'no', mistaken: true, seen: `${seen}; it was not ${check.to}` }
}

async function connectOnce(check: Check, kit: Kit, timeout: number, { localPorts }: Trail): Promise<Attempt> {
  const { labIndex, agents } = kit
  const { host, port } = splitPort(check.tcp ?? '')
  const address = addressOf(labIndex, host)
  const listener = await listen(check, 'tcp', kit)
  const from = netnsOf(labIndex, check.from)
  const there = splitPort(check.to ?? `${check.from}:0`)
  const clients = async (): Promise<readonly string[]> =>
    (await agents.ask(there.host, labIndex.places.get(there.host), { op: 'clients', port: there.port })).clients ?? []
  const before = listener === 'other' ? new Set(await clients()) : undefined
  await agents.start(check.from, from)
  kit.departed()
  // Without enough time for the greeting, a check that must fail and does not would pass.
  const greeting = listener === 'netlab' ? Math.max(1000, timeout) : 0
  let localPort = 0
  const answer = await fromPort(localPorts, (free) => {
    localPort = free
    return agents.ask(check.from, from, { op: 'connect', address, port, localPort, timeout, greeting })
  })
  if (answer.error !== undefined) return failed(answer.error, address, port, timeout)
  try {
    if (listener === 'netlab') return answered(check, address, port, answer)
    if (!before) return { reached: 'yes', seen: `connected to ${withPort(address, port)}` }
    const client = (await clients()).find((one) => !before.has(one))
    if (client === undefined)
      return { reached: 'no', mistaken: true, seen: `${withPort(address, port)} answered, but it was not ${check.to}` }
    const [seenAs = '', seenPort = ''] = client.split(' ')
    const seen = `what listens at ${check.to} answered, and saw the client as ${withPort(seenAs, seenPort)}`
    return { reached: 'yes', seen }
  } finally {
    await agents.ask(check.from, from, { op: 'hangup', localPort })
  }
}

async function sendOnce(check: Check, kit: Kit, timeout: number, { tokens, localPorts }: Trail): Promise<Attempt> {
  const { labIndex, agents } = kit
  const { host, port } = splitPort(check.udp ?? '')
  const address = addressOf(labIndex, host)
  const listener = await listen(check, 'udp', kit)
  const text = `netlab ${randomBytes(6).toString('hex')}`
  tokens.push(Buffer.from(text))
  const netns = netnsOf(labIndex, check.from)
  await agents.start(check.from, netns)
  kit.departed()
  const answer = await fromPort(localPorts, (localPort) =>
    agents.ask(check.from, netns, { op: 'send', address, port, localPort, timeout, text }),
  )
  if (answer.error !== undefined) return failed(answer.error, address, port, timeout)
  if (listener === 'netlab') return answered(check, address, port, answer)
  return { reached: 'yes', seen: `${withPort(address, port)} answered` }
}

/** Repeats a probe `count` times. */
const repeated =
  (once: Probe): Probe =>
  async (check, kit, timeout, trail) => {
    const count = check.count ?? 1
    const attempts: Attempt[] = []
    for (let i = 0; i < count; i++) attempts.push(await once(check, kit, timeout, trail))
    const good = attempts.filter(({ reached }) => reached === 'yes').length
    const seen = attempts.find(({ reached }) => good === count || reached !== 'yes')?.seen ?? ''
    if (count === 1) return attempts[0] ?? { reached: 'no', seen }
    return { reached: good === count ? 'yes' : good ? 'partly' : 'no', seen: `${good} of ${count}; ${seen}` }
  }

export const tcp: Probe = repeated(connectOnce)
export const udp: Probe = repeated(sendOnce)
/** Runs the command of the check, in which the lab's names resolve. */
export const runProbe: Probe = repeated((...words) => runOnce(...words))

/** `reached`: whether the command ended as expected; with exit code 0 if nothing is expected. */
const runOnce: Probe = async (check, kit, timeout) => {
  // The command may use either protocol.
  await Promise.all((['tcp', 'udp'] as const).map((protocol) => listen(check, protocol, kit)))
  const netns = netnsOf(kit.labIndex, check.from)
  const variables = kit.labIndex.variables(check.from)
  const place = { names: kit.labIndex.names, variables, ...placeIn(netns) }
  const { code, stdout, stderr, late } = await runTied(
    kit.host,
    enterNamespace(kit.host, place, check.run ?? []),
    timeout,
  )
  // A missing program must not make a check pass that expects a failure.
  if (code === 127 && typeof check.expect !== 'object')
    throw new Untried(short(stderr) || 'the program is not there', true)
  const expected: Expected = typeof check.expect === 'object' ? check.expect : { exit: 0 }
  const fits =
    !late &&
    (expected.exit === undefined || expected.exit === code) &&
    matches(expected.stdout, stdout) &&
    matches(expected.stderr, stderr)
  const ended = late ? `did not end within ${seconds(timeout)}` : `exit code ${code}`
  if (fits) return { reached: 'yes', seen: ended }
  const said = [stdout.trim() && `output: ${short(stdout)}`, stderr.trim() && `errors: ${short(stderr)}`]
  return { reached: 'no', seen: [ended, ...said.filter(Boolean)].join('\n') }
}

/** Whether `text` contains `expected`, or matches it if it is `/…/`. Throws Untried for an invalid pattern. */
export function matches(expected: string | undefined, text: string): boolean {
  if (expected === undefined) return true
  const [, pattern, flags] = /^\/(.*)\/([imsu]*)$/s.exec(expected) ?? []
  if (pattern === undefined) return text.includes(expected)
  try {
    return new RegExp(pattern, flags || 'm').test(text)
  } catch (error) {
    throw new Untried(`${expected} is not a pattern: ${(error as Error).message}`, true)
  }
}

const short = (text: string): string => (text.trim().length > 400 ? `${text.trim().slice(0, 400)}…` : text.trim())

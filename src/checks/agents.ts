import { createInterface } from 'node:readline'
import type { Host } from '../model/host.ts'
import { placeIn } from '../model/place.ts'
import { endChild } from './child.ts'
import { Untried } from './lab-index.ts'
import type { Answer, Request } from './agent-protocol.ts'

/** The agents of a run: one process per namespace, started on the first request, and again if it has ended. */
export interface Agents {
  /**
   * Sends a request to the agent in the namespace and returns its answer. `netns` is the name under /run/netns, absent for the
   * machine's own. Throws Untried when the agent ends or does not answer.
   */
  ask(namespace: string, netns: string | undefined, request: Request): Promise<Answer>
  /** Starts the agent in the namespace, unless it runs, and returns when it takes requests. Throws Untried as `ask` does. */
  start(namespace: string, netns: string | undefined): Promise<void>
  /** Ends all agents, and with them their listeners and connections. */
  close(): void
}

/** How long an answer may take beyond the time of the request, in milliseconds: the agent may have to be started first. */
const PATIENCE = 20_000

/** Opens the agents of a run on a host. */
export function openAgents(host: Host): Agents {
  const agents = new Map<string, ReturnType<typeof open>>()
  const agentIn = (namespace: string, netns: string | undefined): ReturnType<typeof open> => {
    const known = agents.get(namespace)
    const agent = known && !known.failed() ? known : open(host, [...host.self, 'agent', namespace], netns)
    agents.set(namespace, agent)
    return agent
  }
  return {
    ask: async (namespace, netns, request) => agentIn(namespace, netns).ask(request),
    async start(namespace, netns) {
      const agent = agentIn(namespace, netns)
      // Nobody is connected to port 0.
      if (!agent.answers()) await agent.ask({ op: 'clients', port: 0 })
    },
    close() {
      for (const { end } of agents.values()) end()
      agents.clear()
    },
  }
}

function open(host: Host, argv: readonly string[], netns: string | undefined) {
  const child = host.start({ argv, ...placeIn(netns) })
  const waiting = new Map<number, (answer: Answer | Untried) => void>()
  let complaint = ''
  let failure: Untried | undefined
  let next = 0
  let answers = false
  const fail = (reason: string): void => {
    failure = new Untried(`netlab's agent in ${argv.at(-1)}: ${reason}`)
    for (const done of waiting.values()) done(failure)
  }
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  child.once('error', (error) => fail(error.message))
  child.once('close', () => fail(complaint.trim() || 'it has ended'))
  createInterface({ input: child.stdout }).on('line', (line) => {
    answers = true
    const { id, ...answer } = JSON.parse(line) as Answer & { id: number }
    waiting.get(id)?.(answer)
  })
  return {
    ask: (request: Request): Promise<Answer> =>
      new Promise((resolve, reject) => {
        if (failure) return reject(failure)
        const id = next++
        const patience = ('timeout' in request ? request.timeout : 0) + PATIENCE
        const late = setTimeout(
          () => waiting.get(id)?.(new Untried(`netlab's agent in ${argv.at(-1)} does not answer`)),
          patience,
        )
        waiting.set(id, (answer) => {
          clearTimeout(late)
          waiting.delete(id)
          if (answer instanceof Untried) reject(answer)
          else resolve(answer)
        })
        child.stdin.write(`${JSON.stringify({ id, ...request })}\n`)
      }),
    answers: () => answers,
    failed: () => failure !== undefined,
    end: () => endChild(host, child),
  }
}

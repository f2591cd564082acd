import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { placed } from '../exec/process.ts'
import type { Answer, Request } from './protocol.ts'

/** The agents of a run: one process for every namespace that one is needed in, started when it is first asked. */
export interface Agents {
  /** Asks the agent in the namespace with this name; `netns` is where that is, absent for the machine's own. */
  ask(namespace: string, netns: string | undefined, request: Request): Promise<Answer>
  /** Ends them all, and with them every listener and connection. */
  close(): void
}

/** `self`: how this program is run, without its arguments. */
export function openAgents(self: readonly string[]): Agents {
  const agents = new Map<string, ReturnType<typeof open>>()
  return {
    async ask(namespace, netns, request) {
      const agent = agents.get(namespace) ?? open([...self, 'agent', namespace], netns)
      agents.set(namespace, agent)
      return agent.ask(request)
    },
    close() {
      for (const { end } of agents.values()) end()
      agents.clear()
    },
  }
}

function open(argv: readonly string[], netns: string | undefined) {
  const [program = '', ...args] = placed({ argv, ...(netns !== undefined && { netns }) })
  const child = spawn(program, args, { detached: true })
  const waiting = new Map<number, (answer: Answer) => void>()
  let complaint = ''
  let ended = false
  let next = 0
  const fail = (error: string): void => {
    ended = true
    for (const done of waiting.values()) done({ error })
    waiting.clear()
  }
  child.stdin.on('error', () => {}) // `close` tells
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  child.once('error', (error) => fail(error.message))
  child.once('close', () => fail(complaint.trim() || 'the agent has ended'))
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, ...answer } = JSON.parse(line) as Answer & { id: number }
    waiting.get(id)?.(answer)
    waiting.delete(id)
  })
  return {
    ask: (request: Request): Promise<Answer> =>
      new Promise((resolve) => {
        if (ended) return resolve({ error: complaint.trim() || 'the agent has ended' })
        const id = next++
        waiting.set(id, resolve)
        child.stdin.write(`${JSON.stringify({ id, ...request })}\n`)
      }),
    end: () => void child.stdin.end(),
  }
}

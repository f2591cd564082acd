import type { Command } from '../model/command.ts'
import type { Host } from '../model/host.ts'
import { leave } from '../host/leave.ts'
import { idle } from '../host/status-line.ts'
import { answerAsks } from '../session/conversation.ts'
import { startMachine } from './on-machine.ts'
import { withItself } from './on-machine-services.ts'
import { LAST_LINE, type MachineOperations } from './machine-protocol.ts'

/** How long the other side may be silent, in milliseconds: it says every two seconds that it is there. */
const SILENCE = 20_000

/**
 * What the netlab on another machine starts on this one, and nobody else: `netlab machine`, and `netlab enter WHAT`. Ends this
 * process.
 */
export async function serveNetlab(host: Host, [command, what = '']: readonly string[]): Promise<void> {
  process.exitCode = command === 'enter' ? await enterMachine(host, what) : await serveMachine(host)
  await leave()
}

/**
 * `netlab machine`: does what the netlab on another machine asks for, until that lets go, ends or is cut off. What runs then is
 * rolled back. Returns 0.
 */
async function serveMachine(host: Host): Promise<number> {
  const machine = startMachine(host)
  const operations: typeof machine = {
    ...machine,
    async end(...of) {
      await machine.end(...of)
      process.stderr.write(`${LAST_LINE}\n`)
      return null
    },
  }
  const over = new AbortController()
  const letGo = (): void => over.abort()
  const silence = setTimeout(letGo, SILENCE)
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.once(signal, letGo)
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {}) // the other side may have gone
  await answerAsks<MachineOperations>(operations, over.signal, () => silence.refresh())
  clearTimeout(silence)
  await machine.end(null, () => {})
  return 0
}

/** `netlab enter`: runs a program (JSON: its command, and variables) on this terminal, and returns its exit code. */
async function enterMachine(host: Host, what: string): Promise<number> {
  const { command, env } = JSON.parse(what) as { readonly command: Command; readonly env: Record<string, string> }
  idle()
  return await host.attach(withItself(command, host.self), env)
}

import { once } from 'node:events'
import { Socket } from 'node:net'
import type { Apart, Child } from '../../model/host.ts'
import { childProcesses } from '../local/programs.ts'
import { withSbin } from '../local/sbin.ts'
import script from './apart.sh'
import { refusal } from './refusal.ts'
import common from './sandbox.sh'

const APART = `${common}
${script}
apart "$@"`

/** How much of what it writes to standard error is kept, in characters. */
const KEPT = 10_000

/** Starts a program in a throw-away sandbox (`Host.startApart`): apart.sh makes it. */
export async function startApart(argv: readonly string[]): Promise<Apart> {
  const { NETLAB_SANDBOX: _, ...env } = process.env
  const child = childProcesses().spawn('sh', ['-c', APART, 'sh', process.cwd(), ...argv], {
    // A session of its own: Ctrl-C on the terminal is for this process, which ends what it has started.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    env: { ...env, PATH: withSbin(env['PATH']) },
  })
  const ended = once(child, 'close')
  let words = ''
  child.stderr.on('data', (data: Buffer) => (words = (words + data.toString()).slice(-KEPT)))
  const lifeline = child.stdio[3] as Socket
  for (const stream of [child.stdin, lifeline]) stream.on('error', () => {}) // it may end before it has read its input
  const init = await Promise.race([firstLine(child), ended.then(() => undefined)])
  if (init === undefined) throw refusal(words.trim() || 'it ended')
  return {
    child,
    init: Number(init),
    words: () => words,
    awake: (awake) => {
      const sockets = child.stdio.filter((stream) => stream instanceof Socket)
      for (const handle of [child, ...sockets]) handle[awake ? 'ref' : 'unref']()
    },
    async end() {
      lifeline.destroy()
      child.stdout.resume()
      await ended
    },
  }
}

/** The first line of the output, which is then left to others. Pending for ever when there is none. */
function firstLine({ stdout }: Child): Promise<string> {
  return new Promise((resolve) => {
    let read = Buffer.alloc(0)
    const take = (): void => {
      for (let piece: Buffer | null; (piece = stdout.read() as Buffer | null);) read = Buffer.concat([read, piece])
      const end = read.indexOf('\n')
      if (end < 0) return
      stdout.off('readable', take)
      if (end + 1 < read.length) stdout.unshift(read.subarray(end + 1))
      resolve(read.toString('utf8', 0, end))
    }
    stdout.on('readable', take)
  })
}

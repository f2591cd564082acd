import { createRequire } from 'node:module'
import { machine as architecture } from 'node:os'
import { dirname, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { note } from '../commands/terminal.ts'
import { quote } from '../model/command.ts'
import { UserError } from '../model/diagnostic.ts'
import { sha256 } from '../model/digest.ts'
import type { Child, Host } from '../model/host.ts'
import type { Machine } from '../model/other-machine.ts'
import { askOver, type Asking } from '../session/conversation.ts'
import boot from './boot.sh'
import { LAST_LINE, type MachineOperations } from './machine-protocol.ts'
import { untilHeard } from './unheard.ts'

/** A machine of a lab, with a netlab that does what it is asked. */
export interface Peer {
  readonly name: string
  readonly ask: Asking<MachineOperations>
  /** Runs a program there on this terminal (`Host.attach`). */
  readonly attach: Host['attach']
  /** Lets go of the machine: what runs there is stopped, and the lock is free. */
  readonly close: () => Promise<void>
}

/** A machine that can be asked already. */
export interface Asked {
  /** What is asked for before the machine is connected waits there for netlab to start. */
  readonly ask: Peer['ask']
  /** Rejected with a UserError when the machine cannot be connected to. */
  readonly peer: Promise<Peer>
}

/** Another machine, which is being connected to. */
export interface Coming extends Asked {
  /** Lets go of it: what has begun to read there ends by itself, anything else is ended. */
  readonly end: () => void
}

/** How long a machine may take for each step until netlab runs there, and for the next piece of netlab, in milliseconds. */
const PATIENCE = 60_000
/** How much of netlab is sent at once, in bytes. */
const PIECE = 65_536
/** How much a machine may print before netlab starts there, in bytes. */
const WORDS = 1_000_000
/** How often the other side is told that this one is there, and how long it may be silent, in milliseconds. */
const [BEAT, SILENCE] = [2000, 20_000]
/** How long the last words of a machine are waited for, in milliseconds: something on the way may keep them. */
const PARTING = 2000
/** How ssh is to behave: nobody is there to answer questions, and a connection that is cut off ends. */
const SSH = [
  ...['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=20', '-o', 'LogLevel=ERROR'],
  ...['-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=3'],
]

/** Starts netlab on another machine, and brings it along when it is not there. */
export function farPeer(host: Host, name: string, machine: Machine): Coming {
  // Signals are heeded before the program begins: it may be ahead of the next line here.
  let pid: number | undefined = undefined
  const end = (): void => void (pid !== undefined && host.signal(-pid, 'SIGKILL'))
  const heeds = untilHeard(end)
  const child = host.start({ argv: thereWords(machine, host, '-T', 'machine') })
  pid = child.pid
  let words = ''
  child.stderr.on('data', (data: Buffer) => (words = (words + data.toString()).slice(-10_000)))
  const lost = (why: string): UserError =>
    UserError.of('machine-lost', `machine ${name}: ${why}`, [words.trim(), hintFor(machine)].filter(Boolean).join('\n'))
  let isHeard = false
  const heard = (): void => {
    isHeard = true
    heeds()
  }
  const { ask, listen, repeat, over } = askOver<MachineOperations>(child.stdin, child.stdout)
  async function connected(): Promise<Peer> {
    try {
      await begin(child, host, { repeat, lost, heard })
    } catch (error) {
      over(error as UserError)
      heard()
      end()
      throw error
    }
    words = ''
    const said = passOn(name, child.stderr)
    listen()
    // Netlab starts there first.
    let patience = PATIENCE
    let last = Date.now()
    child.stdout.on('data', () => {
      patience = SILENCE
      last = Date.now()
    })
    const beat = setInterval(() => {
      if (Date.now() - last > patience) {
        over(lost(`no answer for ${patience / 1000} s`))
        end()
      } else ask('alive', null).catch(() => {})
    }, BEAT).unref()
    const closed = new Promise<void>((done) => child.once('close', () => done()))
    void closed.then(() => {
      clearInterval(beat)
      over(lost('the connection has ended'))
    })
    return {
      name,
      ask,
      attach(command, env = {}) {
        const terminal = process.stdin.isTTY ? '-tt' : '-T'
        return host.attach({ argv: thereWords(machine, host, terminal, 'enter', JSON.stringify({ command, env })) })
      },
      async close() {
        const late = setTimeout(end, SILENCE)
        await ask('end', null).catch(() => {}) // also when the connection is lost
        clearTimeout(late)
        child.stdin.end() // it ends by itself; nothing depends on when
        await Promise.race([said, sleep(PARTING, undefined, { ref: false })])
      },
    }
  }
  const peer = connected()
  peer.catch(() => {}) // the callers await this promise; the handler only avoids an unhandled rejection
  return {
    ask,
    peer,
    end() {
      if (isHeard) child.stdin.end()
      else end()
    },
  }
}

/** Passes on what a machine says, each line with its name, until it has said all. */
function passOn(name: string, stream: Child['stderr']): Promise<void> {
  return new Promise((over) => {
    let begun = ''
    const say = (line: string): string => `${name}: ${line}\n`
    stream.setEncoding('utf8').on('data', (text: string) => {
      const lines = (begun + text).split('\n')
      begun = lines.pop() ?? ''
      const isLast = lines.at(-1)?.endsWith(LAST_LINE) === true
      const rest = isLast ? lines.pop()?.slice(0, -LAST_LINE.length) : ''
      note([...lines, ...(rest ? [rest] : [])].map(say).join(''))
      if (isLast) over()
    })
    stream.on('end', () => {
      note(begun && say(begun))
      over()
    })
  })
}

const hintFor = ({ ssh, run }: Machine): string =>
  ssh === undefined ? `It is reached by: ${(run ?? []).map(quote).join(' ')}` : `Try: ssh ${quote(ssh)} true`

/** The words that run a command of netlab on a machine; `terminal` is what ssh is to do about one there. */
function thereWords({ ssh, run = [] }: Machine, host: Host, terminal: '-T' | '-tt', ...command: string[]): string[] {
  const inside = ['sh', '-c', boot, 'netlab', buildId(host), architecture(), ...command]
  return ssh === undefined ? [...run, ...inside] : ['ssh', terminal, ...SSH, '--', ssh, inside.map(quote).join(' ')]
}

const folder = (): string => resolve(dirname(__filename), '..')

const koffiFile = (): string => createRequire(__filename).resolve('koffi')

/** What identifies this build: the hash of netlab in the last line of netlab.cjs (scripts/build.mjs), and the version of the library. */
function buildId(host: Host): string {
  const hash = host.readFile(`${folder()}/dist/netlab.cjs`)?.trimEnd().split(' ').at(-1) ?? ''
  const { version } = JSON.parse(host.readFile(`${dirname(koffiFile())}/package.json`) ?? '{}') as { version?: string }
  return `${hash}-${version}`
}

/** Netlab as it is sent, once for all machines. */
let packed: Promise<Buffer> | undefined

/**
 * Waits until netlab runs there, and sends it when it is asked for; then `repeat` sends what that took the place of. `heard` is called
 * when the machine has begun with it.
 */
async function begin(
  child: Child,
  host: Host,
  { repeat, lost, heard }: { repeat: () => void; lost: (why: string) => UserError; heard: () => void },
): Promise<void> {
  let text = ''
  await new Promise<void>((done, failed) => {
    const late = setTimeout(() => failed(lost(`no answer for ${PATIENCE / 1000} s`)), PATIENCE)
    const over = (error: Error): void => {
      clearTimeout(late)
      failed(error)
    }
    child.once('error', (error) => over(lost(error.message)))
    child.once('close', () => over(lost('it does not answer')))
    const take = (): void => {
      for (let piece: Buffer | null; (piece = child.stdout.read() as Buffer | null);) text += piece.toString('latin1')
      if (text.length > WORDS) return over(lost('it prints without end, and does not start netlab'))
      for (let found; (found = /^(?:.*\n)*?netlab-boot (\w+) ?(.*)\n/.exec(text));) {
        text = text.slice(found[0].length)
        late.refresh()
        heard()
        if (found[1] === 'fails') return over(lost(found[2] ?? ''))
        if (found[1] === 'send') {
          packed ??= pack(host)
          void packed.then((bytes) => {
            child.stdin.write(`pack ${bytes.length} ${sha256(bytes)}\n`)
            for (let at = 0; at < bytes.length; at += PIECE)
              child.stdin.write(bytes.subarray(at, at + PIECE), () => late.refresh())
            repeat()
          }, over)
          continue
        }
        child.stdout.off('readable', take)
        if (text) child.stdout.unshift(Buffer.from(text, 'latin1'))
        clearTimeout(late)
        return done()
      }
    }
    child.stdout.on('readable', take)
  })
  child.removeAllListeners('error').removeAllListeners('close')
}

/** The program with the library that it calls the kernel by, as a compressed archive. */
async function pack(host: Host): Promise<Buffer> {
  const modules = dirname(dirname(koffiFile()))
  const cache = host.list(`${folder()}/dist`).find((file) => file === 'machine.cache') ?? 'program.cache'
  const files = ['netlab.cjs', 'program.cjs', cache, 'thread.cjs', 'status.cjs', 'prompt']
  const libraries = ['koffi', '@koromix'].filter((name) => host.list(`${modules}/${name}`).length > 0)
  const sources = ['*.cc', '*.hh', '*.inc', '*.md', 'vendor', 'doc'].map((pattern) => `--exclude=${pattern}`)
  const child = host.start({
    argv: [
      ...['tar', '-czf', '-', ...sources, '-C', folder(), ...files.map((name) => `dist/${name}`)],
      ...['-C', dirname(modules), ...libraries.map((name) => `node_modules/${name}`)],
    ],
  })
  const pieces: Buffer[] = []
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece))
  const code = await new Promise<number | null>((done) => {
    child.once('error', () => done(127))
    child.once('close', done)
  })
  if (code !== 0) throw UserError.of('machine-lost', 'netlab cannot be packed for another machine: tar failed')
  return Buffer.concat(pieces)
}

import { placed } from '../exec/process.ts'
import { startTied } from './child.ts'
import { pcapReader, type Packet } from './packet.ts'

/** A capture that runs. */
export interface Capture {
  /** What has been seen so far. */
  readonly packets: readonly Packet[]
  /** Waits until the packets seen so far satisfy, at most `timeout` ms; returns whether they do. */
  until(satisfied: () => boolean, timeout: number): Promise<boolean>
  end(): void
}

/** How much of a packet is kept, in bytes: its headers, also within a tunnel, and the token of a ping. */
const SNAPLEN = 256
const MISSING = 'tcpdump is not installed: apt-get install tcpdump (dnf, apk and pacman call it tcpdump too)'

/**
 * Starts tcpdump on an interface (`any`: on all of them) and returns when it is listening. Throws an Error with its own
 * words when it cannot, or with how to install it.
 */
export function startCapture(netns: string | undefined, device: string): Promise<Capture> {
  const cooked = device === 'any' ? ['-y', 'LINUX_SLL2'] : []
  const options = [
    '-i',
    device,
    ...cooked,
    '--nano',
    '-nn',
    '-U',
    '--immediate-mode',
    '-s',
    String(SNAPLEN),
    '-Z',
    'root',
  ]
  const argv = ['tcpdump', ...options, '-w', '-']
  const child = startTied(placed({ argv, ...(netns !== undefined && { netns }) }))
  const packets: Packet[] = []
  const waiting = new Set<() => void>()
  const read = pcapReader((packet) => packets.push(packet))
  child.stdout.on('data', (piece: Buffer) => {
    read(piece)
    for (const look of waiting) look()
  })
  const capture: Capture = {
    packets,
    until: (satisfied, timeout) =>
      new Promise((resolve) => {
        const done = (result: boolean): void => {
          waiting.delete(look)
          clearTimeout(timer)
          resolve(result)
        }
        const look = (): void => {
          if (satisfied()) done(true)
        }
        const timer = setTimeout(() => done(satisfied()), timeout)
        waiting.add(look)
        look()
      }),
    end: () => void child.stdin.end(),
  }
  return new Promise((resolve, reject) => {
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes('listening on')) resolve(capture)
    })
    child.once('error', reject)
    child.once('close', () =>
      reject(new Error(/tcpdump: (command )?(not found|No such file)/.test(said) ? MISSING : said.trim())),
    )
  })
}

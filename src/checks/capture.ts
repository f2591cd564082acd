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
/** What tcpdump says where it cannot work at all: it is missing, or cannot become an ordinary user. */
const UNUSABLE = /tcpdump: (command )?(not found|No such file)|Couldn't change to|capng_/

/**
 * Starts a capture on an interface (`any`: on all of them) and returns when it is listening: tcpdump, and where that is
 * unusable netlab itself, run as `self`. Throws an Error with the tool's own words, or with how to install it.
 */
export async function startCapture(
  netns: string | undefined,
  device: string,
  self: readonly string[],
): Promise<Capture> {
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
  try {
    return await begin(['tcpdump', ...options, '-w', '-'], netns)
  } catch (error) {
    const said = (error as Error).message
    if (!UNUSABLE.test(said)) throw error
    return begin([...self, 'capture', device, String(SNAPLEN)], netns).catch(() => {
      throw new Error(/not found|No such file/.test(said) ? MISSING : said)
    })
  }
}

function begin(argv: readonly string[], netns: string | undefined): Promise<Capture> {
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
    child.once('close', () => reject(new Error(said.trim())))
  })
}

import type { Child, Host } from '../model/host.ts'
import { placeIn } from '../model/place.ts'
import { endChild, startTied } from './child.ts'
import { pcapReader, type Packet } from './packet.ts'

/** A running capture. */
export interface Capture {
  /** The packets that have been captured so far. */
  readonly packets: readonly Packet[]
  /** The tool's message if the capture has ended by itself; undefined while it runs. */
  ended(): string | undefined
  /** Waits until the packets seen so far satisfy, at most `timeout` ms; returns whether they do. */
  until(satisfied: () => boolean, timeout: number): Promise<boolean>
}

/** Several captures that end together, including those that are still being started. */
export interface Captures {
  start(netns: string | undefined, device: string): Promise<Capture>
  end(): void
}

/** How long a capture may take to start, in milliseconds: it starts a program, on a machine that may be busy. */
const PATIENCE = 20_000
/** How many bytes of a packet are captured: enough for its headers, within a tunnel too, and for the token of a ping. */
const SNAPLEN = 256
const MISSING = 'tcpdump is not installed: apt-get install tcpdump (dnf, apk and pacman call it tcpdump too)'
/**
 * Messages that mean that tcpdump cannot work at all: it cannot become an ordinary user, or it is missing (nsenter reports
 * that it cannot be executed when a folder of PATH cannot be read).
 */
const UNUSABLE = /tcpdump: (command )?(not found|No such file)|Couldn't change to|capng_|failed to execute/

/** libpcap's messages for an interface that is down, or was removed during the capture (pcap-linux.c). */
const ABSENT = /not up|disappeared/

/** Whether the message of a capture (`words`) means that the interface is down or does not exist any more. */
export const isAbsent = (words: string): boolean => ABSENT.test(words)

/**
 * Opens captures that end together. `start` begins one on an interface (`any`: on all) and returns when it is listening: with
 * tcpdump or, if that is unusable, with netlab itself. It throws an Error with the tool's message, or with how
 * to install it.
 */
export function openCaptures(host: Host): Captures {
  const children = new Set<Child>()
  let over = false
  const begin = (argv: readonly string[], netns: string | undefined): Promise<Capture> => {
    if (over) return Promise.reject(new Error('the captures have been ended'))
    const child = startTied(host, { argv, ...placeIn(netns) })
    children.add(child)
    return captureOf(host, child)
  }
  return {
    start: (netns, device) => startCapture(begin, netns, device, host.self),
    end() {
      over = true
      for (const child of children) endChild(host, child)
    },
  }
}

async function startCapture(
  begin: (argv: readonly string[], netns: string | undefined) => Promise<Capture>,
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
    return begin([...self, 'sniff', device, String(SNAPLEN)], netns).catch((own: Error) => {
      if (isAbsent(own.message)) throw own
      throw new Error(/not found|No such file|failed to execute/.test(said) ? MISSING : said)
    })
  }
}

function captureOf(host: Host, child: Child): Promise<Capture> {
  const packets: Packet[] = []
  let said = ''
  let ended: string | undefined
  const waiting = new Set<() => void>()
  const read = pcapReader((packet) => packets.push(packet))
  child.stdout.on('data', (piece: Buffer) => {
    read(piece)
    for (const look of waiting) look()
  })
  const capture: Capture = {
    packets,
    ended: () => ended,
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
  }
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      endChild(host, child)
      reject(new Error(`it did not begin within ${PATIENCE / 1000} s`))
    }, PATIENCE)
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (!said.includes('listening on')) return
      clearTimeout(late)
      resolve(capture)
    })
    child.once('error', reject)
    child.once('close', () => {
      clearTimeout(late)
      ended = said.trim()
      reject(new Error(ended))
    })
  })
}

import { createRequire } from 'node:module'
import type * as Koffi from 'koffi'

/** A packet as libpcap delivers it. */
export interface TappedPacket {
  /** Nanoseconds since 1970. */
  readonly time: bigint
  /** Its length on the wire, in bytes. */
  readonly length: number
  readonly bytes: Uint8Array
}

/** An interface that is being captured. */
export interface Tap {
  /** Becomes readable when there are packets. */
  readonly fd: number
  /** The type of the headers of its frames (pcap-linktype(7)). */
  readonly link: number
  /** The next packet, if there is one now. Throws an Error with libpcap's words when the interface has vanished. */
  readonly next: () => TappedPacket | undefined
  /** How many packets there have been, and how many of them were dropped because they came too fast. */
  readonly counts: () => { readonly received: number; readonly dropped: number }
  /** Closes it in another thread: the kernel takes long (src/backend/close-aside.ts). */
  readonly close: () => Promise<void>
}

/** How to capture. */
export interface TapOptions {
  /** As tcpdump takes it; empty: all packets. */
  readonly filter: string
  /** The most bytes that are kept of a packet. */
  readonly snaplen: number
  /** Bytes that the kernel keeps until they are read. */
  readonly room: number
}

/** libpcap refuses the filter. The message is in its words. */
export class FilterError extends Error {}

/** Opens an interface (`any`: all together) of the namespace that the thread is in. Throws an Error in libpcap's words, or a FilterError. */
export type OpenTap = (device: string, options: TapOptions) => Tap

/** The names of the library: Debian's own, and that of others. */
const LIBRARIES = ['libpcap.so.1', 'libpcap.so.0.8']
const [LINUX_SLL2, NANOSECONDS, ERROR] = [276, 1, 256]
/** struct pcap_pkthdr: seconds and (here) nanoseconds, the bytes captured, the length. */
const HEADER = 24
/** libpcap asks the kernel for too little room: of 60 bytes, measured, it delivers 58. */
const SLACK = 16
const UNKNOWN_NETMASK = 0xffff_ffff

/** Loads libpcap (pcap(3PCAP)) through koffi, which is at that path. Throws when it is not installed. */
export function loadPcap(path: string): OpenTap {
  const koffi = createRequire(__filename)(path) as typeof Koffi
  const library = firstOf(koffi)
  const number = (signature: string) => library.func(signature) as (...args: unknown[]) => number
  const create = library.func('void *pcap_create(str, void *)') as (...args: unknown[]) => unknown
  const setSnaplen = number('int pcap_set_snaplen(void *, int)')
  const setImmediate = number('int pcap_set_immediate_mode(void *, int)')
  const setPrecision = number('int pcap_set_tstamp_precision(void *, int)')
  const setPromiscuous = number('int pcap_set_promisc(void *, int)')
  const setRoom = number('int pcap_set_buffer_size(void *, int)')
  const activate = number('int pcap_activate(void *)')
  const setLink = number('int pcap_set_datalink(void *, int)')
  const setNonblocking = number('int pcap_setnonblock(void *, int, void *)')
  const compile = number('int pcap_compile(void *, void *, str, int, uint)')
  const setFilter = number('int pcap_setfilter(void *, void *)')
  const freeFilter = number('void pcap_freecode(void *)')
  const descriptor = number('int pcap_get_selectable_fd(void *)')
  const linkOf = number('int pcap_datalink(void *)')
  const next = number('int pcap_next_ex(void *, void *, void *)')
  const stats = number('int pcap_stats(void *, void *)')
  const close = library.func('void pcap_close(void *)')
  const errorOf = library.func('str pcap_geterr(void *)') as (handle: unknown) => string
  const statusText = library.func('str pcap_statustostr(int)') as (status: number) => string

  const failure = (handle: unknown, status: number): string => errorOf(handle) || statusText(status)

  function useFilter(handle: unknown, filter: string): void {
    const program = Buffer.alloc(16) // struct bpf_program
    if (compile(handle, program, filter, 1, UNKNOWN_NETMASK) < 0) throw new FilterError(errorOf(handle))
    const status = setFilter(handle, program)
    freeFilter(program)
    if (status < 0) throw new Error(failure(handle, status))
  }

  function open(device: string, handle: unknown, { filter, snaplen, room }: TapOptions): Tap {
    setSnaplen(handle, snaplen + SLACK)
    setImmediate(handle, 1)
    setPrecision(handle, NANOSECONDS)
    setPromiscuous(handle, device === 'any' ? 0 : 1)
    setRoom(handle, room)
    const status = activate(handle)
    if (status < 0) throw new Error(failure(handle, status))
    if (device === 'any') setLink(handle, LINUX_SLL2)
    if (filter !== '') useFilter(handle, filter)
    setNonblocking(handle, 1, Buffer.alloc(ERROR))
    const found = Buffer.alloc(16) // where pcap_next_ex puts the addresses of the header and of the packet
    const [header, packet] = [found.subarray(0, 8), found.subarray(8)]
    return {
      fd: descriptor(handle),
      link: linkOf(handle),
      next() {
        const result = next(handle, header, packet)
        if (result < 0) throw new Error(errorOf(handle))
        if (result === 0) return undefined
        const head = Buffer.from(koffi.view(found.readBigUInt64LE(0), HEADER))
        const kept = koffi.view(found.readBigUInt64LE(8), Math.min(snaplen, head.readUInt32LE(16)))
        return {
          time: head.readBigInt64LE(0) * 1_000_000_000n + head.readBigInt64LE(8),
          length: head.readUInt32LE(20),
          bytes: Buffer.from(Buffer.from(kept)), // a copy: the kernel uses the memory again
        }
      },
      counts() {
        const counts = Buffer.alloc(12) // struct pcap_stat
        stats(handle, counts)
        return { received: counts.readUInt32LE(0), dropped: counts.readUInt32LE(4) }
      },
      close: () => new Promise((done) => void close.async(handle, () => done())),
    }
  }

  return (device, options) => {
    const message = Buffer.alloc(ERROR)
    const handle = create(device, message)
    if (!handle) throw new Error(message.toString('utf8', 0, message.indexOf(0)))
    try {
      return open(device, handle, options)
    } catch (error) {
      close(handle)
      throw error
    }
  }
}

function firstOf(koffi: typeof Koffi): ReturnType<typeof Koffi.load> {
  for (const name of LIBRARIES) {
    try {
      return koffi.load(name)
    } catch {
      continue
    }
  }
  throw new Error('libpcap is not installed')
}

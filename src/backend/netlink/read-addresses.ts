import type { IpAddress, IpNeighbor } from '../../model/ip-address.ts'
import type { Dump, IpLink } from '../../model/runner.ts'
import { addressText, attributes, linkLayer, messages, string } from './answer.ts'
import type { Slice } from './message.ts'
import { IFA, NDA } from './attribute-numbers.ts'

/** if_addr.h */
const IFA_F = {
  secondary: 0x01,
  home: 0x10,
  deprecated: 0x20,
  permanent: 0x80,
  mngtmpaddr: 0x100,
  noprefixroute: 0x200,
  autojoin: 0x400,
} as const
/** Flags that ip names as they are called here. */
const NAMED = ['home', 'deprecated', 'mngtmpaddr', 'noprefixroute', 'autojoin'] as const
const ANY_NAMED = NAMED.reduce((bits, name) => bits | IFA_F[name], 0)
const FOREVER = 0xffffffff
/** neighbour.h */
const NUD_PERMANENT = 0x80
export const NTF_PROXY = 0x08
const NTF = { extern_learn: 0x10, router: 0x80 } as const
const NTF_EXT_MANAGED = 1
const [AF_INET, AF_INET6] = [2, 10]

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** What `ip -j -d -N addr show` prints, from the answer to RTM_GETADDR of all families. */
export function readAddresses(bytes: Buffer, answer: Slice, found: readonly IpLink[]): Dump['addresses'] {
  const byLink = new Map<number, { readonly name: string; readonly list: IpAddress[] }>(
    found.map(({ ifindex, ifname }) => [ifindex, { name: ifname, list: [] }]),
  )
  messages(bytes, answer, (_, at, end) => {
    const family = bytes[at]
    if (family !== AF_INET && family !== AF_INET6) return
    const link = byLink.get(bytes.readUInt32LE(at + 4))
    if (!link) return
    const four = family === AF_INET
    let set = bytes[at + 2] ?? 0
    let local: string | undefined
    let other: string | undefined
    let preferred = FOREVER
    const more: Writable<Partial<IpAddress>> = {}
    attributes(bytes, at + 8, end, (type, from, to) => {
      if (type === IFA.local) local = addressText(bytes, from, to)
      else if (type === IFA.address) other = addressText(bytes, from, to)
      else if (type === IFA.flags) set = bytes.readUInt32LE(from)
      else if (type === IFA.label) more.label = string(bytes, from, to)
      else if (type === IFA.broadcast) more.broadcast = addressText(bytes, from, to)
      else if (type === IFA.cacheinfo) preferred = bytes.readUInt32LE(from)
      else if (type === IFA.metric) more.metric = bytes.readUInt32LE(from)
      else if (type === IFA.proto) more.protocol = String(bytes[from])
    })
    const scope = bytes[at + 3]
    if (scope) more.scope = String(scope)
    if (set & ANY_NAMED) for (const name of NAMED) if (set & IFA_F[name]) more[name] = true
    if (set & IFA_F.secondary) more[four ? 'secondary' : 'temporary'] = true
    if (!(set & IFA_F.permanent)) more.dynamic = true
    if (preferred !== FOREVER) more.preferred_life_time = preferred
    link.list.push({
      family: four ? 'inet' : 'inet6',
      local: local ?? other ?? '',
      prefixlen: bytes[at + 1] ?? 0,
      ...(local !== undefined && other !== undefined && local !== other && { address: other }),
      ...more,
    })
  })
  return found.map(({ ifindex, ifname }) => ({ ifname, addr_info: byLink.get(ifindex)?.list ?? [] }))
}

/**
 * Of what `ip -j -N neigh show nud all` or `ip -j -N neigh show proxy` prints what lasts, from the answer to RTM_GETNEIGH of
 * all families.
 */
export function readNeighbors(bytes: Buffer, answer: Slice, nameOf: (index: number) => string): IpNeighbor[] {
  const result: IpNeighbor[] = []
  messages(bytes, answer, (_, at, end) => {
    const family = bytes[at]
    if (family !== AF_INET && family !== AF_INET6) return
    const set = bytes[at + 10] ?? 0
    const permanent = (bytes.readUInt16LE(at + 8) & NUD_PERMANENT) !== 0
    const proxy = (set & NTF_PROXY) !== 0
    let dst = ''
    let managed = false
    const more: Writable<Partial<IpNeighbor>> = {}
    attributes(bytes, at + 12, end, (type, from, to) => {
      if (type === NDA.dst) dst = addressText(bytes, from, to)
      else if (type === NDA.lladdr) more.lladdr = linkLayer(bytes, from, to, 0)
      else if (type === NDA.protocol) more.protocol = String(bytes[from])
      else if (type === NDA.flagsExt) managed = (bytes.readUInt32LE(from) & NTF_EXT_MANAGED) !== 0
    })
    if (!permanent && !proxy && !managed) return
    if (proxy) more.proxy = null
    else if (permanent) more.state = ['PERMANENT']
    if (managed) more.managed = null
    if (set & NTF.router) more.router = null
    if (set & NTF.extern_learn) more.extern_learn = null
    result.push({ dst, dev: nameOf(bytes.readInt32LE(at + 4)), ...more })
  })
  return result
}

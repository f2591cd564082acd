import { familyOf } from '../../model/cidr.ts'
import { addressBytes, attribute, flags, u8, type Attribute, type Message } from './message.ts'
import { choice, device, familyNumber, host, mac, NotUnderstood, parse, type Words } from './parse-words.ts'

const RTM = { newneigh: 28, delneigh: 29 } as const
const NDA = { dst: 1, lladdr: 2, protocol: 12 } as const
const NUD_PERMANENT = 0x80
const NTF = { proxy: 0x08, router: 0x80 } as const
/** rtnetlink.h, as rt_protos names them. */
const PROTOCOLS = { boot: 3, static: 4 } as const

/** `ip neigh add|replace|del [proxy] ADDRESS [lladdr MAC] dev X [nud permanent] [router] [protocol P]`; what follows `neigh`. */
export function neighborMessage(words: Words): Message {
  const verb = words.next()
  if (verb !== 'add' && verb !== 'replace' && verb !== 'del') throw new NotUnderstood()
  let set: number = words.skip('proxy') ? NTF.proxy : 0
  const to = host(words.next())
  const attributes: Attribute[] = [attribute(NDA.dst, addressBytes(to))]
  let dev: string | undefined
  parse(words, {
    dev: (rest) => void (dev = device(rest.next())),
    lladdr: (rest) => void attributes.push(attribute(NDA.lladdr, mac(rest.next()))),
    nud: (rest) => {
      if (rest.next() !== 'permanent') throw new NotUnderstood()
    },
    router: () => void (set |= NTF.router),
    protocol: (rest) => void attributes.push(attribute(NDA.protocol, u8(choice(PROTOCOLS, rest.next())))),
  })
  if (dev === undefined) throw new NotUnderstood()
  return {
    type: verb === 'del' ? RTM.delneigh : RTM.newneigh,
    flags: verb === 'del' ? 0 : flags.create | (verb === 'add' ? flags.excl : flags.replace),
    // ndmsg: family, two of padding, index (4), state (8), flags, type
    header: Uint8Array.of(familyNumber(familyOf(to)), 0, 0, 0, 0, 0, 0, 0, NUD_PERMANENT, 0, set, 0),
    device: { name: dev, at: 4 },
    attributes,
  }
}

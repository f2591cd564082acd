import { familyOf } from '../../model/cidr.ts'
import { addressBytes, attribute, flags, type Attribute, type Message } from '../../backend/netlink/message.ts'
import { device, familyNumber, host, mac, NotUnderstood, parse, type Words } from './words.ts'

const RTM = { newneigh: 28, delneigh: 29 } as const
const NDA = { dst: 1, lladdr: 2 } as const
const NUD_PERMANENT = 0x80

/** `ip neigh add|replace|del ADDRESS [lladdr MAC] dev X [nud permanent]`; what follows `neigh`. */
export function neighborMessage(words: Words): Message {
  const verb = words.next()
  if (verb !== 'add' && verb !== 'replace' && verb !== 'del') throw new NotUnderstood()
  const to = host(words.next())
  const attributes: Attribute[] = [attribute(NDA.dst, addressBytes(to))]
  let dev: string | undefined
  parse(words, {
    dev: (rest) => void (dev = device(rest.next())),
    lladdr: (rest) => void attributes.push(attribute(NDA.lladdr, mac(rest.next()))),
    nud: (rest) => {
      if (rest.next() !== 'permanent') throw new NotUnderstood()
    },
  })
  if (dev === undefined) throw new NotUnderstood()
  return {
    type: verb === 'del' ? RTM.delneigh : RTM.newneigh,
    flags: verb === 'del' ? 0 : flags.create | (verb === 'add' ? flags.excl : flags.replace),
    // ndmsg: family, two of padding, index (4), state (8), flags, type
    header: Uint8Array.of(familyNumber(familyOf(to)), 0, 0, 0, 0, 0, 0, 0, NUD_PERMANENT, 0, 0, 0),
    device: { name: dev, at: 4 },
    attributes,
  }
}

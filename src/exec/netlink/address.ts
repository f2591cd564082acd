import { addressBytes, attribute, flags, u32, type Message } from '../../backend/netlink/message.ts'
import { device, familyNumber, NotUnderstood, number, parse, prefix, type Words } from './words.ts'

const RTM = { newaddr: 20, deladdr: 21 } as const
const IFA = { address: 1, local: 2, metric: 9 } as const
const IFA_F_NODAD = 2
const RT_SCOPE_HOST = 254

/** `ip addr add|del ADDRESS dev X [nodad] [metric N]`; what follows `addr`. */
export function addressMessage(words: Words): Message {
  const verb = words.next()
  if (verb !== 'add' && verb !== 'del') throw new NotUnderstood()
  const adds = verb === 'add'
  const word = words.next()
  const cidr = prefix(word)
  // Without a prefix length, `ip addr del` deletes by another rule.
  if (!adds && !word.includes('/')) throw new NotUnderstood()
  let dev: string | undefined
  let nodad = 0
  let metric: number | undefined
  parse(words, {
    dev: (rest) => void (dev = device(rest.next())),
    nodad: () => void (nodad = IFA_F_NODAD),
    metric: (rest) => void (metric = number(rest.next())),
  })
  if (dev === undefined) throw new NotUnderstood()
  const bytes = addressBytes(cidr.address)
  const scope = adds && cidr.family === 4 && bytes[0] === 127 ? RT_SCOPE_HOST : 0
  return {
    type: adds ? RTM.newaddr : RTM.deladdr,
    flags: adds ? flags.create | flags.excl : 0,
    // ifaddrmsg: family, prefix length, flags, scope, index
    header: Uint8Array.of(familyNumber(cidr.family), cidr.prefix, nodad, scope, 0, 0, 0, 0),
    device: { name: dev, at: 4 },
    attributes: [
      attribute(IFA.local, bytes),
      attribute(IFA.address, bytes),
      ...(metric === undefined ? [] : [attribute(IFA.metric, u32(metric))]),
    ],
  }
}

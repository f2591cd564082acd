import { addressBytes, attribute, flags, text, u32, type Attribute, type Message } from './message.ts'
import { choice, device, familyNumber, host, NotUnderstood, number, parse, prefix, type Words } from './parse-words.ts'

const RTM = { newaddr: 20, deladdr: 21 } as const
const IFA = { address: 1, local: 2, label: 3, broadcast: 4, cacheinfo: 6, flags: 8, metric: 9 } as const
/** if_addr.h, as ip-address(8) calls them. */
const IFA_F = { nodad: 0x02, home: 0x10, mngtmpaddr: 0x100, noprefixroute: 0x200 } as const
const SCOPES = { global: 0, site: 200, link: 253, host: 254 } as const
const FOREVER = 0xffffffff

/** `ip addr add|replace|del ADDRESS [peer ADDRESS] dev X …`; what follows `addr`. */
export function addressMessage(words: Words): Message {
  const verb = words.next()
  if (verb !== 'add' && verb !== 'del' && verb !== 'replace') throw new NotUnderstood()
  const word = words.next()
  const local = prefix(word)
  let cidr = local
  let known = word.includes('/')
  let dev: string | undefined
  let set = 0
  const bytes = addressBytes(local.address)
  let scope: number = verb !== 'del' && local.family === 4 && bytes[0] === 127 ? SCOPES.host : 0
  const more: Attribute[] = []
  let label: string | undefined
  const only = (family: 4 | 6): void => {
    if (local.family !== family) throw new NotUnderstood()
  }
  const flag = (bit: number, family?: 4 | 6) => () => {
    if (family) only(family)
    set |= bit
  }
  parse(words, {
    dev: (rest) => void (dev = device(rest.next())),
    peer: (rest) => {
      const other = rest.next()
      cidr = prefix(other)
      // Which prefix length counts where the other end has none, iproute2 decides.
      if (known || !other.includes('/') || cidr.family !== local.family) throw new NotUnderstood()
      known = true
    },
    scope: (rest) => void (scope = choice(SCOPES, rest.next())),
    label: (rest) => {
      only(4)
      label = rest.next()
      more.push(text(IFA.label, label))
    },
    broadcast: (rest) => {
      only(4)
      more.push(attribute(IFA.broadcast, addressBytes(host(rest.next()))))
    },
    metric: (rest) => void more.push(attribute(IFA.metric, u32(number(rest.next())))),
    // ifa_cacheinfo: preferred, valid, and two times that are the kernel's.
    preferred_lft: (rest) =>
      void more.push(
        attribute(IFA.cacheinfo, Uint8Array.of(...u32(number(rest.next())), ...u32(FOREVER), ...new Uint8Array(8))),
      ),
    noprefixroute: flag(IFA_F.noprefixroute),
    nodad: flag(IFA_F.nodad, 6),
    home: flag(IFA_F.home, 6),
    mngtmpaddr: flag(IFA_F.mngtmpaddr, 6),
  })
  // Without a prefix length, `ip addr del` deletes by another rule.
  if (dev === undefined || (verb === 'del' && !known)) throw new NotUnderstood()
  if (label !== undefined && (!label.startsWith(dev) || label.length > 15)) throw new NotUnderstood()
  if (set > 0xff) more.push(attribute(IFA.flags, u32(set)))
  return {
    type: verb === 'del' ? RTM.deladdr : RTM.newaddr,
    flags: verb === 'del' ? 0 : flags.create | (verb === 'add' ? flags.excl : flags.replace),
    // ifaddrmsg: family, prefix length, flags, scope, index
    header: Uint8Array.of(familyNumber(cidr.family), cidr.prefix, set & 0xff, scope, 0, 0, 0, 0),
    device: { name: dev, at: 4 },
    attributes: [attribute(IFA.local, bytes), attribute(IFA.address, addressBytes(cidr.address)), ...more],
  }
}

import {
  addressBytes,
  attribute,
  be16,
  flags,
  nest,
  text,
  u16,
  u32,
  u8,
  type Attribute,
  type Message,
} from './message.ts'
import { familyOf } from '../../model/cidr.ts'
import { bridge, port } from './link-bridge.ts'
import {
  choice,
  device,
  host,
  mac,
  namespaceName,
  NotUnderstood,
  number,
  onOff,
  parse,
  type Words,
} from './parse-words.ts'

const RTM = { newlink: 16, dellink: 17 } as const
/** if_link.h */
const IFLA = {
  address: 1,
  ifname: 3,
  mtu: 4,
  link: 5,
  master: 10,
  txqlen: 13,
  linkinfo: 18,
  ifalias: 20,
  group: 27,
  netNsFd: 28,
} as const
const INFO = { kind: 1, data: 2, slaveKind: 4, slaveData: 5 } as const
const VETH_INFO_PEER = 1
/** net/if.h */
const IFF = { up: 1, noarp: 0x80, promisc: 0x100, allmulti: 0x200, multicast: 0x1000 } as const

/** ifinfomsg: family, type, index (4), flags (8), which flags change (12). */
const info = (set = 0, change = 0): Uint8Array => {
  const bytes = new Uint8Array(16)
  bytes.set(u32(set), 8)
  bytes.set(u32(change), 12)
  return bytes
}

/** `ip link add …`, `ip link set dev X …`, `ip link del dev X`, `ip link del group N`; what follows `link`. */
export function linkMessage(words: Words): Message {
  switch (words.next()) {
    case 'add':
      return add(words)
    case 'set':
      return set(words)
    case 'del':
      return del(words)
    default:
      throw new NotUnderstood()
  }
}

function del(words: Words): Message {
  if (words.skip('group')) {
    const group = u32(number(words.next(), 0x7fffffff))
    if (words.more()) throw new NotUnderstood()
    return { type: RTM.dellink, flags: 0, header: info(), attributes: [attribute(IFLA.group, group)] }
  }
  if (!words.skip('dev')) throw new NotUnderstood()
  const name = device(words.next())
  if (words.more()) throw new NotUnderstood()
  return { type: RTM.dellink, flags: 0, header: info(), device: { name, at: 4 }, attributes: [] }
}

/** What `link add` takes before `type` and, for a veth's other end, after `peer`: the type, and whether it is up at once. */
function describe(words: Words, attributes: Attribute[]): { type?: string; up: boolean } {
  let type: string | undefined
  let named = false
  let up = false
  while (words.more() && type === undefined) {
    const word = words.next()
    if (word === 'name') {
      attributes.push(text(IFLA.ifname, device(words.next())))
      named = true
    } else if (word === 'address') attributes.push(attribute(IFLA.address, mac(words.next())))
    else if (word === 'mtu') attributes.push(attribute(IFLA.mtu, u32(number(words.next()))))
    else if (word === 'group') attributes.push(attribute(IFLA.group, u32(number(words.next(), 0x7fffffff))))
    else if (word === 'netns') attributes.push({ type: IFLA.netNsFd, netns: namespaceName(words.next()) })
    else if (word === 'link') attributes.push({ type: IFLA.link, device: device(words.next()) })
    else if (word === 'up') up = true
    else if (word === 'type') type = words.next()
    else throw new NotUnderstood()
  }
  if (!named) throw new NotUnderstood()
  return { ...(type !== undefined && { type }), up }
}

function add(words: Words): Message {
  const attributes: Attribute[] = []
  const { type, up } = describe(words, attributes)
  if (type === undefined) throw new NotUnderstood()
  const data = Object.hasOwn(types, type) ? types[type]?.(words) : undefined
  if (!data || words.more()) throw new NotUnderstood()
  const linkinfo = [attribute(INFO.kind, Buffer.from(type)), ...(data.length ? [nest(INFO.data, data)] : [])]
  return {
    type: RTM.newlink,
    flags: flags.create | flags.excl,
    header: up ? info(IFF.up, IFF.up) : info(),
    attributes: [...attributes, nest(IFLA.linkinfo, linkinfo)],
  }
}

function set(words: Words): Message {
  if (!words.skip('dev')) throw new NotUnderstood()
  const name = device(words.next())
  const attributes: Attribute[] = []
  let on = 0
  let change = 0
  const flag = (bit: number, value: boolean): void => {
    change |= bit
    on = value ? on | bit : on & ~bit
  }
  const seen = new Set<string>()
  const once = (word: string, add: (words: Words) => void) => (rest: Words) => {
    if (seen.has(word)) throw new NotUnderstood()
    seen.add(word)
    add(rest)
  }
  const push = (type: number, bytes: Uint8Array): void => void attributes.push(attribute(type, bytes))
  parse(words, {
    up: once('up', () => flag(IFF.up, true)),
    down: once('up', () => flag(IFF.up, false)),
    arp: once('arp', (rest) => flag(IFF.noarp, !onOff(rest))),
    promisc: once('promisc', (rest) => flag(IFF.promisc, onOff(rest))),
    multicast: once('multicast', (rest) => flag(IFF.multicast, onOff(rest))),
    allmulticast: once('allmulticast', (rest) => flag(IFF.allmulti, onOff(rest))),
    mtu: once('mtu', (rest) => push(IFLA.mtu, u32(number(rest.next())))),
    address: once('address', (rest) => push(IFLA.address, mac(rest.next()))),
    txqueuelen: once('txqueuelen', (rest) => push(IFLA.txqlen, u32(number(rest.next(), 0x7fffffff)))),
    group: once('group', (rest) => push(IFLA.group, u32(number(rest.next(), 0x7fffffff)))),
    alias: once('alias', (rest) => push(IFLA.ifalias, alias(rest.next()))),
    master: once('master', (rest) => void attributes.push({ type: IFLA.master, device: device(rest.next()) })),
    nomaster: once('master', () => push(IFLA.master, u32(0))),
    type: once('type', (rest) => {
      const type = rest.next()
      // Other types cannot be changed, or only by giving all of their settings again.
      const [kind, data] = type === 'bridge_slave' ? [INFO.slaveKind, INFO.slaveData] : [INFO.kind, INFO.data]
      if (!type.startsWith('bridge') || seen.size > 1) throw new NotUnderstood()
      const words = type === 'bridge' ? bridge(rest) : port(rest)
      attributes.push(nest(IFLA.linkinfo, [attribute(kind, Buffer.from('bridge')), nest(data, words)]))
    }),
  })
  if (seen.size === 0) throw new NotUnderstood()
  return { type: RTM.newlink, flags: 0, header: info(on, change), device: { name, at: 4 }, attributes }
}

/** Without the zero at its end, as iproute2 sends it; an empty one takes the alias away. */
function alias(value: string): Uint8Array {
  const bytes = Buffer.from(value)
  if (bytes.length > 255 || bytes.includes(0)) throw new NotUnderstood()
  return bytes
}

/** The attributes of words that stand for one number each. */
function numbers(words: Words, table: Readonly<Record<string, readonly [number, (n: number) => Uint8Array, number]>>) {
  const result: Attribute[] = []
  while (words.more()) {
    const [type, bytes, most] = choice(table, words.next())
    result.push(attribute(type, bytes(number(words.next(), most))))
  }
  return result
}

/** IFLA_VXLAN_* */
function vxlan(words: Words): Attribute[] {
  const result: Attribute[] = []
  let learning = 1
  let id = false
  const push = (type: number, bytes: Uint8Array): void => void result.push(attribute(type, bytes))
  const address = (type4: number, type6: number, multicast?: boolean) => (rest: Words) => {
    const ip = host(rest.next())
    const first = addressBytes(ip)[0] ?? 0
    const isMulticast = familyOf(ip) === 4 ? first >= 224 && first < 240 : first === 255
    if (isMulticast !== (multicast ?? false)) throw new NotUnderstood()
    push(familyOf(ip) === 4 ? type4 : type6, addressBytes(ip))
  }
  parse(words, {
    id: (rest) => {
      push(1, u32(number(rest.next(), 0xffffff)))
      id = true
    },
    remote: address(2, 16),
    group: address(2, 16, true),
    local: address(4, 17),
    dev: (rest) => void result.push({ type: 3, device: device(rest.next()) }),
    ttl: (rest) => push(5, u8(number(rest.next(), 255))),
    dstport: (rest) => push(15, be16(number(rest.next(), 65535))),
    learning: () => void (learning = 1),
    nolearning: () => void (learning = 0),
  })
  if (!id) throw new NotUnderstood()
  return [...result, attribute(7, u8(learning))]
}

/** IFLA_MACVLAN_MODE */
function macvlan(words: Words): Attribute[] {
  if (!words.more()) return []
  if (!words.skip('mode')) throw new NotUnderstood()
  return [attribute(1, u32(choice({ private: 1, vepa: 2, bridge: 4, passthru: 8 }, words.next())))]
}

/** VETH_INFO_PEER holds what a message of its own would. */
function veth(words: Words): Attribute[] {
  if (!words.skip('peer')) throw new NotUnderstood()
  const attributes: Attribute[] = []
  const { type, up } = describe(words, attributes)
  if (type !== undefined || up) throw new NotUnderstood()
  return [{ type: VETH_INFO_PEER, header: info(), attributes }]
}

/** The types of interface whose words are known, and what goes into IFLA_INFO_DATA for them. */
const types: Readonly<Record<string, (words: Words) => Attribute[]>> = {
  bridge,
  vxlan,
  macvlan,
  veth,
  dummy: () => [],
  ifb: () => [],
  vlan: (words) => vlan(words),
  ipvlan: (words) => ipvlan(words),
  vrf: (words) => numbers(words, { table: [1, u32, 0xffffffff] }),
}

const ETH_P = { '802.1Q': 0x8100, '802.1ad': 0x88a8 } as const

/** IFLA_VLAN_* */
function vlan(words: Words): Attribute[] {
  const result: Attribute[] = []
  parse(words, {
    id: (rest) => void result.push(attribute(1, u16(number(rest.next(), 4095)))),
    protocol: (rest) => void result.push(attribute(5, be16(choice(ETH_P, rest.next())))),
  })
  return result
}

/** IFLA_IPVLAN_*; iproute2 always sends the flags. */
function ipvlan(words: Words): Attribute[] {
  const result: Attribute[] = []
  let how = 0
  parse(words, {
    mode: (rest) => void result.push(attribute(1, u16(choice({ l2: 0, l3: 1, l3s: 2 }, rest.next())))),
    bridge: () => void (how = 0),
    private: () => void (how = 1),
    vepa: () => void (how = 2),
  })
  return [...result, attribute(2, u16(how))]
}

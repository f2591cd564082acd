import { canonicalAddress, familyOf, isMulticast } from '../../model/cidr.ts'
import type { Field, LinkAttribute, LinkSpec, LinkType } from '../../model/link-type.ts'
import { be16, be32, ipAddress, present, toggled, u16, u32, u8 } from './attributes.ts'

export const FIXED = 'the kernel takes it only when the device is made'

/** A tunnel that carries packets without Ethernet headers. */
export const layer3 = { layer3: true, multicast: false, noMac: () => true, noArp: true } as const

/** Which of these fields cannot be set with `external`, and why; undefined when none of them is. */
export function saidByRoutes(fields: Readonly<Record<string, unknown>>): ReturnType<NonNullable<LinkType['wrong']>> {
  const [name] = Object.entries(fields).find(([, value]) => value !== undefined) ?? []
  return name === undefined ? undefined : [name, 'with external, routes say this of each packet']
}

/** What the flags of a tunnel over IPv4 follow from (ip_tunnel_changelink in net/ipv4/ip_tunnel.c). */
const sort = (remote: unknown): string => (remote === 'any' ? 'no' : isMulticast(String(remote)) ? 'a multicast' : 'a')

/** An address at an end of a tunnel, or `any`; `number`: its attribute. */
export const endOfTunnel = (family: 4 | 6, number: number | undefined, description: string): Field => ({
  ...(number !== undefined && { attribute: ipAddress(number, family === 6 ? { number6: number } : {}) }),
  schema: { type: 'string', description: `${description} Default: any.` },
  normal: (value) => (value === 'any' ? value : canonicalAddress(String(value))),
  wrong: (value) => {
    const text = value === 'any' ? undefined : canonicalAddress(String(value))
    return value === 'any' || (text !== undefined && familyOf(text) === family)
      ? undefined
      : `"${String(value)}" is not an IPv${family} address`
  },
  fallback: 'any',
})

/** The ends of a tunnel over IPv4; `moves`: a living one takes any other end. */
export const ends4 = (remote: number, local: number, moves = false): Record<'remote' | 'local', Field> => ({
  remote: {
    ...endOfTunnel(4, remote, 'IPv4 address of the other end, or a multicast address for several.'),
    ...(!moves && {
      forces: (from, to) =>
        sort(from) === sort(to) && !sort(to).includes('multicast')
          ? undefined
          : `a living tunnel with ${sort(from)} remote address cannot get ${sort(to)} one`,
    }),
  },
  local: {
    ...endOfTunnel(4, local, 'IPv4 address of this end.'),
    wrong: (value) =>
      endOfTunnel(4, local, '').wrong?.(value) ??
      (isMulticast(String(value)) ? `${String(value)} is not an address of one host` : undefined),
  },
})

/** The ends of a tunnel over IPv6. */
export const ends6 = (remote?: number, local?: number): Record<'remote' | 'local', Field> => ({
  remote: endOfTunnel(6, remote, 'IPv6 address of the other end.'),
  local: endOfTunnel(6, local, 'IPv6 address of this end.'),
})

export const ttl = (number: number): Field => ({
  attribute: u8(number),
  schema: { type: 'integer', minimum: 0, maximum: 255, description: 'TTL of the outer packets; 0: that of the inner packet. Default: 0.' }, // prettier-ignore
  fallback: 0,
})

/** A number that iproute2 takes for hexadecimal, and prints so, or not at all when it is 0. */
export const hexadecimal = (
  name: string,
  description: string,
  maximum: number,
  attribute?: LinkAttribute,
  word = name,
): Field => ({
  ...(attribute && { attribute: { ...attribute, print: 'hex or nothing' } }),
  schema: { type: 'integer', minimum: 0, maximum, description: `${description} Default: 0.` },
  words: (v) => [word, `0x${Number(v).toString(16)}`],
  read: ({ [name]: value }) => Number(value ?? 0),
  fallback: 0,
})
export const tos = (number: number): Field =>
  hexadecimal('tos', 'Type of service of the outer packets; 1: that of the inner packet.', 255, u8(number))
export const fwmark = (number?: number): Field =>
  hexadecimal('fwmark', 'Mark of the outer packets, for routing.', 0xffffffff, number === undefined ? undefined : u32(number)) // prettier-ignore

/** A boolean whose words are the name, and the name after `no`. */
export const toggle = (word: string, description: string, attribute?: LinkAttribute, fallback = false): Field => ({
  ...(attribute && { attribute }),
  schema: { type: 'boolean', description: `${description} Default: ${fallback}.` },
  words: (v) => [v === true ? word : `no${word}`],
  fallback,
})

export const pmtudisc = (number: number): Field =>
  toggle(
    'pmtudisc',
    'Whether the outer packets carry the don’t-fragment bit (path MTU discovery).',
    toggled(number),
    true,
  )

const SAYS = 'the destination of each packet (`encap ip`). A namespace can have one such tunnel of each type.'
/** `says`: what routes and filters say with it. */
export const external = (number?: number, says = SAYS): Field => ({
  ...(number !== undefined && { attribute: present(number) }),
  schema: { type: 'boolean', description: `Whether routes and filters set ${says} Default: false.` },
  words: (v) => (v === true ? ['external'] : []),
  read: ({ external }) => external === true,
  fallback: false,
  forces: FIXED,
})

/** Bits of IFLA_GRE_IFLAGS and IFLA_GRE_OFLAGS (if_tunnel.h). */
const [CSUM, KEY, SEQ] = [0x8000, 0x2000, 0x1000]
const KEYS = 0xffffffff
const short = (type: string, standsFor: readonly [string, string], more: object = {}): Field => ({
  schema: { type, ...more, description: `Short for \`${standsFor[0]}\` and \`${standsFor[1]}\`.` },
  apart: true,
  standsFor,
})
const keyText = (text: unknown): number | undefined =>
  typeof text === 'string' ? text.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0) : undefined

/** `flags`: the number of the attribute of which a bit says that there is a key; without one, 0 is none. */
const keyOf = (word: string, description: string, number?: number, flags?: number): Field => ({
  ...(number !== undefined && {
    attribute: be32(number, flags === undefined ? { print: 'dotted or nothing' } : { print: 'dotted', with: { number: flags, as: 'be16', bit: KEY } }), // prettier-ignore
  }),
  schema: { type: 'integer', minimum: 0, maximum: KEYS, description: `${description} Default: none.` },
  words: (v) => (v === 'none' ? [`no${word}`] : [word, String(v)]),
  read: ({ [word]: text }) => keyText(text),
  fallback: 'none',
})

/** `key`, `ikey` and `okey`; the numbers of their attributes, and of those of flags. */
export const keys = (ikey?: number, okey?: number, iflags?: number, oflags?: number): Record<string, Field> => ({
  key: short('integer', ['ikey', 'okey'], { minimum: 0, maximum: KEYS }),
  ikey: keyOf('ikey', 'Key that received packets must have.', ikey, iflags),
  okey: keyOf('okey', 'Key of sent packets.', okey, oflags),
})

/** Keys, checksums and sequence numbers of GRE; `direct`: by attributes. */
export const greFields = (direct: boolean): Record<string, Field> => {
  const bit = (flags: number, bit: number) => (direct ? be16(flags, { bit, print: 'true' }) : undefined)
  return {
    ...(direct ? keys(4, 5, 2, 3) : keys()),
    csum: short('boolean', ['icsum', 'ocsum']),
    icsum: toggle('icsum', 'Whether received packets must have a checksum.', bit(2, CSUM)),
    ocsum: toggle('ocsum', 'Whether sent packets have a checksum.', bit(3, CSUM)),
    seq: short('boolean', ['iseq', 'oseq']),
    iseq: toggle('iseq', 'Whether received packets must have sequence numbers in ascending order.', bit(2, SEQ)),
    oseq: toggle('oseq', 'Whether sent packets have sequence numbers.', bit(3, SEQ)),
  }
}

/** Bytes of the header of GRE (gre_calc_hlen in include/net/gre.h). */
export const greBytes = ({ okey, ocsum, oseq }: Readonly<Record<string, unknown>>): number =>
  4 + 4 * [okey !== undefined, ocsum, oseq].filter(Boolean).length

/** Bytes of the UDP header, and of GUE's own (include/net/gue.h). */
export const encapBytes = ({ encap }: Readonly<Record<string, unknown>>): number => (encap === 'gue' ? 12 : encap === 'fou' ? 8 : 0) // prettier-ignore

const within = (name: string): Pick<Field, 'read'> => ({
  read: ({ encap }) => (encap as Record<string, unknown> | undefined)?.[name],
})
const inUdp = { only: { field: 'encap', values: ['fou', 'gue'] } } as const
/**
 * `encap` and what belongs to it; `first`: the number of the first of the four attributes, without which `ip` sets and reads them.
 * Over IPv6, `ip` asks for checksums if nothing is said of them.
 */
export const encap = (first?: number): Record<string, Field> => {
  const under = { under: 'encap' } as const
  const port = (name: string, at: number, description: string): Field => ({
    ...(first !== undefined && { attribute: be16(first + at, under) }),
    ...{ json: name, ...within(name), ...inUdp, fallback: 0 },
    schema: { type: 'integer', minimum: 0, maximum: 65535, description },
    words: (v) => [`encap-${name}`, v === 0 && name === 'sport' ? 'auto' : String(v)],
  })
  const flag = (name: string, bit: number, description: string, word = name, fallback = false): Field => ({
    ...toggle(
      `encap-${word}`,
      description,
      first === undefined ? undefined : u16(first + 1, { bit, print: 'boolean', ...under }),
      fallback,
    ),
    ...{ json: name, ...within(name), ...inUdp },
  })
  return {
    encap: {
      ...(first !== undefined && {
        attribute: u16(first, { words: { none: 0, fou: 1, gue: 2 }, print: 'or nothing', ...under }),
      }),
      json: 'type',
      schema: { enum: ['none', 'fou', 'gue'], description: 'Encapsulation in UDP: without a header (fou), or with one (gue). Default: none.' }, // prettier-ignore
      fallback: 'none',
      ...within('type'),
    },
    encap_sport: port('sport', 2, 'UDP source port of `encap`; 0: a port for each flow. Default: 0.'),
    encap_dport: port('dport', 3, 'UDP destination port of `encap`.'),
    encap_csum: flag('csum', 1, 'Over IPv4: whether packets of `encap` have UDP checksums.'),
    encap_csum6: flag(
      'csum6',
      2,
      'Over IPv6: whether packets of `encap` have UDP checksums.',
      'udp6-csum',
      first === undefined,
    ),
    encap_remcsum: flag('remcsum', 4, 'Whether the other end completes inner checksums (gue remote checksum offload).'),
  }
}
/** What `ip` must be given with every change of another field: iproute2 6.1 swaps the bytes of ports that it is not given. */
export const encapFields = Object.keys(encap())

/** What a tunnel over IPv4 cannot be. */
const wrongTunnel =
  (type: string): NonNullable<LinkType['wrong']> =>
  ({ ignore_df, pmtudisc, ttl, local, remote, ikey, link, external, encap, encap_dport, ...spec }) => {
    if (external === true) return saidByRoutes({ remote, local, ikey, okey: spec['okey'], encap })
    if (ignore_df === true && pmtudisc !== false) return ['ignore_df', 'ignore_df needs pmtudisc: false']
    if (pmtudisc === false && ttl !== undefined)
      return ['pmtudisc', 'the kernel takes pmtudisc: false only with ttl: 0']
    if (typeof remote === 'string' && isMulticast(remote) && local === undefined)
      return ['remote', 'a multicast remote address needs local']
    if (encap !== undefined && encap_dport === undefined) return ['encap', 'encap needs encap_dport']
    return likeKernels(type, { remote, local, ikey, link })
  }

/** Why a tunnel without ends, a key and a lower device is refused: such is the device of the kernel's own (fallbacks.ts). */
export const likeKernels = (
  type: string,
  { remote, local, ikey, link }: Readonly<Record<string, unknown>>,
): ReturnType<NonNullable<LinkType['wrong']>> =>
  [remote, local, ikey, link].every((value) => value === undefined)
    ? ['type', `a ${type} needs remote, local, key or link: the kernel’s own has none of them`]
    : undefined

/** What tunnels over IPv4 have in common; `header`: bytes between the outer IP header and what is carried, without `encap`. */
export const overIpv4 = (name: string, header: (spec: LinkSpec) => number = () => 0) =>
  ({
    name,
    lower: 'optional',
    lowerAttribute: 1,
    tunnel: true,
    setWith: encapFields,
    wrong: wrongTunnel(name),
    requires: ({ encap }) => [name, ...(encap === undefined ? [] : ['fou'])],
    mtu: (lower = 1500, spec) => lower - 20 - header(spec) - encapBytes(spec),
    byType: true,
  }) satisfies Partial<LinkType>

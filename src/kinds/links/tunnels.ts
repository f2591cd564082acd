import { canonicalAddress, familyOf } from '../../model/cidr.ts'
import type { Field, LinkAttribute, LinkType } from '../../model/link-type.ts'
import { be16, be32, ipAddress, present, toggled, u16, u32, u8 } from './attributes.ts'

export const FIXED = 'the kernel takes it only when the device is made'

/** A tunnel that carries packets without Ethernet headers. */
export const layer3 = { layer3: true, multicast: false, noMac: () => true, noArp: true } as const

export const isGroup = (text: string): boolean => (familyOf(text) === 4 ? Number.parseInt(text, 10) >> 4 === 14 : /^ff/.test(text)) // prettier-ignore
/** What the flags of a tunnel over IPv4 follow from (ip_tunnel_changelink in net/ipv4/ip_tunnel.c). */
const sort = (remote: unknown): string => (remote === 'any' ? 'no' : isGroup(String(remote)) ? 'a multicast' : 'a')

/** An address at an end of a tunnel, or `any`; `number`: its attribute. */
export const endOfTunnel = (family: 4 | 6, number: number | undefined, description: string): Field => ({
  ...(number !== undefined && { attribute: ipAddress(number, family === 6 ? { number6: number } : {}) }),
  schema: { type: 'string', description: `${description} Default: any.` },
  normal: (value) => (value === 'any' ? value : canonicalAddress(String(value))),
  wrong: (value) => {
    const text = value === 'any' ? undefined : canonicalAddress(String(value))
    return value === 'any' || (text !== undefined && familyOf(text) === family)
      ? undefined
      : `"${String(value)}" is no IPv${family} address`
  },
  fallback: 'any',
})

/** The ends of a tunnel over IPv4; `moves`: a living one takes any other end. */
export const ends4 = (remote: number, local: number, moves = false): Record<'remote' | 'local', Field> => ({
  remote: {
    ...endOfTunnel(4, remote, 'IPv4 address of the other end; a multicast address for many.'),
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
      (isGroup(String(value)) ? `${String(value)} is no address of one host` : undefined),
  },
})

export const ends6: Record<'remote' | 'local', Field> = {
  remote: endOfTunnel(6, undefined, 'IPv6 address of the other end.'),
  local: endOfTunnel(6, undefined, 'IPv6 address of this end.'),
}

const byte = (description: string, attribute: LinkAttribute, more: Partial<Field> = {}): Field => ({
  attribute,
  schema: { type: 'integer', minimum: 0, maximum: 255, description: `${description} Default: 0.` },
  fallback: 0,
  ...more,
})
export const ttl = (number: number, description = 'TTL of the outer packets; 0: that of the inner ones.'): Field => byte(description, u8(number)) // prettier-ignore
export const tos = (number: number): Field =>
  byte('Type of service of the outer packets; 1: that of the inner ones.', u8(number, { print: 'hex or nothing' }), {
    words: (v) => ['tos', `0x${Number(v).toString(16)}`], // iproute2 takes any number for hexadecimal
    read: ({ tos }) => Number(tos ?? 0),
  })

/** A boolean whose words are the name, and the name after `no`. */
export const toggle = (word: string, description: string, attribute?: LinkAttribute, fallback = false): Field => ({
  ...(attribute && { attribute }),
  schema: { type: 'boolean', description: `${description} Default: ${fallback}.` },
  words: (v) => [v === true ? word : `no${word}`],
  fallback,
})

export const pmtudisc = (number: number): Field =>
  toggle('pmtudisc', 'Whether the outer packets must not be fragmented.', toggled(number), true)

/** A mark of packets, as the kernel prints it: hexadecimal, or not at all. */
export const fwmark = (number?: number): Field => ({
  ...(number !== undefined && { attribute: u32(number, { print: 'hex or nothing' }) }),
  schema: { type: 'integer', minimum: 0, maximum: 0xffffffff, description: 'Mark by which the outer packets are routed. Default: 0.' }, // prettier-ignore
  words: (v) => ['fwmark', `0x${Number(v).toString(16)}`],
  read: ({ fwmark }) => Number(fwmark ?? 0),
  fallback: 0,
})

export const external = (number?: number): Field => ({
  ...(number !== undefined && { attribute: present(number) }),
  schema: { type: 'boolean', description: 'Whether routes and filters say where each packet goes (`encap ip`). One of a type in a namespace. Default: false.' }, // prettier-ignore
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
    attribute: be32(number, { print: 'dotted', ...(flags !== undefined && { with: { number: flags, as: 'be16', bit: KEY } }) }), // prettier-ignore
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
  okey: keyOf('okey', 'Key of what is sent.', okey, oflags),
})

/** Keys, checksums and sequence numbers of GRE; `direct`: by attributes. */
export const greFields = (direct: boolean): Record<string, Field> => {
  const bit = (flags: number, bit: number) => (direct ? be16(flags, { bit, print: 'true' }) : undefined)
  return {
    ...(direct ? keys(4, 5, 2, 3) : keys()),
    csum: short('boolean', ['icsum', 'ocsum']),
    icsum: toggle('icsum', 'Whether received packets must have a checksum.', bit(2, CSUM)),
    ocsum: toggle('ocsum', 'Whether what is sent has a checksum.', bit(3, CSUM)),
    seq: short('boolean', ['iseq', 'oseq']),
    iseq: toggle('iseq', 'Whether received packets must have sequence numbers, in order.', bit(2, SEQ)),
    oseq: toggle('oseq', 'Whether what is sent has sequence numbers.', bit(3, SEQ)),
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
/** `encap` and what belongs to it; `first`: the number of the first of the four attributes. */
export const encap = (first: number): Record<string, Field> => {
  const under = { under: 'encap' } as const
  const port = (name: string, number: number, description: string): Field => ({
    ...{ attribute: be16(number, under), json: name, ...within(name), ...inUdp, fallback: 0 },
    schema: { type: 'integer', minimum: 0, maximum: 65535, description },
    words: (v) => [`encap-${name}`, v === 0 && name === 'sport' ? 'auto' : String(v)],
  })
  const flag = (name: string, bit: number, description: string): Field => ({
    ...toggle(`encap-${name}`, description, u16(first + 1, { bit, print: 'boolean', ...under })),
    ...{ json: name, ...within(name), ...inUdp },
  })
  return {
    encap: {
      attribute: u16(first, { words: { none: 0, fou: 1, gue: 2 }, print: 'or nothing', ...under }),
      json: 'type',
      schema: { enum: ['none', 'fou', 'gue'], description: 'Whether the outer packets are in UDP: as they are (fou), or with a header (gue). Default: none.' }, // prettier-ignore
      fallback: 'none',
      ...within('type'),
    },
    encap_sport: port('sport', first + 2, 'UDP port that they come from; 0: one for each flow. Default: 0.'),
    encap_dport: port('dport', first + 3, 'UDP port that they go to.'),
    encap_csum: flag('csum', 1, 'Whether these have UDP checksums, over IPv4.'),
    encap_csum6: flag('csum6', 2, 'Whether these have UDP checksums, over IPv6.'),
    encap_remcsum: flag('remcsum', 4, 'Whether inner checksums are left to the other end (gue).'),
  }
}
/** The features that a tunnel needs: its own, and what carries it in UDP. */
export const withEncap = (name: string): Pick<LinkType, 'requires'> => ({
  requires: ({ encap }) => [name, ...(encap === undefined ? [] : ['fou'])],
})

/** What a tunnel over IPv4 cannot be; `type` has a device of the kernel's own that has neither ends nor a key. */
export const wrongTunnel =
  (type: string): NonNullable<LinkType['wrong']> =>
  ({ ignore_df, pmtudisc, ttl, local, remote, ikey, link, external, encap, encap_dport, ...spec }) => {
    if (external === true) {
      const [name] = Object.entries({ remote, local, ikey, okey: spec['okey'], encap }).find(([, v]) => v !== undefined) ?? [] // prettier-ignore
      return name === undefined ? undefined : [name, `with external, routes say this of each packet`]
    }
    if (ignore_df === true && pmtudisc !== false) return ['ignore_df', 'ignore_df needs pmtudisc: false']
    if (pmtudisc === false && ttl !== undefined)
      return ['pmtudisc', 'the kernel takes pmtudisc: false only with ttl: 0']
    if (typeof remote === 'string' && isGroup(remote) && local === undefined)
      return ['remote', 'a multicast remote address needs local']
    if (encap !== undefined && encap_dport === undefined) return ['encap', 'encap needs encap_dport']
    if ([remote, local, ikey, link].every((value) => value === undefined))
      return ['type', `a ${type} needs remote, local, key or link: the kernel’s own has none of them`]
    return undefined
  }

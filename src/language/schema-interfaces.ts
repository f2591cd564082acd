import { bridge } from '../kinds/links/bridge.ts'
import { portSchemas } from '../kinds/links/port.ts'
import { settingSchemas } from '../kinds/settings.ts'
import { veth } from '../kinds/links/veth.ts'
import { linkTypes } from '../kinds/links/link-types.ts'
import type { Field } from '../model/link-type.ts'
import { DISTRIBUTIONS } from '../model/qdisc-options.ts'
import { addressSchema, others } from './schema-addresses.ts'
import { amount, cidr, existingSchema, int, listOf, map, object, textSchema, type Schema } from './schema-words.ts'

const correlation = (of: string): Schema => amount(`How much ${of} of a packet depends on the packet before.`, '25%')
const queueFields: Readonly<Record<string, Schema>> = {
  delay: amount('How long every packet is held.', '20ms'),
  jitter: amount('How much the delay varies.', '5ms'),
  delay_correlation: correlation('the delay'),
  distribution: {
    enum: DISTRIBUTIONS,
    description:
      'How the delays lie around `delay`; needs `jitter`. Default: evenly. The kernel does not tell it: a change by hand of this alone is not seen.',
  },
  loss: amount('Share of packets that are lost.', '1%'),
  loss_correlation: correlation('the loss'),
  duplicate: amount('Share of packets that are sent twice.', '0.1%'),
  duplicate_correlation: correlation('the duplication'),
  corrupt: amount('Share of packets in which a bit is flipped.', '0.1%'),
  corrupt_correlation: correlation('the corruption'),
  reorder: amount('Share of packets that overtake others; needs `delay`.', '25%'),
  reorder_correlation: correlation('the reordering'),
  rate: amount('Bits per second.', '10mbit'),
  burst: amount('Bytes that may go at once, with `rate`.', '32kb'),
  limit: int('Packets that wait at most.', 1, 1000000),
}
const destinations = (description: string): Schema => ({
  ...map(
    { ...object(queueFields, 'What happens to these packets; nothing: no impairment.'), type: ['object', 'null'] },
    description,
  ),
  examples: [{ db: { delay: '50ms' }, '10.1.0.0/16': { loss: '2%' } }],
})

/** `impairments` of an interface, or of both ends of a link. */
export const impairmentsSchema = object(
  {
    ...queueFields,
    to: destinations(
      'By destination: a namespace of the lab (all its addresses), an address, a network, or several of these with commas; the longest prefix counts. What is outside gets the impairments beside `to`.',
    ),
    from: destinations('The same by source. A packet that `to` matches is not looked at here.'),
  },
  'What the interface does to packets that it sends, by tc. Each direction of a link has impairments of its own: those of the end that sends.',
)

/** Settings of every interface. */
const settings: Readonly<Record<string, Schema>> = {
  addresses: listOf(addressSchema, 'Addresses with their prefix lengths, in the order in which they are added.'),
  ...settingSchemas,
  bridge: textSchema('The bridge in the same namespace that it is a port of.'),
  master: textSchema('The VRF, bond or bridge in the same namespace that it belongs to.'),
  impairments: impairmentsSchema,
  ingress: {
    ...impairmentsSchema,
    description:
      'What happens to packets that the interface receives, in the same words: they pass an ifb, which has these impairments.',
  },
  qdiscs: {
    anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
    description:
      'Queueing disciplines, classes and filters in the words of tc, in the order in which they are made: lines or a list of what follows `tc` on a command line, without `dev`.',
    examples: ['qdisc add root handle 1: htb default 20\nclass add parent 1: classid 1:10 htb rate 10mbit\n'],
  },
  others,
  fdb: listOf(
    object(
      {
        mac: textSchema('MAC address; 00:00:00:00:00:00 for all that is unknown (VXLAN).', '02:00:00:00:00:09'),
        state: {
          enum: ['static', 'permanent'],
          description:
            '`permanent`: the frames are for this machine (at a bridge and its ports). Default: static at a port, permanent elsewhere.',
        },
        vlan: int('VLAN of the frames, at a bridge and its ports.', 1, 4094),
        sticky: { type: 'boolean', description: 'It does not move to another port (static entries of ports).' },
        extern_learn: {
          type: 'boolean',
          description: 'As a routing daemon adds it (EVPN): the kernel learns nothing else in its place.',
        },
        dst: textSchema(
          'Where a VXLAN sends the frames to: an address. Several entries may share a MAC address.',
          '10.0.0.2',
        ),
        port: int('UDP port there. Default: that of the VXLAN.', 1, 65535),
        vni: int('VXLAN network identifier there. Default: that of the VXLAN.', 0, 16777215),
        via: textSchema('Interface that the packets leave by.', 'eth0'),
        nhid: int('A nexthop with `fdb`, or a group of them, instead of `dst`.', 1, 4294967295),
      },
      'A forwarding entry, in the words of `bridge fdb`.',
      ['mac'],
    ),
    'Forwarding entries: at a port of a bridge or the bridge itself, and with `dst` at a VXLAN.',
  ),
  mdb: listOf(
    object(
      {
        grp: textSchema('The group: an IP address, or a MAC address for other protocols.', '239.1.1.1', 'ff05::1'),
        src: textSchema('The only source whose packets to the group are sent to the port.', '10.0.0.9'),
        vid: int('VLAN of the packets. Required at a bridge with `vlan_filtering`.', 1, 4094),
      },
      'A permanent multicast entry, in the words of `bridge mdb`.',
      ['grp'],
    ),
    'Groups that a bridge with `mcast_snooping` always sends to a port, whether or not a program behind it has joined.',
  ),
  offload: {
    type: 'object',
    additionalProperties: { type: 'boolean' },
    propertyNames: { pattern: '^[a-z][a-z0-9_-]*$' },
    description:
      'What the kernel or the device does for many packets at once, on or off: by the names of `ethtool -k`, or the short ones of `ethtool -K` (rx, tx, sg, tso, gso, gro, …). What is not named is left as it is, and so is what the lab names no more.',
    examples: [{ tx: false, gro: false }],
  },
  channels: {
    ...object(
      {
        rx: int('Queues for what it receives.', 1, 4096),
        tx: int('Queues for what it sends.', 1, 4096),
      },
      'How many of its queues a link’s end uses (`ethtool -L`); at most `queues`. What is not named is left as it is.',
    ),
    examples: [{ rx: 2, tx: 2 }],
  },
  pvid: int(
    'VLAN of the frames that have no tag, at a port of a bridge with `vlan_filtering` (at the bridge: its own frames). Default: 1, and none where `vlans` are given.',
    1,
    4094,
  ),
  vlans: {
    type: 'array',
    items: {
      anyOf: [
        { type: 'integer', minimum: 1, maximum: 4094 },
        { type: 'string', pattern: '^[0-9]+-[0-9]+$' },
      ],
    },
    description: 'VLANs whose frames pass the port with their tag: numbers, and ranges such as `10-19`.',
    examples: [[10, 20]],
  },
}
/** Settings, or a short form of their addresses alone. */
export const shorthand = (full: Schema): Schema => ({
  anyOf: [cidr, listOf(addressSchema, 'Addresses.'), full],
  description: 'A CIDR, a list of CIDRs, or settings.',
})

/** What a lab can say of a type. */
const schemasOf = (fields: Readonly<Record<string, Field>>): Record<string, Schema> =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, { schema }]) => (schema ? [[name, schema]] : [])))

/** A value that is one of these; the types of values, where they are all that differs. */
const either = (one: Schema, others: readonly Schema[]): Schema =>
  others.every(({ type }) => type === one['type']) ? {} : { type: [...new Set([one, ...others].map((s) => s['type']))] }

const byType = linkTypes.filter((type) => type.byType)
const typeFields = [...new Set(byType.flatMap(({ fields }) => Object.keys(fields)))]
const general: Readonly<Record<string, Schema>> = { ...settings, ...portSchemas }
/** A name that is a type's and every interface's has two meanings; the second has a name of its own where the type is that. */
const ambiguous = (prefix: string, schemas: Readonly<Record<string, Schema>>): Record<string, Schema> =>
  Object.fromEntries(
    typeFields.flatMap((name) => {
      const types = byType.filter(({ fields }) => name in fields).map((type) => `\`${type.name}\``)
      const { description, ...schema } = schemas[name] ?? {}
      const said = `\`${name}\`, for ${types.join(', ')}: ${String(description)}`
      return name in schemas ? [[`${prefix}${name}`, { ...schema, description: said }]] : []
    }),
  )
/** An interface of any type, and the end of a link. */
export const interfaceSettings: Schema = {
  ...object(
    {
      ...general,
      ...schemasOf(veth.fields),
      ...ambiguous('link_', settings),
      ...ambiguous('port_', portSchemas),
      existing: existingSchema,
      type: {
        enum: byType.map(({ name }) => name),
        description: 'What kind of interface it is; none for the end of a link.',
      },
      link: textSchema(
        'The lower device: an interface of the same namespace, or `NAMESPACE:INTERFACE`.',
        'eth0',
        'host:eth0',
      ),
      ...Object.fromEntries(
        typeFields.map((name) => {
          const own = byType.flatMap(({ fields }): Schema[] => [fields[name]?.schema ?? []].flat())
          return [name, name in general ? { ...general[name], ...either(general[name] ?? {}, own) } : {}]
        }),
      ),
    },
    'Settings of an interface. It exists because a link ends in it or because it has a `type`.',
  ),
  allOf: byType.map((type) => ({
    if: { properties: { type: { const: type.name } }, required: ['type'] },
    then: {
      properties: schemasOf(type.fields),
      description: type.description,
    },
  })),
}

/** An entry of `bridges`. */
export const bridgeSettings = shorthand(
  object(
    {
      ...Object.fromEntries(Object.entries(settings).filter(([name]) => name !== 'bridge')),
      ...schemasOf(bridge.fields),
      existing: existingSchema,
    },
    bridge.description,
  ),
)

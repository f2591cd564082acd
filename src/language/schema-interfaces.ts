import { bridge } from '../kinds/links/bridge.ts'
import { portSchemas } from '../kinds/links/port.ts'
import { settingSchemas } from '../kinds/settings.ts'
import { veth } from '../kinds/links/veth.ts'
import { linkTypes } from '../kinds/links/link-types.ts'
import type { Field } from '../model/link-type.ts'
import { DISTRIBUTIONS } from '../model/qdisc-options.ts'
import { addressSchema, others } from './schema-addresses.ts'
import { amount, cidr, existingSchema, int, listOf, map, object, textSchema, type Schema } from './schema-words.ts'

const correlation = (of: string): Schema => amount(`How much ${of} of a packet depends on the previous packet.`, '25%')
/** What a queue does to its packets. */
const queueFields: Readonly<Record<string, Schema>> = {
  delay: amount('How long each packet is delayed.', '20ms'),
  jitter: amount('How much the delay varies.', '5ms'),
  delay_correlation: correlation('the delay'),
  distribution: {
    enum: DISTRIBUTIONS,
    description:
      'Distribution of the delays around `delay`; needs `jitter`. Default: uniform. The kernel does not report it, so a plan cannot show drift of this field alone.',
  },
  loss: amount('Share of packets that are lost.', '1%'),
  loss_correlation: correlation('the loss'),
  duplicate: amount('Share of packets that are sent twice.', '0.1%'),
  duplicate_correlation: correlation('the duplication'),
  corrupt: amount('Share of packets in which a bit is flipped.', '0.1%'),
  corrupt_correlation: correlation('the corruption'),
  reorder: amount('Share of packets that overtake others; needs `delay`.', '25%'),
  reorder_correlation: correlation('the reordering'),
  rate: amount('Rate limit, in bits per second.', '10mbit'),
  burst: amount('Bytes that may be sent at once, above `rate`.', '32kb'),
  limit: int('Length of the queue, in packets.', 1, 1000000),
}
const destination: Schema = {
  ...object(queueFields, 'Impairments of these packets; empty: none.'),
  type: ['object', 'null'],
}
const destinations = (description: string): Schema => ({
  ...map({ $ref: '#/definitions/destination' }, description),
  examples: [{ db: { delay: '50ms' }, '10.1.0.0/16': { loss: '2%' } }],
})

const impairments = object(
  {
    ...queueFields,
    to: destinations(
      'Impairments by destination: a namespace of the lab (all its addresses), an address, a network, or several of these separated by commas. The longest matching prefix applies. Packets to other destinations get the impairments beside `to`.',
    ),
    from: destinations('Impairments by source. If `to` matches a packet, `from` does not apply to it.'),
  },
  'Impairments (tc) of the packets that the interface sends. The two directions of a link are separate: each end impairs the packets that it sends.',
)

/** The definitions to which the schema of interfaces and links refers, so that each is written once. */
export const impairmentDefinitions: Readonly<Record<string, Schema>> = { impairments, destination }
/** `impairments` of an interface, or of both ends of a link. */
export const impairmentsSchema: Schema = { $ref: '#/definitions/impairments' }

/** Settings of every interface. */
const settings: Readonly<Record<string, Schema>> = {
  addresses: listOf(addressSchema, 'Addresses with prefix length, in the order in which they are added.'),
  ...settingSchemas,
  bridge: textSchema('The bridge, in the same namespace, of which the interface is a port.'),
  master: textSchema('The VRF, bond, team or bridge, in the same namespace, to which the interface belongs.'),
  impairments: impairmentsSchema,
  ingress: {
    ...impairmentsSchema,
    description:
      'Impairments of the packets that the interface receives, with the same fields. The packets pass through an ifb that has these impairments.',
  },
  qdiscs: {
    anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
    description:
      'Queueing disciplines, classes and filters as on a command line of tc, without `tc` and `dev`: one per line, or a list, in the order in which they are added.',
    examples: ['qdisc add root handle 1: htb default 20\nclass add parent 1: classid 1:10 htb rate 10mbit\n'],
  },
  others,
  fdb: listOf(
    object(
      {
        mac: textSchema(
          'MAC address. At a VXLAN, 00:00:00:00:00:00 is for all unknown addresses.',
          '02:00:00:00:00:09',
        ),
        state: {
          enum: ['static', 'permanent'],
          description:
            '`permanent`: frames to this address are delivered locally (at a bridge and its ports). Default: static at a port, permanent elsewhere.',
        },
        vlan: int('VLAN of the frames, at a bridge and its ports.', 1, 4094),
        sticky: { type: 'boolean', description: 'The entry does not move to another port (static entries of ports).' },
        extern_learn: {
          type: 'boolean',
          description:
            'Mark the entry as added by a routing daemon (EVPN): the kernel does not replace it with what it learns.',
        },
        dst: textSchema(
          'At a VXLAN: the IP address to send the frames to. Several entries may share a MAC address.',
          '10.0.0.2',
        ),
        port: int('UDP port of `dst`. Default: that of the VXLAN.', 1, 65535),
        vni: int('VXLAN network identifier at `dst`. Default: that of the VXLAN.', 0, 16777215),
        via: textSchema('Interface through which the packets leave.', 'eth0'),
        nhid: int('The id of a nexthop (or of a group) with `fdb: true`, instead of `dst`.', 1, 4294967295),
      },
      'A forwarding entry. The fields are named as in `bridge fdb`.',
      ['mac'],
    ),
    'Forwarding entries of a bridge or one of its ports, or, with `dst`, of a VXLAN.',
  ),
  mdb: listOf(
    object(
      {
        grp: textSchema('The group: an IP address, or a MAC address for other protocols.', '239.1.1.1', 'ff05::1'),
        src: textSchema('Only packets from this source are sent to the port. Default: any source.', '10.0.0.9'),
        vid: int('VLAN of the packets. Required at a bridge with `vlan_filtering`.', 1, 4094),
      },
      'A permanent multicast entry. The fields are named as in `bridge mdb`.',
      ['grp'],
    ),
    'Multicast groups that the bridge (with `mcast_snooping`) always sends to this port, even if no program behind the port has joined.',
  ),
  offload: {
    type: 'object',
    additionalProperties: { type: 'boolean' },
    propertyNames: { pattern: '^[a-z][a-z0-9_-]*$' },
    description:
      'Offloads, on or off, by the names of `ethtool -k` or the short names of `ethtool -K` (rx, tx, sg, tso, gso, gro, …). Offloads that the lab does not name, or no longer names, stay as they are.',
    examples: [{ tx: false, gro: false }],
  },
  channels: {
    ...object(
      {
        rx: int('Receive queues in use.', 1, 4096),
        tx: int('Transmit queues in use.', 1, 4096),
      },
      'How many of its `queues` the end of a link uses (`ethtool -L`). A direction that is not named stays as it is.',
    ),
    examples: [{ rx: 2, tx: 2 }],
  },
  pvid: int(
    'VLAN of untagged frames at a port of a bridge with `vlan_filtering` (at the bridge: of its own frames). Default: 1, or none if `vlans` is given.',
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
    description: 'VLANs that are tagged at the port: numbers, and ranges such as `10-19`.',
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
const typeFields = [...new Set(byType.flatMap(({ fields }) => Object.keys(schemasOf(fields))))]
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
        description: 'Type of the interface. The end of a link needs none.',
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
    'Settings of an interface. The interface is the end of a link, or has a `type`.',
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

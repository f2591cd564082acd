import { firewallDefinitions, firewallFields } from '../kinds/iptables.ts'
import { settingSchemas } from '../kinds/settings.ts'
import { check } from './schema-checks.ts'
import { faultsSchema } from './schema-faults.ts'
import {
  bridgeSettings,
  impairmentDefinitions,
  impairmentsSchema,
  interfaceSettings,
  shorthand,
} from './schema-interfaces.ts'
import { processSchema, setupSchema } from './schema-processes.ts'
import { nexthopSchema, routeSchema, ruleSchema } from './schema-routing.ts'
import { addressSchema, fouSchema, neighborSchema, others } from './schema-addresses.ts'
import { cidr, int, listOf, map, object, textSchema, type Schema } from './schema-words.ts'

const ownership = {
  owner: {
    type: ['string', 'integer'],
    description: 'The user that owns it, by name or number; with a group: `frr:frrvty`. Default: root.',
    examples: ['frr'],
  },
  mode: { type: 'string', pattern: '^[0-7]{3,4}$', description: 'Permissions, in octal.', examples: ['0640'] },
}
const fileSchema = object(
  {
    from: textSchema('A file beside the lab file.'),
    content: textSchema('The text of the file.'),
    base64: textSchema('The content in Base64, of a file that is not text.', 'AAEC/w=='),
    ...ownership,
  },
  'A file, with its owner and permissions. Default: those of a file that root writes, executable if the one beside the lab file is.',
)
const folderSchema = object(
  { path: textSchema('Its absolute path.'), ...ownership },
  'A folder, with its owner and permissions. Default: root, 0755.',
  ['path'],
)

const namespace: Schema = {
  ...object(
    {
      interfaces: map(shorthand(interfaceSettings), 'Interfaces, by name.'),
      bridges: map(
        { anyOf: [...(bridgeSettings['anyOf'] as Schema[]), { type: 'null' }], description: 'A bridge.' },
        'Bridges, by name.',
      ),
      routes: listOf(routeSchema, 'Routes.'),
      nexthops: listOf(nexthopSchema, 'Nexthop objects and groups of nexthops, for routes and forwarding entries.'),
      rules: listOf(ruleSchema, 'Routing policy rules.'),
      neighbors: listOf(neighborSchema, 'Static neighbours.'),
      fou: listOf(
        fouSchema,
        'UDP ports that receive the packets of tunnels with `encap`. They are all there is in the namespace.',
      ),
      forwarding: {
        enum: [true, false, 'ipv4', 'ipv6'],
        description:
          'Whether the namespace forwards packets: IPv4 and IPv6 (true), one of them, or neither (false). Default: neither.',
      },
      sysctls: {
        ...map({ type: ['string', 'number', 'boolean'] }, 'Kernel settings of the namespace: `net.*`.'),
        examples: [
          { 'net.ipv4.conf.all.rp_filter': 2, 'net.ipv4.conf.all.proxy_arp': true, 'net.ipv6.conf.all.accept_ra': 2 },
        ],
      },
      ...firewallFields,
      setup: setupSchema,
      processes: map(processSchema, 'Programs that run in it, by name.'),
      files: {
        ...map(
          { anyOf: [textSchema('A file or folder beside the lab file.'), fileSchema] },
          'Files that its programs see, by their absolute paths there: a file or folder beside the lab file, or the content.',
        ),
        examples: [{ '/etc/frr/frr.conf': 'frr/r1.conf', '/etc/motd': { content: 'Hello\n' } }],
      },
      private: {
        ...listOf(
          { anyOf: [textSchema('Its absolute path.'), folderSchema] },
          'Folders of its own that its programs see, empty at first.',
        ),
        examples: [['/run/frr', { path: '/var/log/frr', owner: 'frr' }]],
      },
      hostname: textSchema('The host name that its programs see. Default: the name of the namespace.'),
      resolver: listOf(
        textSchema('An address.'),
        'The name servers in the /etc/resolv.conf of its programs. Default: the content of the machine’s.',
      ),
      others,
      shares: textSchema('Another namespace: this name becomes a second name for it.'),
      machine: {
        anyOf: [textSchema('A machine.'), { ...listOf(textSchema('A machine.'), 'Machines.'), minItems: 1 }],
        description:
          'The machine on which it is: one of `machines`. Default: where netlab runs. A list makes it a switch on several machines: its bridges are on each of them and joined; all else is on the first.',
        examples: ['left', ['left', 'right']],
      },
      evpn: {
        const: true,
        description:
          'Joins the bridges of a switch on several machines by EVPN over VXLAN, with FRR on each of them. Default: by links between all.',
      },
      root: { const: true, description: 'This namespace is the machine’s own network namespace.' },
      container: {
        ...textSchema(
          'Name or id of a running container of podman or docker: this namespace is its network namespace. The lab adds to the namespace, and leaves the rest of it alone.',
        ),
        examples: ['web'],
      },
      pid: int('Id of a process: this namespace is its network namespace.', 1, 4194304),
      netns: {
        ...textSchema(
          'An existing network namespace that the lab does not own: its name under /run/netns, or the path of its file.',
        ),
        examples: ['foo', '/proc/4711/ns/net'],
      },
    },
    'A network namespace.',
  ),
  type: ['object', 'null'],
}

const endpoint: Schema = { type: 'string', description: 'NAMESPACE:INTERFACE.', examples: ['ns0:veth0'] }
const link = object(
  {
    endpoints: {
      anyOf: [
        { type: 'array', items: endpoint },
        {
          type: 'object',
          additionalProperties: {
            anyOf: [cidr, listOf(addressSchema, 'Addresses.'), interfaceSettings, { type: 'null' }],
          },
          examples: [{ 'ns0:veth0': '192.168.0.1/24', 'ns1:veth0': '192.168.0.2/24' }],
        },
      ],
      description:
        'The two ends: a list of NAMESPACE:INTERFACE, or a map from NAMESPACE:INTERFACE to the settings of that end.',
    },
    mtu: settingSchemas['mtu'] as Schema,
    up: settingSchemas['up'] as Schema,
    impairments: impairmentsSchema,
  },
  'A link: a veth pair. An end that names a bridge is a port of that bridge.',
  ['endpoints'],
)

const machineSchema = object(
  {
    ssh: {
      ...textSchema('Where ssh connects to, with its own configuration: host names, keys, jumps.'),
      examples: ['root@left.example'],
    },
    run: {
      ...listOf(textSchema('A word.'), 'The words that run a command there; the command follows.'),
      minItems: 1,
      examples: [['podman', 'exec', '-i', 'right']],
    },
    address: {
      ...textSchema('The address at which the other machines reach it. Default: the one at which ssh does.'),
      examples: ['10.0.0.12'],
    },
  },
  'A machine: how to run a command there.',
)

/** The JSON Schema of lab files (draft 7): what editors complete from, and what the build compiles the validator from. */
export const schema: Schema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'netlab lab file',
  definitions: { ...firewallDefinitions, ...impairmentDefinitions },
  ...object(
    {
      name: {
        type: 'string',
        pattern: '^[a-z0-9][a-z0-9-]{0,31}$',
        description: 'Name of the lab. Default: the file’s name.',
      },
      description: textSchema('What the lab demonstrates, in a sentence or two.'),
      include: {
        type: 'array',
        items: { type: 'string' },
        description:
          'Other lab files, relative to this one: their namespaces, links, checks and vars become part of this lab.',
        examples: [['base.yaml']],
      },
      machines: map(machineSchema, 'Other machines on which namespaces of the lab are, by name.'),
      place: {
        const: 'auto',
        description:
          'auto: namespaces without a `machine` are spread over `machines`, with as few links between machines as possible. Default: they are where netlab runs.',
      },
      vars: map(
        { type: ['string', 'number', 'boolean'] },
        'Variables, by name: `{hosts}` is replaced by the value of `hosts`. `netlab … --set hosts=100` overrides the value.',
      ),
      namespaces: map(namespace, 'Network namespaces, by name. The name is used as it is: /run/netns/NAME.'),
      links: listOf(link, 'Links between namespaces.'),
      faults: faultsSchema,
      checks: listOf(check, 'Checks that `netlab test` runs.'),
    },
    'A network: namespaces and the links between them.',
    ['namespaces'],
  ),
}

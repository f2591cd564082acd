import { builtin } from './save.ts'
import { ipsetSchema } from './ipset-text.ts'

/** A JSON Schema fragment, as plain data. */
export type Schema = Readonly<Record<string, unknown>>

const word = (description: string, ...examples: unknown[]): Schema => ({
  description,
  type: 'string',
  minLength: 1,
  pattern: '^[^\\n\\r\\u0000]*$',
  examples,
})

const oneOrMore = (description: string, ...examples: unknown[]): Schema => ({
  description,
  type: ['string', 'array'],
  minLength: 1,
  minItems: 1,
  items: { type: 'string', minLength: 1 },
  examples,
})

const ports = (description: string): Schema => ({
  description,
  type: ['integer', 'string', 'array'],
  minimum: 0,
  maximum: 65535,
  minLength: 1,
  minItems: 1,
  maxItems: 15,
  items: { type: ['integer', 'string'] },
  examples: [80, 'http', '1024:65535', [80, 443], '!22'],
})

/** A rule as an object. A leading `!` negates a value. */
const ruleObject: Schema = {
  description: 'A rule as an object. A leading `!` negates a value: `out: "!docker0"`.',
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  properties: {
    source: oneOrMore('Source of the packet: an address or a network (`-s`).', '172.17.0.0/16', '!10.0.0.1'),
    destination: oneOrMore('Destination of the packet: an address or a network (`-d`).', '10.0.0.0/8'),
    in: word('Incoming interface (`-i`); a `+` at the end matches any ending.', 'eth0', 'veth+', '!docker0'),
    out: word('Outgoing interface (`-o`); a `+` at the end matches any ending.', 'docker0', '!docker0'),
    protocol: {
      description: 'The protocol, by name or number (`-p`).',
      type: ['string', 'integer'],
      examples: ['tcp', 'udp', 'icmp'],
    },
    fragment: {
      description: '`true` matches second and further fragments (`-f`); `false` matches all other packets.',
      type: 'boolean',
    },
    icmp_type: {
      description: 'The type of an ICMP packet.',
      type: ['string', 'integer'],
      examples: ['echo-request', 8],
    },
    sport: ports('The source port: one, a range (`FROM:TO`), or a list.'),
    dport: ports('The destination port: one, a range (`FROM:TO`), or a list.'),
    ctstate: oneOrMore(
      'States of the connection (`-m conntrack --ctstate`).',
      'RELATED,ESTABLISHED',
      ['NEW'],
      '!INVALID',
    ),
    mark: {
      description: "The packet's mark, with a mask or without.",
      type: ['string', 'integer'],
      examples: ['0x1', '0x1/0xff'],
    },
    limit: word('Maximum rate of matches (`-m limit`).', '5/second', '120/minute'),
    limit_burst: { description: 'Number of matches in a burst before `limit` applies.', type: 'integer', minimum: 1 },
    match: {
      description:
        'Any other match: a text, with or without `-m`; a list of such texts; or a map from match to option to value.',
      type: ['string', 'array', 'object'],
      minLength: 1,
      minItems: 1,
      minProperties: 1,
      items: { type: 'string', minLength: 1 },
      propertyNames: { pattern: '^[A-Za-z0-9_]+$' },
      additionalProperties: {
        type: ['object', 'null'],
        propertyNames: { pattern: '^[a-z0-9][a-z0-9-]*$' },
        additionalProperties: {
          type: ['string', 'number', 'boolean', 'array'],
          items: { type: ['string', 'integer'] },
        },
      },
      examples: ['addrtype --dst-type LOCAL', { statistic: { mode: 'random', probability: 0.5 } }],
    },
    jump: word(
      'Target of the rule (`-j`): a verdict, a chain, or a target with its options.',
      'ACCEPT',
      'DOCKER-USER',
      'REJECT --reject-with tcp-reset',
    ),
    goto: word('A chain to continue in, without returning to this one (`-g`).', 'BLOCKED'),
    to: {
      description: 'Address or port that DNAT, SNAT, MASQUERADE, REDIRECT or NETMAP translates to.',
      type: ['string', 'integer'],
      examples: ['172.18.0.2:6379', '203.0.113.1', 8080],
    },
    comment: {
      ...word('A comment that the kernel stores with the rule, at most 255 bytes.', 'replies'),
      maxLength: 255,
    },
  },
}

const rules: Schema = {
  description: 'The rules, in order.',
  type: 'array',
  items: {
    description: 'A rule: the text after `iptables -A CHAIN` on a command line, or an object.',
    if: { type: 'string' },
    then: {
      ...word(
        'A rule as text. "" counts every packet and does nothing else.',
        '-j DOCKER-USER',
        '-p tcp --dport 80 -j ACCEPT',
      ),
      minLength: 0,
    },
    else: { $ref: '#/definitions/rule' },
  },
}

const chain: Schema = {
  description: 'A list of rules, or an object with rules and a policy. Naming a user-defined chain here creates it.',
  if: { type: 'array' },
  then: { $ref: '#/definitions/rules' },
  else: {
    type: ['object', 'null'],
    additionalProperties: false,
    properties: {
      policy: {
        description: 'Verdict for packets that no rule accepts or drops. Only for built-in chains.',
        enum: ['ACCEPT', 'DROP'],
      },
      rules: { $ref: '#/definitions/rules' },
    },
  },
}

const table = (name: string): Schema => ({
  description: `Chains of the table ${name}: ${builtin[name]?.join(', ')}, and user-defined chains.`,
  type: ['object', 'null'],
  properties: Object.fromEntries(builtin[name]?.map((hook) => [hook, { $ref: '#/definitions/chain' }]) ?? []),
  additionalProperties: { $ref: '#/definitions/chain' },
})

const restore = word('A file in the format of iptables-save, relative to the lab file.', 'docker.iptables-save')

/** The definitions to which the schema of `iptables` refers, so that the validator has them once for all tables and families. */
export const firewallDefinitions: Readonly<Record<string, Schema>> = { rule: ruleObject, rules, chain }

/** The schema of the fields `iptables` and `ip6tables`. */
export const iptablesSchema: Schema = {
  description:
    'Rules by table and chain, or a dump of iptables-save. netlab removes rules that the lab does not declare.',
  type: ['object', 'null'],
  if: { type: 'object', required: ['restore'], properties: { restore: true } },
  then: {
    additionalProperties: false,
    properties: { restore },
  },
  else: {
    additionalProperties: false,
    // Editors complete `restore` from here; with it, `then` counts.
    properties: { ...Object.fromEntries(Object.keys(builtin).map((name) => [name, table(name)])), restore },
  },
  examples: [
    {
      filter: { FORWARD: { policy: 'DROP', rules: ['-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'] } },
      nat: { POSTROUTING: [{ source: '172.17.0.0/16', out: '!docker0', jump: 'MASQUERADE' }] },
    },
    { restore: 'docker.iptables-save' },
  ],
}

const nftPart: Schema = {
  if: { type: 'string' },
  then: { type: 'string' },
  else: {
    type: 'object',
    additionalProperties: false,
    required: ['file'],
    properties: { file: word('A file with a rule set, relative to the lab file.', 'rules.nft') },
  },
}

/** The schema of the field `nftables`. */
export const nftablesSchema: Schema = {
  description:
    'A rule set: text as in /etc/nftables.conf, a file, or a list of both. netlab removes tables that the lab does not declare.',
  if: { type: 'array' },
  then: { type: 'array', items: nftPart },
  else: nftPart,
  examples: [
    'table inet filter {\n  chain input {\n    type filter hook input priority filter; policy drop;\n    ct state established,related accept\n  }\n}\n',
    { file: 'rules.nft' },
  ],
}

/** The schemas of the firewall fields of a namespace. */
export const firewallFields: Readonly<Record<string, Schema>> = {
  iptables: iptablesSchema,
  ip6tables: iptablesSchema,
  nftables: nftablesSchema,
  ipsets: {
    description: 'Sets of ipset, by name, for rules of iptables. netlab removes sets that the lab does not declare.',
    type: 'object',
    additionalProperties: ipsetSchema,
  },
}

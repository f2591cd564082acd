import fc from 'fast-check'
import { diagnose } from '../../src/language/load-lab.ts'
import { parseYaml } from '../../src/language/yaml/source.ts'
import '../support/seed.ts'

const told = (text: string): string[] =>
  diagnose({ file: 'lab.yaml', text }).map(
    ({ summary, detail, position }) => `${position?.line}:${position?.column} ${summary} | ${detail ?? ''}`,
  )

/** What people write who are new to YAML: one error each, at its place, in a sentence that says what to write. */
test.each<[string, string, string[]]>([
  [
    'brace-i',
    'namespaces:\n  h[1..3]:\n    interfaces:\n      lo: {i}\n',
    [
      '4:11 namespaces.h1.interfaces.lo: {i} is a map here | Braces begin a map. For the number of a range, use quotes: "{i}". With i = 1.',
    ],
  ],
  [
    'brace-i-begin',
    'namespaces:\n  h[1..3]:\n    routes:\n      - { to: {i}.0.0.0/8, via: 10.0.0.1 }\n',
    ['4:15 {i} needs quotes here | Here YAML takes { as the beginning of a map. Write "{i}.0.0.0/8".'],
  ],
  [
    'brace-i-addr',
    'namespaces: { h[1..3]: , sw: { bridges: { br0: } } }\nlinks:\n  - endpoints: { h[1..3]:eth0: {i}.0.0.1/24, sw:br0: }\n',
    ['1:15 [1..3] needs quotes here | Here YAML takes [ as the beginning of a list. Write "h[1..3]".'],
  ],
  [
    'brace-i-flow-range',
    'namespaces: { "h[1..3]": , b: }\nlinks:\n  - endpoints: [h[1..3]:eth0, b:eth{i}]\n',
    ['3:17 [1..3] needs quotes here | Here YAML takes [ as the beginning of a list. Write "h[1..3]:eth0".'],
  ],
  [
    'tc-handle',
    'namespaces:\n  a:\n    interfaces:\n      tap0:\n        type: tap\n        qdiscs:\n          - qdisc add root handle 1: htb\n',
    [
      '7:13 namespaces.a.interfaces.tap0.qdiscs[0]: expected text, found a map | A colon and a space make a map: put the whole text in quotes. Write "qdisc add root handle 1: htb".',
    ],
  ],
  [
    'no-space',
    'namespaces:\n  a:\n    forwarding:true\n',
    [
      '3:5 namespaces.a: expected a map or nothing, found text "forwarding:true" | Write a colon and a space: forwarding: true',
    ],
  ],
  ['no-space2', 'namespaces:\n  a:{}\n  b:\n', ['2:4 a space is missing after the colon | Write a: {}']],
  [
    'no-space3',
    'namespaces:\n  a:\n    routes:\n      - {to:default, via:10.0.0.1}\n',
    [
      '4:10 namespaces.a.routes[0].to:default: unknown field "to:default" | A space is missing after the colon: to: default',
      '4:22 namespaces.a.routes[0].via:10.0.0.1: unknown field "via:10.0.0.1" | A space is missing after the colon: via: 10.0.0.1',
    ],
  ],
  [
    'policies of chains together',
    'namespaces:\n  a:\n    iptables:\n      filter:\n        policy: { FORWARD: DROP }\n',
    [
      '5:19 namespaces.a.iptables.filter.policy.FORWARD: unknown field "FORWARD" | A chain has its policy: FORWARD: { policy: DROP }',
    ],
  ],
  [
    'no-space4',
    'namespaces:\n  a:\n    routes:\n      - to:default\n        via: 10.0.0.1\n',
    ['4:11 a space is missing after the colon | Write to: default'],
  ],
  [
    'no-space-top',
    'namespaces:{ a: }\nlinks: []\n',
    ['1:11 a space is missing after the colon | Write namespaces: { a: }'],
  ],
  [
    'tab',
    'namespaces:\n\ta:\n\tb:\n',
    ['2:1 a tab cannot be used to indent | Indent with spaces, usually two for each level.'],
  ],
  [
    'tab2',
    'namespaces:\n  a:\n  \tforwarding: true\n',
    ['3:3 a tab cannot be used to indent | Indent with spaces, usually two for each level.'],
  ],
  [
    'indent-less',
    'namespaces:\n  a:\n    forwarding: true\n   b:\n',
    [
      '4:4 this line is indented by 3 spaces, and no line above it is | Lines of the same map or list begin in the same column: indent it by 0, 2 or 4.',
    ],
  ],
  [
    'indent-more',
    'namespaces:\n  a:\n     b:\n    forwarding: true\n',
    [
      '4:5 this line is indented by 4 spaces, and no line above it is | Lines of the same map or list begin in the same column: indent it by 0, 2 or 5.',
    ],
  ],
  [
    'indent-more2',
    'namespaces:\n  a: x\n    forwarding: true\n',
    [
      '2:3 this line has a value, and the line below is indented as if it belonged to it | Write either a value on the line itself, or a map on the lines below it.',
    ],
  ],
  [
    'indent-top',
    ' namespaces:\n  a:\nlinks: []\n',
    ['3:1 this line is not indented | Lines of the same map or list begin in the same column: indent it by 1 or 2.'],
  ],
  [
    'indent-none',
    'namespaces:\na:\nb:\n',
    ['2:1 a: a is beside namespaces, which is empty | If a belongs to namespaces, indent it further.'],
  ],
  ['dup', 'namespaces:\n  a:\n  a:\n', ['3:3 the map already has this key | Remove one of the two.']],
  [
    'list-missing-dash',
    'namespaces:\n  a:\n    routes:\n      to: default\n      via: 10.0.0.1\n',
    [
      '4:7 namespaces.a.routes: expected a list, found a map | Each item of a list begins with a dash: - to: …, and its other fields below to.',
    ],
  ],
  [
    'links-map',
    'namespaces: { a: , b: }\nlinks:\n  endpoints: [a:e0, b:e0]\n',
    [
      '3:3 links: expected a list, found a map | Each item of a list begins with a dash: - endpoints: …, and its other fields below endpoints.',
    ],
  ],
  [
    'links-map2',
    'namespaces: { a: , b: }\nlinks:\n  l1: { endpoints: [a:e0, b:e0] }\n  l2: { endpoints: [a:e1, b:e1] }\n',
    [
      '3:3 links: expected a list, found a map | Items of a list have no names: begin each with a dash instead of a name.',
    ],
  ],
  [
    'ns-list',
    'namespaces:\n  - a\n  - b\n',
    ['2:3 namespaces: expected a map, found a list | Write the names as keys of a map, without dashes: a: …'],
  ],
  [
    'ns-list2',
    'namespaces:\n  - name: a\n  - name: b\n',
    ['2:3 namespaces: expected a map, found a list | Write the names as keys of a map, without dashes: a: …'],
  ],
  [
    'ifaces-list',
    'namespaces:\n  a:\n    interfaces:\n      - lo\n',
    [
      '4:7 namespaces.a.interfaces: expected a map, found a list | Write the names as keys of a map, without dashes: lo: …',
    ],
  ],
  [
    'routes-text',
    'namespaces:\n  a:\n    routes:\n      - default via 10.0.0.1\n',
    [
      '4:9 namespaces.a.routes[0]: expected a map, found text "default via 10.0.0.1" | Write { to: default, via: 10.0.0.1 }.',
    ],
  ],
  [
    'routes-one-text',
    'namespaces:\n  a:\n    routes: default via 10.0.0.1\n',
    [
      '3:13 namespaces.a.routes: expected a list, found text "default via 10.0.0.1" | Write [{ to: default, via: 10.0.0.1 }].',
    ],
  ],
  [
    'yes',
    'namespaces:\n  a:\n    forwarding: yes\n',
    ['3:17 namespaces.a.forwarding: expected true, false, ipv4, ipv6; found text "yes" | Write true.'],
  ],
  [
    'on',
    'namespaces:\n  a:\n    forwarding: on\n',
    ['3:17 namespaces.a.forwarding: expected true, false, ipv4, ipv6; found text "on" | Write true.'],
  ],
  [
    'off',
    'namespaces:\n  a:\n    bridges: { br0: { stp: off } }\n',
    ['3:28 namespaces.a.bridges.br0.stp: expected true or false, found text "off" | Write false.'],
  ],
  [
    'flow-range',
    'namespaces: { a: , b: }\nlinks: [{ endpoints: [a[1..3]:e0, b:e0] }]\n',
    ['2:23 [1..3] needs quotes here | Here YAML takes [ as the beginning of a list. Write "a[1..3]:e0".'],
  ],
  [
    'flow-range2',
    'namespaces: { h[1..3]: { } }\n',
    ['1:15 [1..3] needs quotes here | Here YAML takes [ as the beginning of a list. Write "h[1..3]".'],
  ],
  [
    'flow-range3',
    'namespaces:\n  a:\n    interfaces: { lo: [10.0.0.[1..3]/32] }\n',
    ['3:24 [1..3] needs quotes here | Here YAML takes [ as the beginning of a list. Write "10.0.0.[1..3]/32".'],
  ],
  [
    'flow-range4',
    'namespaces:\n  a:\n    interfaces:\n      lo: [10.0.0.[1..3]/32, 10.0.1.1/32]\n',
    ['4:12 [1..3] needs quotes here | Here YAML takes [ as the beginning of a list. Write "10.0.0.[1..3]/32".'],
  ],
  [
    'range-begin-val',
    'namespaces:\n  a: { interfaces: { lo: { addresses: [ [1..3].0.0.1/24 ] } } }\n',
    ['2:41 [1..3] needs quotes here | Here YAML takes [ as the beginning of a list. Write "[1..3].0.0.1/24".'],
  ],
  [
    'quote-unbal',
    'namespaces:\n  a: { routes: [{ to: "default, via: 10.0.0.1 }] }\n  b:\n',
    ['2:23 this quote is not closed | Add " where the text ends.'],
  ],
  [
    'quote-unbal2',
    "namespaces:\n  a:\n    interfaces:\n      lo: '10.0.0.1/24\n  b:\n",
    ["4:11 this quote is not closed | Add ' where the text ends."],
  ],
  [
    'quote-extra',
    'namespaces:\n  a:\n    interfaces:\n      lo: "10.0.0.1"/24\n',
    ['4:21 there is text after the closing quote | Put the whole text in quotes: "10.0.0.1/24".'],
  ],
  [
    'bracket-unbal',
    'namespaces:\n  a: { routes: [{ to: default, via: 10.0.0.1 } }\n  b:\n',
    [
      '2:16 this [ is not closed | Add ] where it ends, and indent the lines in between further than its first line. The } on line 2 comes first.',
    ],
  ],
  [
    'bracket-unbal2',
    'namespaces:\n  a: { routes: [{ to: default, via: 10.0.0.1 }]\n  b:\n',
    ['2:6 this { is not closed | Add } where it ends, and indent the lines in between further than its first line.'],
  ],
  [
    'brace-extra',
    'namespaces:\n  a: { forwarding: true }}\n  b:\n',
    ['2:26 this } has no opening { | Remove it, or add the opening bracket.'],
  ],
  [
    'bracket-extra',
    'namespaces: { a: , b: }\nlinks:\n  - endpoints: [a:e0, b:e0]]\n',
    ['3:28 this ] has no opening [ | Remove it, or add the opening bracket.'],
  ],
  ['at', 'namespaces:\n  a: @x\n', ['2:6 a value cannot begin with @ without quotes | Write "@x".']],
  ['backtick', 'namespaces:\n  a: `x`\n', ['2:6 a value cannot begin with ` without quotes | Write "`x`".']],
  ['percent', 'namespaces:\n  a: %x\n', ['2:6 a value cannot begin with % without quotes | Write "%x".']],
  [
    'percent-head',
    '%x\nnamespaces:\n  a:\n',
    ['1:1 a line that begins with % is a directive for the YAML parser | Put the text in quotes, or remove the line.'],
  ],
  [
    'docsep',
    'namespaces: { a: }\n---\nnamespaces: { b: }\n',
    ['2:1 a second document begins here | A lab file is one document. Put the second document into another file.'],
  ],
  [
    'docend',
    'namespaces: { a: }\n...\nlinks: []\n',
    ['3:1 a second document begins here | A lab file is one document. Put the second document into another file.'],
  ],
  [
    'alias',
    'namespaces: { a: *x }\n',
    ['1:18 there is no anchor &x above | In YAML a * begins an alias. Put it in quotes if it is text: "*x".'],
  ],
  [
    'star',
    'namespaces:\n  a:\n    iptables: { filter: { INPUT: [ * ] } }\n',
    ['3:36 in YAML a * begins an alias, and a & an anchor | Put the text in quotes if it is text: "*".'],
  ],
  [
    'star2',
    'namespaces:\n  a: { env: *.log }\n',
    ['2:13 there is no anchor &.log above | In YAML a * begins an alias. Put it in quotes if it is text: "*.log".'],
  ],
  [
    'amp',
    'namespaces:\n  a: &x\n  b: *y\n',
    ['3:6 there is no anchor &y above | In YAML a * begins an alias. Put it in quotes if it is text: "*y".'],
  ],
  [
    'bang',
    'namespaces:\n  a: { iptables: { filter: { INPUT: [ ! -i lo -j DROP ] } } }\n',
    ['2:39 in YAML a ! begins a tag, which lab files do not use | Put the whole text in quotes: "! -i lo -j DROP".'],
  ],
  [
    'merge',
    'namespaces:\n  a: { <<: x }\n',
    ['2:12 << merges a map, and this is not a map | Write <<: *NAME, with an anchor &NAME at a map above.'],
  ],
  [
    'pipe',
    'namespaces:\n  a:\n    nftables: |\n    table ip t {\n    }\n',
    ['4:5 the text after | is not indented | Indent it further than the line above it, which ends in |.'],
  ],
  [
    'endpoint3',
    'namespaces: { a: , b: }\nlinks:\n  - endpoints: [a:eth0:10.0.0.1/24, b:eth0:10.0.0.2/24]\n',
    [
      '3:17 the address 10.0.0.1/24 is not part of the end’s name | Ends with addresses are a map: endpoints: { a:eth0: 10.0.0.1/24, b:eth0: 10.0.0.2/24 }.',
    ],
  ],
  [
    'endpoint3map',
    'namespaces: { a: , b: }\nlinks:\n  - endpoints: { a:eth0:10.0.0.1/24, b:eth0:10.0.0.2/24 }\n',
    [
      '3:18 the address 10.0.0.1/24 is not part of the end’s name | Ends with addresses are a map: endpoints: { a:eth0: 10.0.0.1/24, b:eth0: 10.0.0.2/24 }.',
    ],
  ],
  [
    'endpoint3list',
    'namespaces: { a: , b: }\nlinks:\n  - endpoints:\n    - a:eth0: 10.0.0.1/24\n    - b:eth0: 10.0.0.2/24\n',
    [
      '4:7 links[0].endpoints[0]: expected text, found a map | Ends with addresses are a map: endpoints: { a:eth0: 10.0.0.1/24, b:eth0: 10.0.0.2/24 }, without dashes.',
    ],
  ],
  [
    'endpoint-at',
    'namespaces: { a: , b: }\nlinks:\n  - endpoints: [a, b]\n',
    [
      '3:17 "a" is not an end of a link | Name the interface, too: a:eth0.',
      '3:20 "b" is not an end of a link | Name the interface, too: b:eth0.',
    ],
  ],
  [
    'link-text',
    'namespaces: { a: , b: }\nlinks:\n  - a:eth0 -- b:eth0\n',
    ['3:5 links[0]: expected a map, found text "a:eth0 -- b:eth0" | Write { endpoints: [a:eth0, b:eth0] }.'],
  ],
  [
    'link-list',
    'namespaces: { a: , b: }\nlinks:\n  - [a:eth0, b:eth0]\n',
    ['3:5 links[0]: expected a map, found a list | Write { endpoints: [a:eth0, b:eth0] }.'],
  ],
  ['key-quote', 'namespaces:\n  "a: {}\n', ['2:3 this quote is not closed | Add " where the text ends.']],
  [
    'comma',
    'namespaces: { a: { forwarding: true } b: }\n',
    [
      '1:39 a comma is missing here | In braces and brackets, commas separate the items. Text that contains brackets or braces needs quotes.',
    ],
  ],
  [
    'comma-list',
    'namespaces: { a: , b: }\nlinks: [{ endpoints: [a:e0 b:e0] }]\n',
    ['2:22 a link has two ends, this one has 1 | A comma is missing between the ends.'],
  ],
  [
    'trailing',
    'namespaces:\n  a:\n    forwarding: true,\n',
    ['3:17 namespaces.a.forwarding: expected true, false, ipv4, ipv6; found text "true," | Write true without the ,'],
  ],
  [
    'json-equal',
    'namespaces:\n  a:\n    forwarding = true\n',
    [
      '3:5 namespaces.a: expected a map or nothing, found text "forwarding = true" | Write a colon and a space: forwarding: true',
    ],
  ],
  ['text-only', 'hello\n', ['1:1 a lab file is a map with namespaces and links | See docs/language.md.']],
  [
    'rule-colon',
    'namespaces:\n  a:\n    iptables:\n      filter:\n        INPUT:\n          - -j LOG --log-prefix "x: "\n',
    [
      '6:13 a colon followed by a space makes this text a map | Put the whole text in quotes: \'-j LOG --log-prefix "x: "\'.',
    ],
  ],
  [
    'rule-quote',
    'namespaces:\n  a:\n    iptables:\n      filter:\n        INPUT:\n          - "-j LOG" --log-prefix x\n',
    ['6:22 there is text after the closing quote | Put the whole text in quotes: "-j LOG --log-prefix x".'],
  ],
  [
    'dash-nospace',
    'namespaces: { a: , b: }\nlinks:\n  -endpoints: [a:e0, b:e0]\n',
    ['3:3 links: expected a list, found a map | A space is missing after the dash: - endpoints: …'],
  ],
  [
    'dash-nospace2',
    'namespaces:\n  a:\n    routes:\n      -to: default\n       via: 10.0.0.1\n',
    ['4:7 a space is missing after the dash | Write - to: default'],
  ],
  [
    'smart-quote',
    'namespaces:\n  a: { interfaces: { lo: “10.0.0.1/24” } }\n',
    [
      '2:26 "“10.0.0.1/24”" is not an address with a prefix length | Write it as 192.168.0.2/24 or fd00::2/64. Its quotes are not those of YAML: " or \'.',
    ],
  ],
  [
    'nbsp',
    'namespaces:\n  a:\n',
    [
      '2:1   a:   a is beside namespaces, which is empty | If   a belongs to namespaces, indent it further. It contains a no-break space: type the space again.',
    ],
  ],
  [
    'semicolon',
    'namespaces:\n  a:\n    forwarding: true;\n',
    ['3:17 namespaces.a.forwarding: expected true, false, ipv4, ipv6; found text "true;" | Write true without the ;'],
  ],
  [
    'empty-ns',
    'namespaces:\n',
    ['1:12 namespaces: expected a map, found nothing | Put its entries on the lines below, indented further.'],
  ],
  ['no-ns', 'links: []\n', ['1:1 "namespaces" is missing | ']],
  [
    'multi-key',
    'namespaces: a: b\n',
    [
      '1:13 two keys on one line | Put the second key on its own line, indented further, or both in braces: { KEY: VALUE }. Text that contains a colon and a space needs quotes.',
    ],
  ],
  [
    'addr-list-text',
    'namespaces:\n  a:\n    interfaces:\n      lo: 10.0.0.1/24, 10.0.0.2/24\n',
    [
      '4:11 "10.0.0.1/24, 10.0.0.2/24" is not an address with a prefix length | Write a list: [10.0.0.1/24, 10.0.0.2/24].',
    ],
  ],
  [
    'addr-list-space',
    'namespaces:\n  a:\n    interfaces:\n      lo: 10.0.0.1/24 10.0.0.2/24\n',
    [
      '4:11 "10.0.0.1/24 10.0.0.2/24" is not an address with a prefix length | Write a list: [10.0.0.1/24, 10.0.0.2/24].',
    ],
  ],
  [
    'indent-list',
    'namespaces: { a: , b: }\nlinks:\n  - endpoints: [a:e0, b:e0]\n   mtu: 1400\n',
    [
      '4:4 this line is indented by 3 spaces, and no line above it is | Lines of the same map or list begin in the same column: indent it by 0, 2 or 4.',
    ],
  ],
  [
    'indent-list2',
    'namespaces: { a: , b: }\nlinks:\n  - endpoints: [a:e0, b:e0]\n      mtu: 1400\n',
    [
      '4:7 this line is indented by 6 spaces, and no line above it is | Lines of the same map or list begin in the same column: indent it by 0, 2 or 4.',
    ],
  ],
  [
    'comment-nospace',
    'namespaces:\n  a:\n    forwarding: true#x\n',
    [
      '3:17 namespaces.a.forwarding: expected true, false, ipv4, ipv6; found text "true#x" | A space is missing before the comment.',
    ],
  ],
  [
    'crlf-tab',
    'namespaces:\r\n\ta:\r\n',
    ['2:1 a tab cannot be used to indent | Indent with spaces, usually two for each level.'],
  ],
])('%s', (_, text, errors) => expect(told(text)).toEqual(errors))

test.each<[string, string, string[]]>([
  [
    'docker compose',
    'services:\n  web:\n    image: nginx\n    ports: ["8080:80"]\nnetworks:\n  front:\n    driver: bridge\n',
    [
      '1:1 services: unknown field "services" | netlab calls them namespaces: namespaces: { NAME: , NAME: }. Programs that run in a namespace are its processes: processes: { NAME: { command: [PROGRAM, ARGUMENT] } }.',
      '5:1 networks: unknown field "networks" | A network is a bridge with its links: namespaces: { NAME: { bridges: { br0: 172.18.0.1/16 } } }, and links: [{ endpoints: [web:eth0, NAME:br0] }].',
    ],
  ],
  [
    'containerlab',
    'name: x\ntopology:\n  nodes:\n    a: { kind: linux, image: alpine }\n    b: { kind: linux }\n  links:\n    - endpoints: ["a:eth1", "b:eth1"]\n',
    [
      '2:1 topology: unknown field "topology" | Write its nodes as namespaces and its links as links, both at the top of the file.',
    ],
  ],
  [
    'ports of a container',
    'namespaces:\n  web: { ports: ["8080:80"] }\n',
    [
      '2:10 namespaces.web.ports: unknown field "ports" | A published port is a rule: iptables: { nat: { PREROUTING: [-p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80] } } in the router. See labs/07-published-ports.yaml.',
    ],
  ],
  [
    'an image',
    'namespaces:\n  web: { image: nginx }\n',
    ['2:10 namespaces.web.image: unknown field "image" | Leave it out: a namespace uses the programs of this machine.'],
  ],
  [
    'container_name',
    'namespaces:\n  web: { container_name: w }\n',
    ['2:10 namespaces.web.container_name: unknown field "container_name" | Leave it out: the key is the name.'],
  ],
  [
    'networks of a service',
    'namespaces:\n  web: { networks: { front: { ipv4_address: 172.18.0.2 } } }\n',
    [
      '2:10 namespaces.web.networks: unknown field "networks" | Connect the namespace to the network’s bridge by a link: links: [{ endpoints: { web:eth0: 172.18.0.2/16, NAME:br0: } }].',
    ],
  ],
  [
    'a node of containerlab',
    'namespaces:\n  a: { kind: linux }\n',
    [
      '2:8 namespaces.a.kind: unknown field "kind" | Leave it out: every node is a Linux network namespace. A bridge is in a namespace: bridges: { br0: }.',
    ],
  ],
  [
    'an address of an interface',
    'namespaces:\n  a: { interfaces: { lo: { ipv4_address: 10.0.0.1 } } }\n',
    ['2:28 namespaces.a.interfaces.lo.ipv4_address: unknown field "ipv4_address" | Write addresses: [10.0.0.2/24].'],
  ],
  [
    'the subnet of a bridge',
    'namespaces:\n  a: { bridges: { br0: { subnet: 172.18.0.0/16, gateway: 172.18.0.1 } } }\n',
    [
      '2:26 namespaces.a.bridges.br0.subnet: unknown field "subnet" | The prefix length of an address defines the subnet: addresses: [172.18.0.1/16].',
      '2:49 namespaces.a.bridges.br0.gateway: unknown field "gateway" | The gateway of a bridge’s hosts is its own address: addresses: [172.18.0.1/16].',
    ],
  ],
  [
    'a gateway',
    'namespaces:\n  a: { gateway: 10.0.0.1 }\n',
    [
      '2:8 namespaces.a.gateway: unknown field "gateway" | A gateway is a route: routes: [{ to: default, via: 10.0.0.1 }].',
    ],
  ],
  [
    'a route',
    'namespaces:\n  a: { routes: [{ destination: default, gateway: 10.0.0.1 }] }\n',
    [
      '2:19 namespaces.a.routes[0].destination: unknown field "destination" | netlab calls it to.',
      '2:41 namespaces.a.routes[0].gateway: unknown field "gateway" | netlab calls it via.',
    ],
  ],
  [
    'a link of other forms',
    'namespaces: { a: , b: }\nlinks: [{ source: a, target: b }]\n',
    [
      '2:11 links[0].source: unknown field "source" | A link has two ends: endpoints: [NAMESPACE:INTERFACE, NAMESPACE:INTERFACE].',
      '2:22 links[0].target: unknown field "target" | A link has two ends: endpoints: [NAMESPACE:INTERFACE, NAMESPACE:INTERFACE].',
    ],
  ],
  [
    'delay',
    'namespaces: { a: , b: }\nlinks: [{ endpoints: [a:e0, b:e0], delay: 20ms }]\n',
    [
      '2:36 links[0].delay: unknown field "delay" | Delay, loss and rate are impairments: impairments: { delay: 20ms, loss: 1%, rate: 10mbit }.',
    ],
  ],
  [
    'nodes of containerlab’s long links',
    'namespaces: { a: , b: }\nlinks: [{ endpoints: [{ node: a, interface: e0 }, { node: b, interface: e0 }] }]\n',
    ['2:23 links[0].endpoints[0]: expected text, found a map | Write a:e0.'],
  ],
  [
    'networks at the top',
    'namespaces: { a: }\nnetworks: { front: }\n',
    [
      '2:1 networks: unknown field "networks" | A network is a bridge with its links: namespaces: { NAME: { bridges: { br0: 172.18.0.1/16 } } }, and links: [{ endpoints: [web:eth0, NAME:br0] }].',
    ],
  ],
])('words of others: %s', (_, text, errors) => expect(told(text)).toEqual(errors))

test.each([
  [
    'MAC addresses are text, whatever the digits',
    'namespaces: { a: { interfaces: { x: { type: dummy, mac: 10:20:30:40:50:60 } } } }',
  ],
  ['addresses of IPv6 in braces', 'namespaces: { a: { interfaces: { lo: [fd00::1/64] } } }'],
  ['ranges in block form', 'namespaces:\n  h[1..3]:\n    interfaces:\n      lo: 10.0.{i}.1/24\n'],
  ['True', 'namespaces: { a: { forwarding: True } }'],
])('no mistake: %s', (_, text) => expect(told(text)).toEqual([]))

test('what the parser itself says is never the sentence', () => {
  const pieces = [
    'a',
    ': ',
    '{',
    '}',
    '[',
    ']',
    ',',
    '\n',
    '  ',
    '- ',
    '"',
    "'",
    '\t',
    '#',
    '&',
    '*',
    '!',
    '|',
    '%',
    '@',
    '?',
  ]
  const parser = /^[A-Z]|flow|scalar|mapping|token|[Ii]mplicit/
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (parts) => {
      const text = `namespaces:\n  ${parts.join('')}`
      const errors = diagnose({ file: 'lab.yaml', text }).filter(({ code }) => code === 'yaml-syntax')
      for (const { summary } of errors) expect(summary).not.toMatch(parser)
    }),
    { numRuns: 300 },
  )
})

test('the keys of a large map are not compared with each other', () => {
  const entries = Array.from({ length: 20_000 }, (_, i) => `  h${i}: &a${i} {}\n`).join('')
  const began = process.cpuUsage()
  const { errors } = parseYaml('large.yaml', `namespaces:\n${entries}  h7: {}\n`)
  expect(errors.map(({ position }) => position?.line)).toEqual([20_002])
  // Comparing them takes half a minute.
  expect(process.cpuUsage(began).user).toBeLessThan(10_000_000)
})

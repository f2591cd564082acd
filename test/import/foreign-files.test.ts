import { readFileSync } from 'node:fs'
import { fromClab } from '../../src/import/clab.ts'
import { fromCompose } from '../../src/import/compose.ts'
import type { FromFile } from '../../src/import/foreign-file.ts'
import { labText } from '../../src/import/lab-text.ts'
import { loadLab } from '../../src/language/load-lab.ts'
import { formatYaml } from '../../src/language/yaml/format.ts'
import type { UserError } from '../../src/model/diagnostic.ts'

const textOf = ({ lab }: FromFile): string => formatYaml(labText(lab, []))
const leftOf = ({ leftOut }: FromFile): string[] =>
  leftOut.map(({ position: { line, column }, what, why }) => `${line}:${column} ${what}: ${why}`)
const fixture = (name: string): string => readFileSync(`test/fixtures/import/${name}`, 'utf8')
const load = (made: FromFile) => loadLab({ file: 'lab.yaml', text: textOf(made) })

test.each([
  ['docker-compose.yml', fromCompose],
  ['ring.clab.yml', fromClab],
] as const)('%s', (name, read) => {
  const made = read(name, fixture(name))
  expect(textOf(made)).toMatchSnapshot('lab')
  expect(leftOf(made)).toMatchSnapshot('left out')
  expect(load(made).checks.length).toBeGreaterThan(4)
})

describe('compose', () => {
  const compose = (text: string): FromFile => fromCompose('shop/compose.yaml', text)
  const rules = (ports: string): string =>
    textOf(compose(`services: { web: { ports: ${ports} } }`))
      .match(/-p [^\]\n]* -j DNAT [^\]\n]*/g)
      ?.join('\n') ?? ''

  test.each([
    ['["80:8080"]', '-p tcp --dport 80 -j DNAT --to-destination 172.18.0.2:8080'],
    ['["0.0.0.0:53:53/udp"]', '-p udp --dport 53 -j DNAT --to-destination 172.18.0.2:53'],
    ['[{ target: 80, published: 8080 }]', '-p tcp --dport 8080 -j DNAT --to-destination 172.18.0.2:80'],
    ['["9000-9001:80-81"]', '-p tcp --dport 9000 -j DNAT --to-destination 172.18.0.2:80'],
    ['["${PORT:-8080}:80"]', '-p tcp --dport 8080 -j DNAT --to-destination 172.18.0.2:80'],
    ['["3000"]', ''],
    ['["127.0.0.1:3000:3000"]', ''],
  ])('ports: %s', (ports, first) => expect(rules(ports).split('\n')[0]).toBe(first))

  test.each([
    ['["80:"]', 'is not a port'],
    ['["0:80"]', 'is not a port'],
    ['["80-82:80-81"]', 'is not a port'],
    ['["70000:80"]', 'is not a port'],
    ['[{ target: 80, published: 80, protocol: "tcp -j ACCEPT" }]', '"tcp -j ACCEPT" is not a protocol of a port'],
  ])('ports: %s is an error at its line', (ports, summary) => {
    const reading = () => compose(`services:\n  web:\n    ports: ${ports}`)
    expect(reading).toThrow(summary)
    try {
      reading()
    } catch (error) {
      expect((error as UserError).diagnostics[0]?.position).toMatchObject({ file: 'shop/compose.yaml', line: 3 })
    }
  })

  test.each([
    ['services: { "a b": {} }', 'no namespace can be called "a b"'],
    ['services: { a: { networks: [x] } }', 'there is no network x'],
    [
      'services: { a: {} }\nnetworks: { default: { ipam: { config: [{ subnet: "10.0.0.0/40" }] } } }',
      'is not a subnet',
    ],
    [
      'services: { a: {} }\nnetworks: { default: { ipam: { config: [{ subnet: 10.0.0.0/24, gateway: "x" }] } } }',
      'is not an address',
    ],
    [
      'services: { a: { networks: { default: { ipv4_address: "1; reboot" } } } }\nnetworks: { default: }',
      'is not an address',
    ],
    ['networks: {}', 'has no services'],
    ['services: [', 'Flow sequence'],
    ['- a', 'is not a map'],
  ])('%s is an error', (text, summary) => expect(() => compose(text)).toThrow(summary))

  test('names that are no names of hosts do not get into /etc/hosts', () => {
    const made = compose(
      `services: { a: { networks: { n: { aliases: ["x\\n1.2.3.4 bank", ok] } } } }\nnetworks: { n: }`,
    )
    expect(textOf(made)).toMatch(/172\.18\.0\.2 a ok\W*\n/)
    expect(leftOf(made)).toEqual(['1:45 services.a.networks.n.aliases.0: it is not the name of a host'])
  })

  test('network_mode: what is shared, and what is not there', () => {
    const made = compose(
      'services: { a: { container_name: one }, b: { network_mode: "container:one" }, c: { network_mode: "service:z" }, host: { network_mode: host } }',
    )
    const { namespaces } = load(made)
    expect([namespaces.get('b'), namespaces.get('host')]).toMatchObject([{ shares: 'a' }, { shares: 'docker' }])
    expect(leftOf(made)).toEqual([
      '1:84 services.c.network_mode: there is no service z in the file: it is in no network',
    ])
  })

  test('IPv6, an MTU and an internal network', () => {
    const made = compose(`services: { a: { networks: [n, i] } }
networks:
  n:
    enable_ipv6: true
    driver_opts: { com.docker.network.driver.mtu: 1400, com.docker.network.bridge.name: br-mine }
    ipam: { config: [{ subnet: "fd00:7::/64" }] }
  i: { internal: true }
`)
    expect(textOf(made)).toContain('br-mine: { addresses: [172.18.0.1/16, fd00:7::1/64], mtu: 1400 }')
    expect(textOf(made)).toContain('a:eth0: [172.18.0.2/16, fd00:7::2/64]')
    expect(textOf(made)).not.toContain('-i br-i -o uplink0')
    load(made)
  })
})

describe('containerlab', () => {
  const clab = (nodes: string, links = '[]'): FromFile =>
    fromClab('x.clab.yml', `name: x\ntopology:\n  nodes: ${nodes}\n  links: ${links}`)

  test.each([
    ['{ "a b": {} }', '[]', 'no namespace can be called "a b"'],
    ['{ a: {} }', '[{ endpoints: ["a:eth1"] }]', 'a link has two ends'],
    ['{ a: {} }', '[{ endpoints: ["a:eth1", "b:eth1"] }]', 'there is no node b'],
    ['{ a: {}, b: {} }', '[{ endpoints: ["a:eth1/1", "b:eth1"] }]', 'no lab has an interface of the name "eth1/1"'],
  ])('%s %s is an error', (nodes, links, summary) => expect(() => clab(nodes, links)).toThrow(summary))

  test.each([
    ['ip a a 10.0.0.1/24 dev eth1', '10.0.0.1/24'],
    ['bash -c "ip link set eth1 up; ip link set eth1 mtu 1300"', 'mtu: 1300'],
    ['sysctl -w net.ipv6.conf.all.forwarding=1 net.ipv4.ip_forward=1', 'forwarding: true'],
  ])('exec: %s', (command, written) => {
    const made = clab(`{ a: { exec: ['${command}'] }, b: {} }`, '[{ endpoints: ["a:eth1", "b:eth1"] }]')
    expect(textOf(made)).toContain(written)
    expect(leftOf(made)).toEqual([])
    load(made)
  })

  test.each([
    'ip addr add $(hostname) dev eth1',
    'reboot',
    'ip route add 10.0.0.0/8 via x',
    'ip link add br0 type bridge',
  ])('exec: %s is left out', (command) => {
    const made = clab(`{ a: { exec: ['${command}'] } }`)
    expect(leftOf(made)).toHaveLength(1)
    expect(textOf(made)).not.toContain(command)
  })
})

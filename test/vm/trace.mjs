// netlab trace through what carries packets.
import { writeFileSync } from 'node:fs'

const ends = [
  ['left', 1, 2],
  ['right', 2, 1],
]
const LAB = `
name: carried
namespaces:
${ends
  .map(
    ([name, here, there]) => `  ${name}:
    interfaces:
      tgre: { type: gre, local: 10.0.0.${here}, remote: 10.0.0.${there}, key: 7, addresses: [10.1.0.${here}/30] }
      tipip: { type: ipip, local: 10.0.0.${here}, remote: 10.0.0.${there}, addresses: [10.2.0.${here}/30] }
      tsit: { type: sit, local: 10.0.0.${here}, remote: 10.0.0.${there}, addresses: ["fd03::${here}/64"] }
      v5: { type: vlan, id: 5, link: eth0, addresses: [10.4.0.${here}/24] }`,
  )
  .join('\n')}
links: [{ endpoints: { left:eth0: 10.0.0.1/24, right:eth0: 10.0.0.2/24 } }]
`

/** Protocols of IP, by the interface that they carry packets for: GRE, and IPv4 and IPv6 in IPv4. */
const CARRIED = { tgre: ['10.1.0.2', '47'], tipip: ['10.2.0.2', '4'], tsit: ['fd03::2', '41'], v5: ['10.4.0.2'] }

export function trace({ netlab, must, check }) {
  const file = '/tmp/carried.yaml'
  writeFileSync(file, LAB)
  must(netlab('apply', file, '-y'))
  for (const [device, [address, protocol]] of Object.entries(CARRIED)) {
    const { verdict, hops = [], reply, error } = JSON.parse(netlab('trace', 'left', address, '--json').stdout)
    const points = ({ interfaces = [] } = {}) => interfaces.map((one) => [one.interface, one.carried_by?.protocol])
    check(
      `trace: ${device} (${error ?? verdict})`,
      [verdict, points(hops[0]), points(reply?.hops[1])],
      [
        'answered',
        [
          [device, undefined],
          ['eth0', protocol],
        ],
        [
          ['eth0', protocol],
          [device, undefined],
        ],
      ],
    )
  }
  must(netlab('destroy', file, '-y'))
}

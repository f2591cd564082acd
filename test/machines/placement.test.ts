import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadLab, openLab, type Lab } from '../../src/language/load-lab.ts'
import { mustFit } from '../../src/machines/join.ts'
import { openPart, partDataOf, partsOf, type PartData } from '../../src/machines/part.ts'
import { placesOf } from '../../src/machines/placement.ts'
import { withSmallMtus } from '../../src/machines/small-mtus.ts'
import type { UserError } from '../../src/model/diagnostic.ts'
import { NEAR } from '../../src/model/other-machine.ts'
import { wiresOf, type Spread } from '../../src/machines/wires.ts'
import { randomOf } from '../support/damage.ts'

const load = (text: string): Lab => loadLab({ file: 'lab.yaml', text, lint: false })
const MACHINES = 'machines: { left: { ssh: left }, right: { ssh: right }, third: { ssh: third } }\nplace: auto\n'

/** A fat tree of switches with four ports: 16 hosts, 20 switches, 48 links. */
function fatTree(more = ''): Lab {
  const names: string[] = []
  const links: string[] = []
  for (let pod = 0; pod < 4; pod++)
    for (let i = 0; i < 2; i++) {
      names.push(`e${pod}${i}`, `a${pod}${i}`)
      for (let j = 0; j < 2; j++) {
        names.push(`h${pod}${i}${j}`)
        links.push(`["h${pod}${i}${j}:eth0", "e${pod}${i}:d${j}"]`, `["e${pod}${i}:u${j}", "a${pod}${j}:d${i}"]`)
        links.push(`["a${pod}${i}:u${j}", "c${i}${j}:p${pod}"]`)
      }
    }
  names.push('c00', 'c01', 'c10', 'c11')
  const ends = links.map((ends) => `  - endpoints: ${ends}\n`).join('')
  return load(`${MACHINES}namespaces: { ${names.map((name) => `${name}: {}`).join(', ')}${more} }\nlinks:\n${ends}`)
}

describe('place: auto', () => {
  const lab = fatTree()
  const places = placesOf(lab, new Map())
  const sizes = (): number[] =>
    ['left', 'right', 'third'].map((name) => Object.values(places).filter((place) => place === name).length)

  test('gives all machines about as many namespaces', () => {
    expect(sizes().reduce((sum, size) => sum + size, 0)).toBe(36)
    expect(Math.max(...sizes())).toBe(12)
  })

  test('joins machines by at most half as many wires as chance does', () => {
    const random = randomOf(1)
    const by = (of: Record<string, string>): number => wiresOf(lab, of).length
    const chance = Array.from({ length: 20 }, () =>
      by(Object.fromEntries(Object.keys(places).map((name) => [name, ['left', 'right', 'third'][random(3)]!]))),
    )
    const average = chance.reduce((sum, one) => sum + one, 0) / chance.length
    expect(by(places)).toBeLessThanOrEqual(average / 2)
  })

  test('leaves what is live where it is when a namespace is added', () => {
    const more = placesOf(fatTree(', x: {}'), new Map(Object.entries(places)))
    expect(Object.fromEntries(Object.entries(more).filter(([name]) => name !== 'x'))).toEqual(places)
    expect(['left', 'right', 'third']).toContain(more['x'])
  })

  test('keeps together what needs each other, and the machine’s own namespace where netlab runs', () => {
    const tied = load(`${MACHINES}
namespaces:
  host: { root: true }
  a: { processes: { one: { command: [sleep, "1"] } } }
  b: { processes: { two: { command: [sleep, "1"], after: a/one } } }
  pod: { shares: b }
  c: { machine: third }
  d[1..3]: {}
  e: {}
  leaf: { bridges: { br: }, interfaces: { vxlan1: { type: vxlan, id: 1, dstport: 4789, master: br } } }
  f[1..9]: {}
links: [{ endpoints: ["f1:eth0", "leaf:br"] }]
checks:
  - { from: e, run: "for i in 1 2 3; do ip netns exec d$i true; done" }
`)
    const found = placesOf(tied, new Map())
    expect(found).toMatchObject({ host: 'here', c: 'third' })
    expect(found['pod']).toBe(found['b'])
    expect(found['f1']).toBe(found['leaf'])
    expect(new Set(['d1', 'd2', 'd3', 'e'].map((name) => found[name])).size).toBe(1)
  })
})

describe('the part of a lab on a machine', () => {
  const lab = load(`
machines: { left: { ssh: left }, right: { ssh: right } }
namespaces: { a: { machine: left }, b: { machine: right }, c: { machine: right } }
links:
  - endpoints: { "a:eth0": 10.0.0.1/24, "b:eth0": 10.0.0.2/24 }
  - endpoints: { "b:c": 10.0.1.1/24, "c:b": 10.0.1.2/24 }
checks: [{ from: a, ping: b }, { from: c, ping: a }]
`)
  const places = placesOf(lab, new Map())
  const road = (mtu: number) => ({ device: 'ens3', mtu })
  const spread: Spread = {
    places,
    addresses: { left: '192.0.2.1', right: '192.0.2.2' },
    roads: { left: { right: road(1500) }, right: { left: road(9000) } },
  }

  /** Why a lab is refused between machines with these roads, each with its line. */
  const refusals = (text: string, roads: Spread['roads']): string[] => {
    const opened = openLab({ file: 'lab.yaml', text, lint: false })
    const here = { ...spread, roads, places: placesOf(opened.lab(), new Map()) }
    try {
      mustFit(wiresOf(opened.lab(), here.places), here, withSmallMtus(opened.lab(), here), opened)
      return []
    } catch (error) {
      return (error as UserError).diagnostics.map(({ position, summary }) => `${position?.line} ${summary}`)
    }
  }

  test('has a VXLAN in place of a cable to another machine, as large as fits on both sides', () => {
    const { resources, namespaces } = partsOf(withSmallMtus(lab, spread), spread)('left').lab
    expect([...resources.values()].find(({ id }) => id === 'a/eth0')).toMatchObject({
      kind: 'vxlan',
      spec: { local: '192.0.2.1', remote: '192.0.2.2', link: 'left/ens3', mtu: 1450, dstport: 4789 },
    })
    expect([...namespaces.keys()]).toEqual(['a', 'left'])
    const other = partsOf(lab, spread)('right').lab.resources
    expect(other.get('b/eth0')?.spec['id']).toBe(resources.get('a/eth0')?.spec['id'])
    expect(other.get('b/c')?.kind).toBe('veth')
  })

  test('has what is on such a link as small as it has to be, where the file says no MTU', () => {
    const stacked = load(`
machines: { left: { ssh: left }, right: { ssh: right } }
namespaces:
  a:
    machine: left
    interfaces:
      vlan7: { type: vlan, id: 7, link: eth0 }
      said: { type: macvlan, link: eth0, mtu: 1300 }
      tun0: { type: gre, local: 10.0.0.1, remote: 10.0.0.2 }
      bond0: { type: bond }
      other: { type: dummy }
  m: { interfaces: { eth0: { type: macvlan, link: "a:vlan7" } }, machine: left }
  b: { machine: right }
links:
  - endpoints: { "a:eth0": 10.0.0.1/24, "b:eth0": 10.0.0.2/24 }
  - endpoints: { "a:eth1": { master: bond0 }, "b:eth1": }
  - endpoints: { "a:eth2": { master: bond0 }, "m:eth2": }
`)
    const { resources } = withSmallMtus(stacked, { ...spread, places: placesOf(stacked, new Map()) })
    const mtus = ['vlan7', 'said', 'tun0', 'bond0', 'eth1', 'eth2', 'other'].map((name) => [
      name,
      resources.get(`a/${name}`)?.spec['mtu'],
    ])
    expect(Object.fromEntries([...mtus, ['macvlan', resources.get('m/eth0')?.spec['mtu']]])).toEqual({
      ...{ vlan7: 1450, said: 1300, tun0: 1426, other: 1500, macvlan: 1450 },
      ...{ bond0: 1450, eth1: 1450, eth2: 1450 },
    })
  })

  test('has no MTU that the file says and the kernel refuses on such a link', () => {
    const text = `
machines: { left: { ssh: left }, right: { ssh: right } }
namespaces:
  a:
    machine: left
    bridges: { br0: }
    interfaces:
      vlan7: { type: vlan, id: 7, link: eth0, mtu: 1451 }
      vlan8: { type: vlan, id: 8, link: eth0, mtu: 1450 }
      vlan6: { type: vlan, id: 6, link: eth0 }
      mac: { type: macvlan, link: vlan6, mtu: 1460 }
      vxlan1: { type: vxlan, id: 1, link: eth0, mtu: 1401 }
      sec: { type: macsec, link: eth1, mtu: 1419 }
      ip: { type: ipvlan, link: eth2, mtu: 1500 }
      gre: { type: gre, remote: 10.0.0.2, link: eth0, mtu: 1500 }
      vlan9: { type: vlan, id: 9, link: br0, mtu: 1500 }
      bond0: { type: bond, mtu: 1460 }
  b: { machine: right }
links:
  - endpoints: ["a:eth0", "b:eth0"]
  - endpoints: ["a:eth1", "b:eth1"]
  - endpoints: ["a:eth2", "b:eth2"]
  - endpoints: { "a:eth3": { bridge: br0 }, "b:eth3": }
  - endpoints: { "a:eth4": { master: bond0 }, "b:eth4": }
`
    expect(refusals(text, spread.roads)).toEqual([
      '24 an MTU of 1460 does not fit between left and right: their packets carry 1450 bytes of a link',
      '8 an MTU of 1451 does not fit on a:eth0: packets between machines leave 1450',
      '11 an MTU of 1460 does not fit on a:vlan6: packets between machines leave 1450',
      '12 an MTU of 1401 does not fit on a:eth0: packets between machines leave 1400',
      '13 an MTU of 1419 does not fit on a:eth1: packets between machines leave 1418',
      '16 an MTU of 1500 does not fit on a:br0: packets between machines leave 1450',
    ])
  })

  test('has no IPv6 addresses on what is too small for them because of such a link', () => {
    const text = `
machines: { left: { ssh: left }, right: { ssh: right } }
namespaces: { a: { machine: left, bridges: { br0: "fd01::1/64" } }, b: { machine: right } }
links:
  - endpoints: { "a:eth0": 10.0.0.1/24, "b:eth0": ["10.0.0.2/24", "fd00::2/64"] }
  - endpoints: { "a:eth1": { bridge: br0 }, "b:eth1": }
`
    const least = { left: { right: road(1330) }, right: { left: road(1330) } }
    expect(refusals(text, least)).toEqual([])
    expect(refusals(text, { ...least, right: { left: road(1320) } })).toEqual([
      '3 packets between machines leave a:br0 an MTU of 1270, and IPv6 needs 1280',
      '5 packets between machines leave b:eth0 an MTU of 1270, and IPv6 needs 1280',
    ])
  })

  test('has the checks that begin there', () => {
    expect(partsOf(lab, spread)('right').lab.checks).toMatchObject([{ from: 'c' }])
  })

  test('leaves links to machines that are left out, and what is on them, as they are', () => {
    const { lab: part, spare } = partsOf(lab, { ...spread, roads: {} })('left')
    expect([...spare].sort()).toEqual(['a/eth0', 'a/eth0/10.0.0.1/24'])
    expect([...part.resources.keys()].filter((id) => id.startsWith('a/eth0'))).toEqual([])
    // Plans say where what is deleted was.
    expect(part.namespaces.get('left')).toEqual({ borrowed: '(machine)' })
  })

  test('is the same on the other side, for labs with resources of every kind', () => {
    const folders = readdirSync('test/fixtures/dumps').map((entry) => join('test/fixtures/dumps', entry))
    const files = folders.map((folder) => join(folder, 'lab.yaml')).filter((file) => existsSync(file))
    expect(files.length).toBeGreaterThan(5)
    for (const file of files) {
      const readBeside = (path: string): string => readFileSync(join(file, '..', path), 'utf8')
      const whole = openLab({ file, text: readFileSync(file, 'utf8'), readBeside, lint: false })
      const here = { places: placesOf(whole.lab(), new Map()), addresses: {}, roads: {} }
      const text = JSON.stringify(partDataOf(whole.lab(), here)(NEAR))
      const part = openPart(JSON.parse(text) as PartData, () => whole)
      const said = ({ resources }: Lab): unknown[] =>
        [...resources.values()].map((r) => ({ ...r, source: r.source?.() }))
      expect(said(part.lab())).toEqual(said(whole.lab()))
    }
  })

  test('finds the namespaces of others, which the file names by what has them', () => {
    const text = 'namespaces: { a: { container: web }, b: {} }\nlinks: [{ endpoints: ["a:e", "b:e"] }]\n'
    const whole = openLab({ file: 'lab.yaml', text, lint: false })
    const here = { places: { a: NEAR, b: NEAR }, addresses: {}, roads: {} }
    const found = new Map([['a', '/proc/7/ns/net']])
    const [part, same] = [openPart(partDataOf(whole.lab(), here)(NEAR), () => whole), whole].map((one) => one.at(found))
    const bare = (lab: Lab): unknown[] => [...lab.resources.values()].map(({ source: _, ...r }) => r)
    expect(bare(part!.lab())).toEqual(bare(same!.lab()))
    expect([...part!.namespaces]).toEqual([...same!.namespaces, ['here', { borrowed: '(machine)' }]])
  })
})

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openWorld, type World } from '../support/netns.ts'
import { until } from '../support/until.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
  await sh(`
    ip netns add far
    ip link add nic0 type veth peer name nic0 netns far
    ip -n far link set nic0 up; ip -n far addr add 192.0.2.1/24 dev nic0
    ip link set nic0 up; ip addr add 192.0.2.2/24 dev nic0; ip addr add 2001:db8::2/64 dev nic0 nodad
    ip route add 203.0.113.0/24 via 192.0.2.1
    ip link add br-host type bridge; ip link set br-host up; ip addr add 10.50.0.254/24 dev br-host
    ip link add p0 address 52:54:00:00:00:01 type veth peer name p1; ip link set p0 master br-host up; ip link set p1 up`)
  // The kernel acts on new carriers within a second.
  await until(
    () => sh('bridge link; ip link'),
    (text) => /p0@.* state forwarding/.test(text) && !text.includes('NO-CARRIER'),
  )
})
afterAll(() => world.close())

const sh = async (script: string): Promise<string> => {
  const { code, stdout, stderr } = await world.run(['sh', '-ec', script])
  if (code !== 0) throw new Error(stderr)
  return stdout
}
const file = (): string => join(world.folder, 'machine.yaml')
const lab = (me: string, more = ''): void =>
  writeFileSync(
    file(),
    `name: mach
namespaces:
  me: { root: true, ${me} }
  h1:
    interfaces:
      mv0: { type: macvlan, link: "me:nic0", addresses: [192.0.2.20/24] }
      vx0: { type: vxlan, id: 7, link: "me:nic0", remote: 192.0.2.1, addresses: [10.9.0.1/24] }
  h2: ${more}
links:
  - endpoints: { "h1:eth0": 10.50.0.1/24, "me:br-host": }
  - endpoints: { "h2:eth0": 10.50.0.2/24, "me:br-host": }
checks:
  - { from: h1, ping: h2 }
  - { from: h1, ping: 10.50.0.254 }
  - { from: h1, ping: 192.0.2.1 }
  - { from: me, run: [ping, -c1, -W2, 192.0.2.9] }
`,
  )
const whole =
  'bridges: { br-host: { existing: true, addresses: [10.50.0.9/24, 10.50.0.10/24] } }, interfaces: { nic0: { existing: true, addresses: [192.0.2.9/24, "2001:db8::9/64", 198.18.0.1/24] } }, routes: [{ to: 198.51.100.0/24, via: 192.0.2.1, dev: nic0 }, { to: 203.0.113.0/25, via: 198.18.0.2 }]'
/** Everything that the machine has, without what only counts time. */
const machine = (): Promise<string> =>
  sh(
    `ip -d link show | sed 's/_timer *[0-9.]*//g; s/state [A-Z]*//'; ip addr show | grep -v valid_lft | sed 's/ tentative//; s/state [A-Z]*//'; ip route; ip -6 route; bridge link`,
  )
const run = async (args: string[], env: Record<string, string> = {}) => {
  const { code, stdout, stderr } = await world.netlab([...args], { env })
  return { code, text: stdout + stderr }
}

test.each(['netlink', 'ip'])(
  'what is the machine’s own is used, and left as it was (%s)',
  async (runner) => {
    const env = { NETLAB_RUNNER: runner }
    const before = await machine()
    lab(whole)
    expect(await run(['apply', '-y', file()], env)).toMatchObject({ code: 0 })
    for (const NETLAB_RUNNER of ['netlink', 'ip'])
      expect(await run(['plan', file(), '--detailed-exitcode'], { NETLAB_RUNNER })).toMatchObject({ code: 0 })
    expect(await run(['test', file()], env)).toMatchObject({ code: 0 })
    // The bridge keeps its address and MTU, and the machine its way to the subnet.
    expect(await sh('cat /sys/class/net/br-host/address /sys/class/net/br-host/mtu')).toBe('52:54:00:00:00:01\n1500\n')
    expect(await sh('ip route get 192.0.2.1')).toContain('src 192.0.2.2')
    const { text } = await run(['show', file()], env)
    expect(text).toMatch(/^ {2}nic0 +198\.18\.0\.1\/24, 192\.0\.2\.9\/24, 2001:db8::9\/64 +existing$/m)
    expect(text).toMatch(/vx0 .* vxlan on me\/nic0/)

    // What others do there is theirs; what is the lab's comes back.
    await sh('ip addr add 192.0.2.33/24 dev nic0; ip addr del 198.18.0.1/24 dev nic0; ip link set br-host mtu 1400')
    const drift = await run(['plan', file()], env)
    expect(drift.text).toContain('me/nic0/198.18.0.1/24')
    expect(drift.text).toContain('1 to add, 0 to change, 0 to destroy')
    expect(await run(['apply', '-y', file()], env)).toMatchObject({ code: 0 })
    await sh('ip addr del 192.0.2.33/24 dev nic0; ip link set br-host mtu 1500')

    expect(await run(['destroy', '-y', 'mach'], env)).toMatchObject({ code: 0 })
    expect(await until(machine, (now) => now === before)).toBe(before)
  },
  120_000,
)

test('a run that fails is taken back, beside what is the machine’s own', async () => {
  lab(whole)
  expect(await run(['apply', '-y', file()])).toMatchObject({ code: 0 })
  const before = await machine()
  const ids = (text: string): string => text.replace(/^\d+: |@if\d+|@\w+/gm, '')
  lab(
    whole.replace('198.18.0.1/24', '198.18.0.3/24').replace('10.50.0.10/24', '10.50.0.11/24'),
    '{ files: { /etc/hostname/x: { content: a } } }', // which is no folder
  )
  const { code, text } = await run(['apply', '-y', file()])
  expect({ code, text }).toMatchObject({
    code: 1,
    text: expect.stringContaining('Rolled back: the network is as it was.'),
  })
  expect(ids(await until(machine, (now) => ids(now) === ids(before)))).toBe(ids(before))
  lab(whole)
  expect(await run(['plan', file(), '--detailed-exitcode'])).toMatchObject({ code: 0 })
  expect(await run(['destroy', '-y', file()])).toMatchObject({ code: 0 })
  // The kernel takes the macvlan off nic0 when destroy has ended.
  const nic = (): Promise<string> => sh('ip -d link show nic0')
  expect(await until(nic, (text) => text.includes('promiscuity 0'))).toContain('promiscuity 0')
}, 120_000)

test.each([
  ['interfaces: { nic9: { existing: true } }', 'there is no interface nic9 in me', 'nic9'],
  ['bridges: { nic0: { existing: true } }', 'me:nic0 is not a bridge', 'nic0'],
  ['bridges: { br-host: { existing: true, stp: true } }', 'stp of me:br-host belongs to the machine', 'stp'],
  [
    'bridges: { br-host: { existing: true } }, interfaces: { nic0: { existing: true, addresses: [192.0.2.2/24] } }',
    '192.0.2.2/24 is an address of me:nic0 already',
    '192.0.2.2/24',
  ],
])('an error at its place: %s', async (me, summary, place) => {
  lab(me)
  // Where the bridge is not declared, a link cannot end in it.
  if (!me.includes('br-host')) writeFileSync(file(), `name: mach\nnamespaces:\n  me: { root: true, ${me} }\n`)
  const before = await machine()
  const { code, text } = await run(['apply', '-y', file()])
  expect({ code, text }).toMatchObject({ code: 1, text: expect.stringContaining(summary) })
  expect(text).toMatch(new RegExp(`--> .*machine.yaml:3:\\d+[^]*${place.replaceAll('.', '\\.')}`))
  expect(await until(machine, (now) => now === before)).toBe(before)
})

test('a lower device that is not there, a bridge whose MTU would change, and existing elsewhere', async () => {
  writeFileSync(
    file(),
    'name: mach\nnamespaces:\n  me: { root: true }\n  h1: { interfaces: { mv0: { type: macvlan, link: "me:nic7" } } }\n',
  )
  expect((await run(['plan', file()])).text).toMatch(/no interface nic7 in me[^]*machine.yaml:4:/)
  await sh('ip link set p0 mtu 9000; ip link set p1 mtu 9000; ip link set br-host mtu 9000')
  lab('bridges: { br-host: { existing: true } }')
  expect((await run(['plan', file()])).text).toContain('me:br-host has an MTU of 9000, its port here one of 1500')
  await sh('ip link set br-host mtu 1500')
  writeFileSync(file(), 'name: mach\nnamespaces: { h1: { interfaces: { e0: { existing: true } } } }\n')
  expect((await run(['validate', file()])).text).toContain('h1 has no existing interfaces')
})

test('what a namespace that goes occupies at a lower device is free for what the plan makes there', async () => {
  const named = (name: string): void =>
    writeFileSync(
      file(),
      `name: renamed
namespaces:
  me: { root: true, interfaces: { nic0: { existing: true } } }
  ${name}: { interfaces: { vx0: { type: vxlan, id: 9, link: "me:nic0", remote: 192.0.2.1, addresses: [10.9.9.1/24] } } }
`,
    )
  for (const name of ['one', 'two', 'one']) {
    named(name)
    expect(await run(['apply', file(), '-y'])).toMatchObject({ code: 0 })
  }
  expect(await run(['destroy', file(), '-y'])).toMatchObject({ code: 0 })
})

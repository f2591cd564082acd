import { folder, runOn, type Ended } from '../support/commands.ts'
import { labOf } from '../support/recorded.ts'
import { pretend, type Kernel } from '../support/kernel.ts'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { change, type ChangeOptions } from '../../src/commands/apply.ts'
import { listLabs } from '../../src/commands/list.ts'
import { locate } from '../../src/commands/locate.ts'
import { plan } from '../../src/commands/plan.ts'
import type { SavedPlan } from '../../src/commands/saved.ts'
import { show } from '../../src/commands/show.ts'
import { NEAR } from '../../src/model/other-machine.ts'

const router = labOf('router')
const apply = (kernel: Kernel, options: Partial<ChangeOptions> = {}, lab = router): Promise<Ended> =>
  runOn(kernel, (host) =>
    change(host, locate(lab), { color: false, lockTimeout: '60', rollback: true, autoApprove: true, ...options }),
  )
const destroy = (kernel: Kernel, options: Partial<ChangeOptions> = {}, lab = router): Promise<Ended> =>
  apply(kernel, { destroy: true, ...options }, lab)
const planned = (kernel: Kernel, options: Partial<Parameters<typeof plan>[2]> = {}, lab = router): Promise<Ended> =>
  runOn(kernel, (host) => plan(host, locate(lab), { color: false, detailedExitcode: true, ...options }))
const shown = (kernel: Kernel, of: string | undefined = router, options = {}): Promise<Ended> =>
  runOn(kernel, (host) => show(host, of, { color: false, ...options }))
const listed = (kernel: Kernel): Promise<Ended> => runOn(kernel, (host) => listLabs(host, { color: false }))

const addresses = (kernel: Kernel, netns: string, change: (address: string) => string | undefined): void =>
  void kernel.edits.set(netns, ({ addresses }) =>
    addresses.forEach((one) => {
      one.addr_info = one.addr_info.flatMap((info) => {
        const local = change(info.local)
        return local === undefined ? [] : [{ ...info, local }]
      })
    }),
  )
const mtu = (kernel: Kernel, netns: string, value: number): void =>
  void kernel.edits.set(netns, ({ links }) => links.forEach((l) => l.ifname !== 'lo' && (l.mtu = value)))

const created = [
  ...['ns0', 'ns1', 'ns-router'].map(
    (name) =>
      `unshare --net sh -c ip link set dev lo up alias "$1" && ip netns attach "$2" $$ sh netlab:router ${name}`,
  ),
  'ip netns exec ns-router sysctl -qw net.ipv4.ip_forward=1',
  'ip netns exec ns-router sysctl -qw net.ipv6.conf.all.forwarding=1',
  'ip -n ns-router link add name veth0 address 02:6e:dd:4b:ca:a0 mtu 1500 up type veth peer name veth0 netns ns0 address 02:92:7c:83:5e:70 mtu 1500',
  'ip -n ns-router link add name veth1 address 02:84:c9:a1:03:60 mtu 1500 up type veth peer name veth0 netns ns1 address 02:88:00:9d:03:b1 mtu 1500',
  'ip -n ns0 link set dev veth0 up',
  'ip -n ns1 link set dev veth0 up',
  'ip -n ns0 addr add 192.168.0.2/24 dev veth0',
  'ip -n ns0 route add 192.168.1.0/24 via 192.168.0.1 dev veth0',
  'ip -n ns1 addr add 192.168.1.2/24 dev veth0',
  'ip -n ns1 route add 192.168.0.0/24 via 192.168.1.1 dev veth0',
  'ip -n ns-router addr add 192.168.0.1/24 dev veth0',
  'ip -n ns-router addr add 192.168.1.1/24 dev veth1',
]
const removed = ['ns-router', 'ns0', 'ns1'].map((name) => `ip netns del ${name}`)

describe.each(['ip', 'netlink'] as const)('by %s', (by) => {
  test.each(['router', 'published-ports', 'kinds'])('%s comes, is there, and goes', async (name) => {
    const [kernel, lab] = [pretend(name, false, by), labOf(name)]
    expect(await planned(kernel, {}, lab)).toMatchObject({
      code: 2,
      out: expect.stringMatching(/\d to add, 0 to change, 0 to destroy/) as string,
    })
    expect(kernel.done).toEqual([])
    const up = await apply(kernel, {}, lab)
    expect(up).toMatchObject({
      code: 0,
      err: expect.stringContaining(`Lab ${name} is up: verified, nothing is left to do.`) as string,
    })
    expect(await planned(kernel, {}, lab)).toMatchObject({
      code: 0,
      out: `No changes. The live network matches ${lab}.\n`,
    })
    const steps = kernel.done.splice(0)
    expect(up.err).toContain(`[${steps.length}/${steps.length}]`)
    expect(await apply(kernel, {}, lab)).toMatchObject({ code: 0 })
    expect(kernel.done).toEqual([])
    expect(await destroy(kernel, {}, lab)).toMatchObject({
      code: 0,
      err: expect.stringContaining(`Lab ${name} is gone.`) as string,
    })
    expect([...kernel.names]).toEqual([])
    expect(await planned(kernel, { destroy: true }, lab)).toMatchObject({ code: 0 })
  })
})

test('apply does what plan --commands prints, and nothing else', async () => {
  const kernel = pretend('router', false)
  const { out } = await planned(kernel, { commands: true })
  await apply(kernel)
  expect(kernel.done).toEqual(created)
  expect(out.trimEnd().replaceAll("'", '').split('\n')).toEqual(created)
})

test('destroy takes the names of all namespaces, which are held meanwhile', async () => {
  const kernel = pretend('router', true)
  expect(await destroy(kernel)).toMatchObject({ code: 0 })
  expect(kernel.done).toEqual(removed)
  expect(kernel.held.sort()).toEqual(['ns-router', 'ns0', 'ns1'])
})

test('show and list say what is live', async () => {
  const kernel = pretend('router', true)
  expect((await listed(kernel)).out).toBe('router  ns-router ns0 ns1\n')
  const text = (await shown(kernel)).out
  expect(text).toContain('ns-router  forwards\n  veth0  192.168.0.1/24  ── ns0:veth0\n')
  expect(text).toContain('  route 192.168.1.0/24 via 192.168.0.1 dev veth0\n')
  // In the order of the file, and without it of the names.
  const sorted = (lines: string): string[] => lines.split('\n').sort()
  expect(sorted((await shown(kernel, 'router')).out)).toEqual(sorted(text))
  const one = (await shown(kernel, 'ns0')).out
  expect(one).toContain('192.168.0.2/24')
  expect(one).not.toContain('192.168.1.2/24')
  const nothing = pretend('router', false)
  expect((await listed(nothing)).out).toBe('No lab is live here.\n')
  expect(await shown(nothing)).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^lab router is not live/) as string,
  })
})

test('show --rules says the live rules with their counters', async () => {
  const { out } = await shown(pretend('published-ports', true), labOf('published-ports'), { rules: true })
  expect(out).toMatch(/FORWARD/)
  expect(out).toMatch(/203\.0\.113|172\.18\.0\.2/)
})

describe('drift', () => {
  test('apply repairs what was changed, and leaves the rest alone', async () => {
    const kernel = pretend('router', true)
    addresses(kernel, 'ns0', (local) => (local === '192.168.0.2' ? undefined : local))
    mtu(kernel, 'ns1', 1300)
    expect((await planned(kernel)).out).toContain('Plan: 1 to add, 1 to change, 0 to destroy.')
    expect(await apply(kernel)).toMatchObject({ code: 0 })
    expect(kernel.done).toEqual([
      'ip -n ns1 link set dev veth0 mtu 1500',
      'ip -n ns0 addr add 192.168.0.2/24 dev veth0',
    ])
  })

  test('--target repairs only that', async () => {
    const kernel = pretend('router', true)
    mtu(kernel, 'ns0', 1300)
    mtu(kernel, 'ns1', 1300)
    expect(await apply(kernel, { target: ['ns1/veth0'] })).toMatchObject({ code: 0 })
    expect(kernel.done.filter((line) => line.includes('-n ns0 '))).toEqual([])
    expect(kernel.done).toContain('ip -n ns1 link set dev veth0 mtu 1500')
    expect(await apply(kernel, { target: ['ns9/veth0'] })).toMatchObject({
      code: 1,
      err: expect.stringContaining('nothing in router has the id ns9/veth0') as string,
    })
  })

  test('what somebody undoes all the time is given up, and taken back', async () => {
    const kernel = pretend('router', true)
    const change = (): void => mtu(kernel, 'ns1', 1300)
    change()
    kernel.did = change
    const { code, err } = await apply(kernel, { rollback: false })
    expect(code).toBe(1)
    expect(kernel.done).toEqual(Array(3).fill('ip -n ns1 link set dev veth0 mtu 1500'))
    expect(err).toContain('What was done is kept (--no-rollback).')
  })

  test('what changes elsewhere meanwhile is told, and not touched', async () => {
    const kernel = pretend('router', true)
    mtu(kernel, 'ns1', 1300)
    kernel.did = () => mtu(kernel, 'ns0', 1300)
    const { code, err } = await apply(kernel)
    expect(code).toBe(0)
    expect(kernel.done).toEqual(['ip -n ns1 link set dev veth0 mtu 1500'])
    expect(err).toContain('something in ns0 has changed veth0 (mtu) meanwhile; the next plan lists it')
    expect(err).toContain('Lab router is up: verified, what the plan listed is done.')
  })
})

describe('a step that fails', () => {
  test.each(created.map((_, place) => place))('at step %d of apply: what was made goes again', async (place) => {
    const kernel = pretend('router', false)
    kernel.fails = (_, count) =>
      count === place && kernel.done.length === place ? 'Cannot find device "veth0"' : undefined
    const once = kernel.fails
    kernel.fails = (line, count) => {
      const answer = once(line, count)
      if (answer !== undefined) kernel.fails = () => undefined
      return answer
    }
    const { code, err } = await apply(kernel)
    expect(code).toBe(1)
    expect(err).toContain('Cannot find device "veth0"')
    expect(err).toContain(`${place} ${place === 1 ? 'step was' : 'steps were'} done before.`)
    expect(err).toContain('Rolled back: the network is as it was.')
    expect(kernel.done.slice(0, place)).toEqual(created.slice(0, place))
    const made = created.slice(0, Math.min(place, 3)).map((line) => line.slice(line.lastIndexOf(' ') + 1))
    expect(kernel.done.slice(place).sort()).toEqual(made.map((name) => `ip netns del ${name}`).sort())
    expect([...kernel.names]).toEqual([])
  })

  test('--no-rollback keeps what was done', async () => {
    const kernel = pretend('router', false)
    kernel.fails = (_, count) => (count === 2 ? 'no' : undefined)
    const { code, err } = await apply(kernel, { rollback: false })
    expect(code).toBe(1)
    expect(err).toContain('They are kept (--no-rollback).')
    expect([...kernel.names]).toEqual(['ns0', 'ns1'])
  })

  test('what was repaired before is as it was again, and what else is there is not touched', async () => {
    const kernel = pretend('router', true)
    addresses(kernel, 'ns0', (local) => (local === '192.168.0.2' ? '192.168.0.99' : local))
    mtu(kernel, 'ns1', 1300)
    const before = kernel.edits.get('ns0')!
    kernel.fails = (line) => (line.includes('mtu 1500') ? 'Error: no.' : undefined)
    kernel.did = () =>
      void (kernel.done.some((line) => line.includes('addr add 192.168.0.99/24')) && kernel.edits.set('ns0', before))
    const { code, err } = await apply(kernel)
    expect(code).toBe(1)
    expect(kernel.done).toContain('ip -n ns0 addr del 192.168.0.99/24 dev veth0')
    expect(kernel.done).toContain('ip -n ns0 addr add 192.168.0.99/24 dev veth0')
    expect(kernel.done.filter((line) => /ns-router|ns1/.test(line))).toEqual([])
    expect(err).toContain('Rolled back: the network is as it was.')
  })

  test('what somebody else changes meanwhile stays', async () => {
    const kernel = pretend('router', true)
    mtu(kernel, 'ns0', 1300)
    mtu(kernel, 'ns1', 1300)
    kernel.fails = (line) => {
      if (!line.includes('-n ns1 ')) return undefined
      mtu(kernel, 'ns-router', 1300)
      return 'Error: no.'
    }
    kernel.did = (line) => void (line === 'ip -n ns0 link set dev veth0 mtu 1300' && mtu(kernel, 'ns0', 1300))
    const { code, err } = await apply(kernel)
    expect(code).toBe(1)
    expect(kernel.done.filter((line) => line.includes('ns-router'))).toEqual([])
    expect(err).toContain('Rolled back: the network is as it was.')
  })

  test('what cannot be taken back is named', async () => {
    const kernel = pretend('router', false)
    kernel.fails = (line, count) => (count === 5 || line.includes('netns del ns1') ? 'Error: busy.' : undefined)
    const { code, err } = await apply(kernel)
    expect(code).toBe(1)
    expect(err).toContain('error: rolling back: ')
    expect(err).toMatch(/Could not be rolled back:\n(  .*\n)*  ns1 \(still to delete\)/)
  })

  test('of destroy: the names come back', async () => {
    const kernel = pretend('router', true)
    kernel.fails = (line) => (line.endsWith('del ns0') ? 'Error: busy.' : undefined)
    const { code, err } = await destroy(kernel)
    expect(code).toBe(1)
    expect(kernel.done).toEqual(['ip netns del ns-router'])
    expect([...kernel.names].sort()).toEqual(['ns-router', 'ns0', 'ns1'])
    expect(err).toContain('Rolled back: the network is as it was.')
  })

  test('because what is to go is gone already is no failure', async () => {
    const kernel = pretend('router', true)
    kernel.fails = (line) => {
      if (!line.endsWith('del ns0')) return undefined
      kernel.names.delete('ns0')
      return 'Cannot remove namespace file "/run/netns/ns0": No such file or directory'
    }
    expect(await destroy(kernel)).toMatchObject({
      code: 0,
      err: expect.stringContaining('Lab router is gone.') as string,
    })
    expect([...kernel.names]).toEqual([])
  })

  test('a signal lets the step finish, and what was done is taken back', async () => {
    const kernel = pretend('router', false)
    kernel.did = () => void (kernel.done.length === 4 && process.emit('SIGINT'))
    const { code, err } = await apply(kernel)
    expect(code).toBe(130)
    expect(err).toContain('4 steps were done before.')
    expect(kernel.done.slice(0, 4)).toEqual(created.slice(0, 4))
    expect(kernel.done).toHaveLength(7)
    expect([...kernel.names]).toEqual([])
  })

  test('a process that has ended soon after is named', async () => {
    const kernel = pretend('kinds', false)
    const before = { ...kernel.runner.host }
    kernel.runner.host.processes = async (lab) =>
      kernel.done.some((line) => line.includes('nap')) ? { processes: [], homes: [] } : await before.processes(lab)
    const { code, err } = await apply(kernel, {}, labOf('kinds'))
    expect(code).toBe(1)
    expect(err).toMatch(/a\/process\/nap ended soon after it was started/)
    expect([...kernel.names]).toEqual([])
  })
})

describe('what is somebody else’s', () => {
  const alias = (kernel: Kernel, netns: string, text: string | undefined): void =>
    void kernel.edits.set(netns, ({ links }) =>
      links.forEach((l) => l.ifname === 'lo' && (text === undefined ? delete l.ifalias : (l.ifalias = text))),
    )

  test('a namespace of the same name that no lab made is in the way', async () => {
    const kernel = pretend('router', true)
    alias(kernel, 'ns0', undefined)
    for (const { code, err } of [await planned(kernel), await apply(kernel)]) {
      expect(code).toBe(1)
      expect(err).toContain('namespace ns0 exists already, and no lab made it')
    }
    expect(kernel.done).toEqual([])
    expect((await destroy(kernel)).code).toBe(0)
    expect([...kernel.names]).toEqual(['ns0'])
  })

  test('one of another lab as well', async () => {
    const kernel = pretend('router', true)
    alias(kernel, 'ns0', 'netlab:other')
    expect((await apply(kernel)).err).toContain('namespace ns0 exists already, and lab other owns it')
    expect((await listed(kernel)).out).toBe('other   ns0\nrouter  ns-router ns1\n')
    expect(kernel.done).toEqual([])
  })

  test('--adopt takes over what nobody owns', async () => {
    const kernel = pretend('router', true)
    alias(kernel, 'ns0', undefined)
    expect((await apply(kernel, { adopt: true })).code).toBe(0)
    expect(kernel.done.filter((line) => !line.startsWith('ip -n ns0 link set dev lo'))).toEqual([])
    expect(kernel.done).toHaveLength(1)
  })
})

describe('a saved plan', () => {
  const file = join(folder, 'plan')
  const save = async (kernel: Kernel, options = {}): Promise<Ended> => await planned(kernel, { out: file, ...options })

  test('is done to the letter, and only its owner reads it', async () => {
    const kernel = pretend('router', false)
    expect((await save(kernel)).err).toContain(`Saved. To do exactly this: netlab apply ${file}`)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(await apply(kernel, { autoApprove: false }, file)).toMatchObject({ code: 0 })
    expect(kernel.done).toEqual(created)
    // Once only.
    expect((await apply(kernel, {}, file)).err).toMatch(/the plan is stale/)
  })

  test('keeps what it was asked for', async () => {
    const kernel = pretend('router', true)
    await save(kernel, { destroy: true })
    expect((await apply(kernel, {}, file)).err).toContain('Lab router is gone.')
    expect(kernel.done).toEqual(removed)
  })

  test('is refused when the network has changed since, with what has', async () => {
    const kernel = pretend('router', true)
    mtu(kernel, 'ns1', 1300)
    await save(kernel)
    mtu(kernel, 'ns0', 1400)
    const { code, err } = await apply(kernel, {}, file)
    expect(code).toBe(1)
    expect(err).toBe(
      'the plan is stale: the live network has changed since it was made\nns0/veth0 has changed\nPlan again.',
    )
    expect(kernel.done).toEqual([])
  })

  test('is refused when it is not a plan of this version', async () => {
    const kernel = pretend('router', false)
    await save(kernel)
    const text = readFileSync(file, 'utf8')
    for (const broken of [text.replace(/^\{"netlab_plan":\d+/, '{"netlab_plan":1'), text.slice(0, -9)]) {
      writeFileSync(file, broken)
      const { code, err } = await apply(kernel, {}, file)
      expect(code).toBe(1)
      expect(err).toContain(file)
    }
    expect(kernel.done).toEqual([])
  })

  test('is refused when its steps are not what its lab file asks for', async () => {
    const kernel = pretend('router', false)
    await save(kernel)
    const saved = JSON.parse(readFileSync(file, 'utf8')) as SavedPlan
    const steps = saved.parts[NEAR]?.plan.steps as unknown[]
    steps.pop()
    writeFileSync(file, JSON.stringify(saved))
    const { code, err } = await apply(kernel, {}, file)
    expect(code).toBe(1)
    expect(err).toContain('the plan is not what its lab file asks for')
    expect(kernel.done).toEqual([])
  })

  test('cannot be written where nothing can', async () => {
    const { code, err } = await planned(pretend('router', false), { out: join(folder, 'none/plan') })
    expect(code).toBe(1)
    expect(err).toContain(`cannot write ${join(folder, 'none/plan')}`)
  })
})

test('without a terminal nothing is done that nobody has agreed to', async () => {
  const kernel = pretend('router', false)
  expect((await apply(kernel, { autoApprove: false })).err).toContain('there is no terminal to ask on')
  expect(kernel.done).toEqual([])
})

test('--json is one document, and says how it went', async () => {
  const kernel = pretend('router', false)
  expect(JSON.parse((await planned(kernel, { json: true })).out)).toMatchObject({ lab: 'router' })
  expect(JSON.parse((await apply(kernel, { json: true })).out)).toMatchObject({ lab: 'router' })
  kernel.fails = () => 'Error: no.'
  mtu(kernel, 'ns1', 1300)
  const failed = await apply(kernel, { json: true })
  expect(failed.code).toBe(1)
  expect(JSON.parse(failed.out)).toMatchObject({ lab: 'router' })
})

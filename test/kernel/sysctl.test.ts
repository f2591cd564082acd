import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openWorld, type World } from '../support/netns.ts'

let world: World
beforeAll(async () => void (world = await openWorld()))
afterAll(() => world.close())

const netlab = (args: readonly string[]) => world.netlab(args, { cwd: world.folder })
const write = (text: string): void => writeFileSync(join(world.folder, 'lab.yaml'), text)

test('what the kernel prints otherwise than it was written settles, and its drift is seen', async () => {
  write(`
namespaces:
  a:
    sysctls:
      net.ipv6.conf.eth0.addr_gen_mode: 2
      net.ipv6.conf.eth0.stable_secret: "2001:db8::1"
      net.ipv4.ip_local_reserved_ports: "8080,443,1000-1003"
      net.ipv4.tcp_fastopen_key: 1-2-3-4
      net.ipv4.ping_group_range: "0   10"
      net.ipv4.ip_default_ttl: "0x10"
      net.ipv4.tcp_syncookies: false
  b:
links: [{ endpoints: ["a:eth0", "b:eth0"] }]
`)
  expect(await netlab(['apply', '-y', 'lab.yaml'])).toMatchObject({ code: 0 })
  expect((await netlab(['plan', 'lab.yaml'])).stdout).toMatch(/^No changes/)
  await world.run(['ip', 'netns', 'exec', 'a', 'sysctl', '-qw', 'net.ipv4.ip_local_reserved_ports=5'])
  const { stdout } = await netlab(['plan', 'lab.yaml'])
  expect(stdout).toContain('value: 5 → 443,1000-1003,8080')
  expect(stdout).toContain('Plan: 0 to add, 1 to change, 0 to destroy.')
  expect(await netlab(['apply', '-y', 'lab.yaml'])).toMatchObject({ code: 0 })
  expect((await netlab(['plan', 'lab.yaml'])).stdout).toMatch(/^No changes/)
  expect(await netlab(['destroy', '-y', 'lab.yaml'])).toMatchObject({ code: 0 })
})

test('what cannot be written is refused at its line, before anything is changed', async () => {
  write(`namespaces:
  a:
    sysctls:
      net.ipv4.nope: 1
      net.ipv4.ip_default_ttl: 300
      net.mpls.nope: 1
`)
  const { code, stderr } = await netlab(['apply', '-y', 'lab.yaml'])
  expect(code).toBe(1)
  expect(stderr).toMatch(/this kernel has no sysctl net\.ipv4\.nope in a namespace\n {2}--> lab\.yaml:4:7/)
  expect(stderr).toMatch(
    /the kernel refuses net\.ipv4\.ip_default_ttl = 300\n {2}--> lab\.yaml:5:7[^]*Invalid argument/,
  )
  expect(stderr).toMatch(/net\.mpls\.nope[^]*modprobe mpls_router/)
  write('namespaces: { a: { sysctls: { net.ipv4.route.flush: 1 } } }')
  expect((await netlab(['validate', 'lab.yaml'])).stderr).toMatch(
    /can only be written[^]*lab\.yaml:1:31[^]*netlab exec a -- sysctl -w net\.ipv4\.route\.flush=1/,
  )
  expect((await world.run(['ip', 'netns', 'list'])).stdout).toBe('')
})

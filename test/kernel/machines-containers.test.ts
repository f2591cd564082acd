import { chmodSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openWorld, type World } from '../support/netns.ts'
import { openPodman, type Podman } from '../support/podman.ts'

const asRoot = process.geteuid?.() === 0
if (asRoot) describe('containers are machines of a lab', containers)
else test('is for root: there are no containers to test with', () => expect(asRoot).toBe(false))

function containers(): void {
  const names = ['one', 'two', 'three']
  let world: World
  let podman: Podman

  beforeAll(async () => {
    world = await openWorld()
    podman = await openPodman(world)
    await sh('ip link add switch type bridge; ip link set switch up; ip addr add 192.168.9.1/24 dev switch')
    // They have the programs of this system.
    const folders = [...new Set(['/usr', '/bin', '/lib', '/lib64', dirname(process.execPath)])]
    const volumes = folders.flatMap((folder) => ['-v', `${folder}:${folder}:ro`])
    for (const [i, name] of names.entries()) {
      await podman.start(name, '--privileged', ...volumes)
      const net = await podman.namespace(name)
      await sh(`ip link add to-${name} type veth peer name eth0; ip link set to-${name} master switch up
        ip link set eth0 netns ${net.split('/')[2]}
        nsenter --net=${net} sh -ec 'ip link set lo up; ip addr add 192.168.9.${i + 2}/24 dev eth0; ip link set eth0 up'`)
    }
    // `kubectl exec -i POD -- COMMAND…` is all that netlab needs of it; nothing else is taken.
    const kubectl = join(world.folder, 'bin/kubectl')
    writeFileSync(
      kubectl,
      '#!/bin/sh\n[ "$1 $2 $4" = "exec -i --" ] || exit 2\npod=$3\nshift 4\nexec podman exec -i "$pod" "$@"\n',
    )
    chmodSync(kubectl, 0o755)
  }, 120_000)
  afterAll(async () => {
    await podman.end()
    await world.close()
  })

  async function sh(script: string): Promise<string> {
    const { code, stdout, stderr } = await world.run(['sh', '-ec', script], { env: podman.env })
    if (code !== 0) throw new Error(stderr)
    return stdout
  }

  test.each([
    ['podman exec', (name: string) => ['podman', 'exec', '-i', name]],
    ['kubectl exec', (name: string) => ['kubectl', 'exec', '-i', name, '--']],
  ])('that are reached by %s', async (_, words) => {
    const machines = names.map(
      (name, i) => `  ${name}: { run: ${JSON.stringify(words(name))}, address: 192.168.9.${i + 2} }`,
    )
    const path = join(world.folder, 'lab.yaml')
    writeFileSync(
      path,
      `name: pods\nmachines:\n${machines.join('\n')}
namespaces:
  a: { machine: one }
  r: { machine: two, forwarding: true }
  b: { machine: three, routes: [{ to: default, via: 10.0.2.1 }] }
links:
  - endpoints: { "a:eth0": 10.0.1.2/24, "r:a": 10.0.1.1/24 }
  - endpoints: { "b:eth0": 10.0.2.2/24, "r:b": 10.0.2.1/24 }
`,
    )
    const netlab = async (...args: string[]) => {
      const { code, stdout, stderr } = await world.netlab([...args, path], { env: podman.env })
      return { code, text: stdout + stderr }
    }
    expect(await netlab('apply', '-y')).toMatchObject({ code: 0, text: expect.stringContaining('is up on') })
    expect(await netlab('plan', '--detailed-exitcode')).toMatchObject({ code: 0 })
    await sh('podman exec three ip netns exec b ping -c1 -W5 10.0.1.1')
    expect(await netlab('destroy', '-y')).toMatchObject({ code: 0 })
    for (const name of names)
      expect(await sh(`podman exec ${name} sh -c 'ls /run/netns; ip -o link show type vxlan'`)).toBe('')
  })
}

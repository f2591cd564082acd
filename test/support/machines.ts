import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Outcome } from '../../src/model/command.ts'
import { openWorld, type Options, type World } from './netns.ts'

/** Three machines beside the world, as far as netlab can tell: with network, mount and process namespaces, and a /run, of their own. */
export interface Machines {
  readonly world: World
  /** The words before a command that run it on a machine, as in `run:` of a lab. */
  readonly enter: Readonly<Record<MachineName, readonly string[]>>
  /** Their addresses; the world itself has 192.168.9.1. */
  readonly addresses: Readonly<Record<MachineName, string>>
  /** Writes a lab into the world's folder, and returns its path. */
  write(name: string, text: string): string
  /** Runs netlab in the world; `ssh` is OpenSSH with this test's configuration. */
  netlab(args: readonly string[], options?: Options): Promise<Outcome>
  /** Runs a script on a machine, or in the world. Returns what it prints, and throws when it fails. */
  sh(where: MachineName | 'here', script: string): Promise<string>
  /** Sets the MTU between them (bytes), which is 1500. */
  setMtu(mtu: number): Promise<void>
  /** What labs have left on the machines and here; empty when it is nothing. */
  rest(): Promise<string>
  close(): Promise<void>
}

/** What is in a lab on these machines and here: `a` is what its first namespace has besides its machine. */
export const onMachines = (a: string): string => `
namespaces:
  a: { machine: left, ${a} }
  r: { forwarding: true }
  b: { machine: right, routes: [{ to: default, via: 10.0.2.1 }] }
  c: { machine: third }
links:
  - endpoints: { "a:eth0": 10.0.1.2/24, "r:a": 10.0.1.1/24 }
  - endpoints: { "b:eth0": 10.0.2.2/24, "r:b": 10.0.2.1/24 }
  - endpoints: { "b:c": 10.0.3.1/24, "c:b": 10.0.3.2/24 }
`

/** The field `machines` of a lab that is on them, reached by ssh, or by the words that enter their namespaces. */
export const machinesField = ({ enter, addresses }: Machines, by: 'ssh' | 'run'): string =>
  `machines:\n${machineNames
    .map((name) => {
      const run = `run: ${JSON.stringify(enter[name])}, address: ${addresses[name]}`
      return `  ${name}: { ${by === 'ssh' ? `ssh: ${name}` : run} }\n`
    })
    .join('')}`

export const machineNames = ['left', 'right', 'third'] as const
type MachineName = (typeof machineNames)[number]

const addresses = { left: '192.168.9.2', right: '192.168.9.3', third: '192.168.9.4' }

// Process 1 of a machine; it ends with the world. $1: its folder.
const machine = `
  mount -t tmpfs tmpfs /run
  mkdir -p /run/netns /run/sshd
  mount -t sysfs sysfs /sys
  ip link set dev lo up
  echo started >$1/started
  exec env --ignore-signal=CHLD sleep infinity
`

// $1: the folder of all, $2: the name, $3: the address.
const wire = `
  cd $1/$2
  setsid unshare --net --mount --pid --fork --mount-proc --propagation private --kill-child sh -ec "$4" sh $1/$2 >/dev/null 2>$1/$2/log &
  while [ ! -s started ]; do sleep 0.02; done
  pid=$(cat /proc/$!/task/$!/children | tr -d ' ')
  ip link add to-$2 type veth peer name eth0 netns $pid
  ip link set to-$2 master switch up
  nsenter --net=/proc/$pid/ns/net sh -ec "ip addr add $3/24 dev eth0; ip link set eth0 up"
  echo $pid
`

// Each with a host key, and one key that may log in. $1: the folder of the machine; on it.
const sshd = `
  ssh-keygen -q -t ed25519 -N '' -f $1/host_key
  cp $1/../home/.ssh/id.pub $1/authorized_keys
  cat >$1/sshd_config <<E
ListenAddress 0.0.0.0
HostKey $1/host_key
AuthorizedKeysFile $1/authorized_keys
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
SetEnv XDG_CACHE_HOME=/run/cache PATH=$PATH
E
  /usr/sbin/sshd -f $1/sshd_config
`

/** Opens them. Needs root and OpenSSH. */
export async function openMachineWorld(): Promise<Machines> {
  const world = await openWorld()
  const home = join(world.folder, 'home')
  const bin = join(world.folder, 'bin')
  const env = {
    HOME: home,
    XDG_CONFIG_HOME: '',
    XDG_CACHE_HOME: '',
    PATH: `${bin}:${process.env['PATH']}:/usr/sbin:/sbin`,
  }
  const ran = async (argv: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await world.run(argv, { env })
    if (code !== 0) throw new Error(`${argv.join(' ')}: ${stderr}${stdout}`)
    return stdout
  }
  for (const folder of [join(home, '.ssh'), bin]) mkdirSync(folder, { recursive: true, mode: 0o700 })
  await ran([
    'sh',
    '-ec',
    'ip link add switch type bridge; ip link set switch up; ip addr add 192.168.9.1/24 dev switch',
  ])
  await ran(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(home, '.ssh/id')])
  // ssh takes the home of the user from the system, not from HOME.
  writeFileSync(join(bin, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F ${home}/.ssh/config "$@"\n`)
  chmodSync(join(bin, 'ssh'), 0o755)
  const enter: Record<string, readonly string[]> = {}
  let known = ''
  let config = `Host *\n  User root\n  IdentityFile ${home}/.ssh/id\n  UserKnownHostsFile ${home}/.ssh/known_hosts\n`
  for (const name of machineNames) {
    const folder = join(world.folder, name)
    mkdirSync(folder)
    const pid = (await ran(['sh', '-ec', wire, 'sh', world.folder, name, addresses[name], machine])).trim()
    const into = ['nsenter', `--target=${pid}`, '--net', '--mount', '--pid', '--']
    enter[name] = [...into, 'env', 'XDG_CACHE_HOME=/run/cache']
    await ran([...into, 'sh', '-ec', sshd, 'sh', folder])
    known += `${addresses[name]} ${(await ran(['cat', join(folder, 'host_key.pub')])).trim()}\n`
    config = `Host ${name}\n  HostName ${addresses[name]}\nHost far-${name}\n  HostName ${addresses[name]}\n  ProxyJump left\n${config}`
  }
  writeFileSync(join(home, '.ssh/config'), config)
  writeFileSync(join(home, '.ssh/known_hosts'), known)
  const sh: Machines['sh'] = (where, script) => ran([...(enter[where] ?? []), 'sh', '-ec', script])
  return {
    world,
    enter: enter as Machines['enter'],
    addresses,
    write(name, text) {
      const path = join(world.folder, name)
      writeFileSync(path, text)
      return path
    },
    netlab: (args, options) => world.netlab(args, { ...options, env: { ...env, ...options?.env } }),
    sh,
    async setMtu(mtu) {
      for (const name of machineNames) await sh(name, `ip link set eth0 mtu ${mtu}`)
      await sh('here', `for name in ${machineNames.join(' ')}; do ip link set to-$name mtu ${mtu}; done`)
    },
    async rest() {
      const look =
        'ls /run/netns; ip -o link show type vxlan; ip -o link show type veth | grep -v -e eth0@ -e to- || true'
      const found = await Promise.all(
        (['here', ...machineNames] as const).map(async (where) => [where, (await sh(where, look)).trim()] as const),
      )
      return found.flatMap(([where, text]) => (text ? [`${where}: ${text}`] : [])).join('\n')
    },
    close: () => world.close(),
  }
}

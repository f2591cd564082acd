import { chmodSync, mkdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { features, programs } from '../../src/kinds/features.ts'
import { linkTypes } from '../../src/kinds/links/link-types.ts'
import type { Outcome } from '../../src/model/command.ts'
import { openWorld, type World } from '../support/netns.ts'

let world: World
let real: string
beforeAll(async () => {
  world = await openWorld()
  real = (await world.run(['sh', '-c', 'command -v ip'])).stdout.trim()
})
afterAll(() => world.close())

/** netlab with these programs only in its PATH, and an `ip` that knows no dummy interfaces and no VRFs. */
async function poor(...names: string[]): Promise<(args: readonly string[]) => Promise<Outcome>> {
  const folder = join(world.folder, names.join('-'))
  mkdirSync(folder)
  for (const name of ['node', 'sh', 'head', 'grep', ...names]) {
    const { stdout } = await world.run(['sh', '-c', 'command -v "$0"', name])
    symlinkSync(stdout.trim(), join(folder, name))
  }
  const refuse = '*"type dummy"*|*"type vrf"*) echo "Error: Unknown device type." >&2; exit 2'
  writeFileSync(join(folder, 'ip'), `#!/bin/sh\ncase "$*" in ${refuse};; esac\nexec ${real} "$@"\n`)
  chmodSync(join(folder, 'ip'), 0o755)
  return (args) => world.run(['env', `PATH=${folder}`, process.execPath, 'dist/netlab.cjs', ...args])
}

const lab = (text: string): string => {
  const file = join(world.folder, 'needs.yaml')
  writeFileSync(file, text)
  return file
}
const DUMMY = 'namespaces:\n  h1:\n    interfaces:\n      d0: { type: dummy }\n      d1: { type: dummy }\n'

interface Report {
  readonly healthy: boolean
  readonly findings: readonly { name: string; kind: string; present: boolean; fix?: string; version?: string }[]
}
const report = (stdout: string): Report => JSON.parse(stdout) as Report

test('doctor says what a kernel and a machine have', async () => {
  const { code, stdout } = await world.netlab(['doctor', '--json'])
  const { healthy, findings } = report(stdout)
  expect({ code, healthy }).toEqual({ code: 0, healthy: true })
  const types = findings.filter(({ name }) => linkTypes.some((type) => type.name === name && type.byType))
  expect(types.length).toBeGreaterThan(5)
  const needed: Readonly<Record<string, string>> = {
    vlan: 'id 7',
    vxlan: 'id 7 dstport 4789',
    vrf: 'table 7',
    geneve: 'id 7 remote 192.0.2.1',
    xfrm: 'if_id 7',
  }
  for (const { name, present, fix } of types) {
    if (name === 'tap') continue
    const lower = ['vlan', 'macvlan', 'macvtap', 'ipvlan'].includes(name)
      ? 'ip link add v0 type veth; l="link v0"; '
      : ''
    const words = needed[name] ?? ''
    const tried = await world.run(['unshare', '-n', 'sh', '-c', `${lower}ip link add $l name q0 type ${name} ${words}`])
    expect({ name, present }).toEqual({ name, present: tried.code === 0 })
    expect(fix === undefined).toBe(present)
  }
})

test('doctor names what is missing, and the fix; without an essential program it ends with 1', async () => {
  const { code, stdout } = await (await poor('tc', 'unshare', 'sysctl'))(['doctor', '--json'])
  const { healthy, findings } = report(stdout)
  expect({ code, healthy }).toEqual({ code: 1, healthy: false })
  const lacks = findings.filter(({ present }) => !present)
  expect(lacks.find(({ name }) => name === 'nsenter')?.fix).toContain('util-linux')
  expect(lacks.find(({ name }) => name === 'dummy')?.fix).toMatch(/modprobe dummy|CONFIG_DUMMY/)
  expect(findings.find(({ name }) => name === 'tc')).toMatchObject({ present: true, version: expect.any(String) })
})

test('doctor LAB says only what the lab needs', async () => {
  const { code, stdout } = await (await poor('tc', 'unshare', 'nsenter', 'sysctl'))(['doctor', lab(DUMMY), '--json'])
  const { findings } = report(stdout)
  expect(code).toBe(1)
  expect(findings.filter(({ kind }) => kind === 'feature').map(({ name }) => name)).toEqual(['dummy'])
  expect(findings.filter(({ present }) => !present).map(({ name }) => name)).toEqual(['dummy'])
})

test('it says what faults need, and whether it is missing', async () => {
  const names = ['tc', 'unshare', 'nsenter', 'sysctl', 'nft', 'env']
  const netlab = await poor(...names)
  const nft = join(world.folder, names.join('-'), 'nft')
  const found = (await world.run(['sh', '-c', 'command -v nft'])).stdout.trim()
  unlinkSync(nft)
  writeFileSync(
    nft,
    `#!/bin/sh\ncase "$*" in *netdev*) echo "Error: not supported" >&2; exit 1;; esac\nexec ${found} "$@"\n`,
  )
  chmodSync(nft, 0o755)
  const timeline = (steps: string) =>
    lab(`namespaces: { a: , b: }\nlinks: [{ endpoints: [a:e, b:e] }]\nfaults: { f: [${steps}] }\n`)
  const needs = async (steps: string): Promise<string[]> =>
    report((await netlab(['doctor', timeline(steps), '--json'])).stdout).findings.flatMap(({ name, kind, present }) =>
      kind === 'feature' ? [`${name}${name.startsWith('nft_') && !present ? ' is missing' : ''}`] : [],
    )
  expect(await needs('{ at: 1s, cut: a:e }')).toEqual(['veth', 'nf_tables', 'nft_ingress is missing'])
  expect(await needs('{ at: 1s, partition: [a, b] }')).toEqual(['veth', 'nf_tables'])
  expect(await needs('{ at: 1s, impair: a:e, impairments: { rate: 1mbit } }')).toEqual(['veth', 'tbf', 'nf_tables'])
  const { findings } = report((await netlab(['doctor', '--json'])).stdout)
  const lacks = findings.filter(({ name, present }) => name.startsWith('nft_') && !present)
  expect(lacks.map(({ name, fix }) => [name, fix])).toEqual([
    ['nft_ingress', expect.stringMatching(/modprobe nf_tables|CONFIG_NF_TABLES_NETDEV/)],
    ['nft_egress', expect.stringMatching(/modprobe nf_tables|CONFIG_NETFILTER_EGRESS/)],
  ])
})

test('plan and apply say it before anything changes, with the line', async () => {
  const netlab = await poor('tc', 'unshare', 'nsenter', 'sysctl', 'nft')
  const file = lab(DUMMY)
  for (const args of [
    ['plan', file],
    ['apply', file, '-y'],
  ]) {
    const { code, stderr } = await netlab(args)
    expect(code).toBe(1)
    expect(stderr).toContain('needs dummy in the kernel')
    expect(stderr).toContain('Unknown device type')
    expect(stderr).toContain('needs.yaml:4')
    expect(stderr).toMatch(/^ *4 \|       d0: \{ type: dummy \}\n *\| +\^/m)
    expect(stderr).toMatch(/modprobe dummy|CONFIG_DUMMY/)
  }
  expect((await world.run(['ip', 'netns', 'list'])).stdout).toBe('')
})

test('so they do for a program', async () => {
  const file = lab('namespaces:\n  h1:\n    nftables: |\n      table inet t { }\n')
  const { code, stderr } = await (await poor('tc', 'unshare', 'nsenter'))(['plan', file])
  expect(code).toBe(1)
  expect(stderr).toContain('needs the program nft')
  expect(stderr).toMatch(/(install|add|-S) nftables/)
  expect(stderr).toContain('needs.yaml:')
  expect(stderr).toMatch(/^ *\| +\^/m)
})

test('a lab that needs nothing special is not kept from working', async () => {
  const file = lab('namespaces: { h1: , h2: }\nlinks: [{ endpoints: [h1:eth0, h2:eth0] }]\n')
  const netlab = await poor('tc', 'unshare', 'nsenter', 'sysctl', 'env', 'nft')
  expect(await netlab(['plan', file])).toMatchObject({ code: 0 })
})

test('every type of interface that may be missing is known to the table', () => {
  const names = linkTypes.filter(({ byType }) => byType).map(({ name }) => name)
  expect(names.filter((name) => !features[name])).toEqual([])
  expect(Object.values(programs).every(({ packages }) => Object.values(packages).every(Boolean))).toBe(true)
})

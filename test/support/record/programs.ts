import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programCall, callsIn, keyOf, type Call, type Played } from './tape.ts'

/** Replaces every program that src runs. Import this before anything of src. */
/** The calls so far. */
export const called: Call[] = []
let active: ReadonlyMap<string, Played> = new Map()

jest.mock('execa', () => ({
  execa: async (program: string, args: readonly string[], { input = '' }: { readonly input?: string } = {}) => {
    const argv = [program, ...args]
    const calls = callsIn(argv) ?? [programCall(argv, input)]
    called.push(...calls)
    const answers = calls.map((call) => active.get(keyOf(call)) ?? oneLink(call) ?? unknown(call))
    return {
      exitCode: answers[0]?.code ?? 0,
      stdout: answers.map(({ stdout }) => stdout).join('--netlab--\n'),
      stderr: '',
    }
  },
}))

/** The output of `ip` for one link, taken from the recording of its whole namespace. */
function oneLink({ netns, line }: Call): Pick<Played, 'code' | 'stdout'> | undefined {
  const [, dev] = /^ip -j -d -N link show dev (\S+)$/.exec(line) ?? []
  const all = [...active.values()].find((one) => one.netns === netns && one.input.startsWith('link show\n'))
  const links = JSON.parse(all?.stdout.split('\n')[0] ?? '[]') as { readonly ifname: string }[]
  const [link] = links.filter(({ ifname }) => ifname === dev)
  return link && { code: 0, stdout: `${JSON.stringify([link])}\n` }
}

function unknown({ netns, line, input }: Call): never {
  throw new Error(`not recorded${netns === undefined ? '' : ` in ${netns}`}: ${line}\n${input}`)
}

/** Programs that change nothing in these tests, so they need not be installed. */
const stubs = mkdtempSync(join(tmpdir(), 'netlab-stubs-'))
const programs = [
  'nft',
  'iptables',
  'ip6tables',
  'iptables-save',
  'ip6tables-save',
  'iptables-restore',
  'ip6tables-restore',
]
writeFileSync(join(stubs, 'xtables-nft-multi'), '', { mode: 0o755 })
for (const name of [...programs, 'ip', 'tc', 'bridge', 'ipset', 'ethtool', 'wg', 'tcpdump'])
  symlinkSync('xtables-nft-multi', join(stubs, name))
const path = process.env['PATH']
beforeAll(() => void (process.env['PATH'] = stubs))
afterAll(() => {
  process.env['PATH'] = path
  rmSync(stubs, { recursive: true, force: true })
})

/** Takes away a program of which nothing is recorded. */
export const uninstall = (name: string): void => rmSync(join(stubs, name))

/** From now on programs print the outputs of this recording. */
export const play = (all: readonly Played[]): void => void (active = new Map(all.map((one) => [keyOf(one), one])))

import { cpSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { ChecksJson } from '../../src/views/check-results.ts'
import type { TraceJson } from '../../src/views/way-text.ts'
import { machineNames, machinesField, type Machines } from './machines.ts'
import { until } from './until.ts'

/** A trace that the comments of a lab tell readers to try. */
interface ToldTrace {
  /** As it is in the file. */
  readonly line: string
  /** The arguments of `netlab trace`. */
  readonly words: readonly string[]
  readonly verdict: string
  /** What the reason begins with; of an answer, the comment says what to see on the way. */
  readonly reason: string
}

/** The traces in the comments of a lab file. */
export const toldTraces = (lab: string): ToldTrace[] =>
  [...readFileSync(lab, 'utf8').matchAll(/^#   netlab trace (.+?) +# (\w+): (.+)$/gm)].map(
    ([line, words = '', verdict = '', reason = '']) => ({
      line,
      words: words.split(' '),
      verdict,
      reason: verdict === 'answered' ? '' : reason,
    }),
  )

/**
 * All of a machine that a lab may leave something in. Addresses that the kernel makes take a moment, netlab itself stays in the cache, and the
 * devices of tunnel modules stay (@NONE).
 */
const look = `
  { ls /run /run/netns; ip -br link; ip -4 -br addr; ip rule; ip -6 rule; ip route show table all; ip -6 route show table all
    nft list ruleset; iptables-save | grep -v '^#'; ps -eo args=; } | grep -v -e '^cache$' -e @NONE -e fe80: -e 'ps -eo'`

/**
 * Spreads a lab over the machines, which netlab reaches `by` ssh or a command, with nothing changed but `machines:` and `place: auto`: applies it,
 * plans it again, runs its checks and the traces of its comments, destroys it. Returns the number of checks that passed; throws an
 * error with what netlab said when a step fails, the plan is not empty, or something of the lab is left on a machine.
 */
export async function tour(m: Machines, lab: string, by: 'ssh' | 'run' = 'ssh'): Promise<number> {
  const folder = join(m.world.folder, 'tour')
  // With the files that it names.
  cpSync(dirname(lab), folder, { recursive: true })
  const text = `${readFileSync(lab, 'utf8')}\nplace: auto\n${machinesField(m, by)}`
  const file = m.write(join('tour', basename(lab)), text)
  const netlab = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await m.netlab([...args, file], { timeout: 300 })
    if (code !== 0) throw new Error(`netlab ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`)
    return stdout
  }
  const looks = async (): Promise<string[]> => {
    const all = []
    for (const where of ['here', ...machineNames] as const)
      all.push(...(await m.sh(where, look)).split('\n').map((line) => `${where}: ${line}`))
    return all
  }
  const before = new Set(await looks())
  try {
    await netlab('apply', '-y')
    await netlab('plan', '--detailed-exitcode')
    const { summary } = JSON.parse(await netlab('test', '--json')) as ChecksJson
    for (const { line, words, verdict, reason } of toldTraces(lab)) {
      const { stdout } = await m.netlab(['trace', ...words, '--lab', file, '--json'], { timeout: 300 })
      const way = JSON.parse(stdout) as Partial<TraceJson>
      if (way.verdict !== verdict || !way.reason?.startsWith(reason)) throw new Error(`${line}\n${stdout}`)
    }
    await netlab('destroy', '-y')
    const rest = async (): Promise<string[]> => (await looks()).filter((line) => !before.has(line))
    // sshd ends its processes a moment later than a connection.
    const left = await until(rest, (lines) => lines.length === 0, 10)
    if (left.length) throw new Error(`destroy leaves something\n${left.join('\n')}`)
    return summary.pass
  } catch (error) {
    await m.netlab(['destroy', '-y', file], { timeout: 300 })
    throw error
  }
}

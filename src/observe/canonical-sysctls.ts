import type { SysctlSpec } from '../kinds/sysctl.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { Resource, Resources } from '../model/resource.ts'
import type { Runner } from '../model/runner.ts'
import { defaults, general, sysctlFile } from '../model/sysctls.ts'
import { throwaway } from './throwaway.ts'

/**
 * Writes each value and prints what is read back: `=` and the value, or why that failed. The arguments are names and values in
 * turn; `v0` stands for any interface.
 */
const SCRIPT = `ip link add name v0 type veth || exit 5
while [ $# -gt 1 ]; do
  if [ ! -e "$1" ]; then echo missing
  elif ! (printf '%s\\n' "$2" >"$1") 2>/dev/null; then echo "refused $(LC_ALL=C sysctl -qw "\${1#/proc/sys/}=$2" 2>&1)"
  else text=$(cat "$1" 2>/dev/null) && echo "=$text" || echo unreadable
  fi
  shift 2
done`

/** The modules that provide sysctls which a kernel may lack. */
const modules: readonly (readonly [prefix: string, module: string])[] = [
  ['net.bridge.', 'br_netfilter'],
  ['net.netfilter.', 'nf_conntrack'],
  ['net.mpls.', 'mpls_router'],
]

/**
 * The resources with the values of sysctls as the kernel prints them: it sorts lists of ports, completes keys and turns every
 * number into decimal. Values that are already live as written, and small numbers of settings that every kernel has, need no
 * check; the others are written in a throw-away namespace. Throws a UserError for sysctls that do not exist, that the kernel
 * refuses, or that cannot be read.
 */
export async function asPrinted(wanted: Resources, live: Resources, runner: Runner): Promise<Resources> {
  const asked = [...wanted.values()].filter((r) => {
    if (r.kind !== 'sysctl' || r.borrowed) return false
    const { key, value } = r.spec as SysctlSpec
    if (live.get(r.id)?.spec['value'] === value) return false
    return !(/^\d{1,2}$/.test(value) && (defaults.has(key) || defaults.has(general(key) ?? '')))
  }) as Resource<SysctlSpec>[]
  if (asked.length === 0) return wanted
  const pairs = new Map(asked.map(({ spec }) => [pairOf(spec), [fileOf(spec), spec.value]]))
  const argv = [...throwaway(runner.host), 'sh', '-c', SCRIPT, 'sh', ...[...pairs.values()].flat()]
  const { code, stdout, stderr } = await runner.host.run({ argv })
  if (code !== 0)
    throw UserError.of(
      'kernel-unreadable',
      'the sysctls of this lab could not be tried out',
      `They are written in a network namespace of their own first. ${stderr.trim()}`,
    )
  const lines = stdout.split('\n')
  const answers = new Map([...pairs.keys()].map((pair, i) => [pair, lines[i] ?? '']))
  const result = new Map(wanted)
  const errors: Diagnostic[] = []
  for (const r of asked) {
    const answer = answers.get(pairOf(r.spec)) ?? ''
    if (!answer.startsWith('='))
      errors.push({ code: 'value-refused', severity: 'error', ...complaint(r.spec, answer), ...positionOf(r) })
    else result.set(r.id, { ...r, spec: { ...r.spec, value: answer.slice(1).trim().replace(/\s+/g, ' ') } })
  }
  if (errors.length) throw new UserError(errors)
  return result
}

const pairOf = (spec: SysctlSpec): string => JSON.stringify([fileOf(spec), spec.value])

const positionOf = ({ source }: Resource): Pick<Diagnostic, 'position'> => (source ? { position: source() } : {})

/** The file of a sysctl; that of the interface `v0` for a sysctl of an interface. */
const fileOf = ({ key, dev }: SysctlSpec): string =>
  sysctlFile(dev === undefined ? key : key.replace(/^(net\.\w+\.\w+)\.[^.]+/, '$1.v0'))

function complaint({ key, value }: SysctlSpec, answer: string): Pick<Diagnostic, 'summary' | 'detail'> {
  const module = modules.find(([prefix]) => key.startsWith(prefix))?.[1]
  if (answer === 'missing')
    return {
      summary: `this kernel has no sysctl ${key} in a namespace`,
      detail: module === undefined ? 'See what it has with: sysctl -a' : `Load what provides it: modprobe ${module}`,
    }
  if (answer === 'unreadable')
    return {
      summary: `${key} can only be written, not read`,
      detail: `Nothing could be compared with it. Write it in a process of the namespace, or once: netlab exec NAMESPACE -- sysctl -w ${key}=${value}`,
    }
  const words = answer.replace(/^refused (sysctl: setting key "[^"]*": )?/, '')
  return { summary: `the kernel refuses ${key} = ${value}`, detail: `It says: ${words}` }
}

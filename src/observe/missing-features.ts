import { features, managers, programs, type Feature, type Manager } from '../kinds/features.ts'
import { kindOf } from '../kinds/index.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { Plan } from '../model/change.ts'
import type { Host } from '../model/host.ts'
import type { Resource, Resources } from '../model/resource.ts'
import type { Runner } from '../model/runner.ts'

/** The features and programs that these resources need: name → the first resource that needs it. */
export function requirements(resources: Iterable<Resource>): Map<string, Resource> {
  const result = new Map<string, Resource>()
  for (const resource of resources)
    for (const name of kindOf(resource.kind).requires?.(resource) ?? [])
      if (!result.has(name)) result.set(name, resource)
  return result
}

/** Folders of programs that are in no PATH. */
const MORE = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/lib/frr', '/usr/libexec/frr']

/** Whether a program is in one of the folders of PATH; one that processes run, also where daemons are. */
export const isInstalled = (program: string, host: Host): boolean =>
  host.find(program) !== undefined ||
  (programs[program]?.process === true && MORE.some((folder) => host.exists(`${folder}/${program}`)))

/**
 * Tries these features, all in one throw-away namespace. Returns the missing ones, each with the tool's message; names that
 * are no features are ignored.
 */
export async function missingFeatures(names: Iterable<string>, runner: Runner): Promise<Map<string, string>> {
  const probes = [...names].flatMap((name) => (features[name] ? [[name, features[name].probe] as const] : []))
  if (probes.length === 0) return new Map()
  const script = [
    'ip link add name v0 type veth peer name v1',
    ...probes.map(([name, probe]) => `said=$({ ${probe}; } 2>&1) || printf '%s\\n' "${name} $said" | head -n 1`),
    'ip link del dev x0 2>/dev/null; tc qdisc del dev v0 root 2>/dev/null; :',
  ]
  // Each feature is tried on its own: what the one before has created is removed first.
  const apart = script.slice(1, -1).flatMap((line) => [line, script.at(-1) ?? ''])
  const { code, stdout, stderr } = await runner.host.run({
    argv: ['unshare', '--net', 'sh', '-c', [script[0], ...apart].join('\n')],
  })
  if (code !== 0) throw UserError.of('kernel-unreadable', 'no network namespace can be made here', stderr.trim())
  return new Map(
    stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]),
  )
}

const managerOf = (host: Host): Manager =>
  (Object.keys(managers) as Manager[]).find((name) => isInstalled(name, host)) ?? 'apt-get'

/** The command that installs a program. */
export function installFix(program: string, host: Host): string {
  const manager = managerOf(host)
  return `${managers[manager]} ${programs[program]?.packages[manager] ?? program}`
}

/** The package of the distribution's kernel, or of the modules that it leaves out, by package manager. */
const kernels: Readonly<Record<Manager, string>> = {
  'apt-get': 'linux-image-amd64',
  dnf: 'kernel-modules-extra',
  apk: 'linux-lts',
  pacman: 'linux',
}

function kernelPackage(manager: Manager, host: Host): string {
  const isUbuntu = /^ID=ubuntu$/m.test(host.readFile('/etc/os-release') ?? '')
  return isUbuntu ? `linux-modules-extra-${host.kernel}` : kernels[manager]
}

/** How to get a feature: the command that loads its module, or the kernel that has it. */
export function featureFix({ module, config }: Feature, host: Host): string {
  const folder = `/lib/modules/${host.kernel}`
  const known = ['modules.dep', 'modules.builtin'].some((file) =>
    host.readFile(`${folder}/${file}`)?.includes(`/${module}.ko`),
  )
  if (known) return `modprobe ${module} (as root, on the machine itself)`
  const manager = managerOf(host)
  return `${managers[manager]} ${kernelPackage(manager, host)}, and boot that kernel: this one is without ${config} (module ${module})`
}

const missing = (what: string, purpose: string, fix: string, { id, source }: Resource): Diagnostic => ({
  code: 'feature-missing',
  severity: 'error',
  summary: `${id.replace('/', ':')} needs ${what}, which is missing here`,
  detail: `It is needed for ${purpose}. To get it: ${fix}\nnetlab doctor lists all that is missing.`,
  ...(source && { position: source() }),
})

/** Throws a UserError when a program that resources of the lab need is not installed. */
export function mustBeInstalled(resources: Resources, host: Host): void {
  const errors = [...requirements(resources.values())].flatMap(([name, resource]) => {
    const program = programs[name]
    return program && !isInstalled(name, host)
      ? [missing(`the program ${name}`, program.purpose, installFix(name, host), resource)]
      : []
  })
  if (errors.length) throw new UserError(errors)
}

/**
 * Throws a UserError when the kernel lacks a feature that the plan needs. Features that are in use already, or that no kernel
 * lacks, are not tried, so that most plans cost nothing here.
 */
export async function mustBeAble({ changes }: Plan, live: Resources, runner: Runner): Promise<void> {
  const wanted = requirements(changes.flatMap(({ after }) => (after ? [after] : [])))
  for (const name of ['veth', 'bridge', ...(wanted.size ? requirements(live.values()).keys() : [])]) wanted.delete(name)
  await kernelMustHave(wanted, runner)
}

/** Throws a UserError when the kernel lacks one of these features, each with a resource that needs it. */
export async function kernelMustHave(wanted: ReadonlyMap<string, Resource>, runner: Runner): Promise<void> {
  const lacking = await missingFeatures(wanted.keys(), runner)
  const errors = [...lacking].flatMap(([name, words]) => {
    const [feature, resource] = [features[name], wanted.get(name)]
    if (!feature || !resource) return []
    const error = missing(`${name} in the kernel`, feature.purpose, featureFix(feature, runner.host), resource)
    return [{ ...error, detail: `${words}\n${error.detail}` }]
  })
  if (errors.length) throw new UserError(errors)
}

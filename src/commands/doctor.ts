import { stage } from '../host/status-line.ts'
import { startRunner } from '../run/choose-runner.ts'
import type { Lab } from '../language/load-lab.ts'
import { crowded, procOf, sharedLimits, type ReadProc } from '../observe/limits.ts'
import { faultNeeds } from '../faults/fault-needs.ts'
import { features, programs } from '../kinds/features.ts'
import { featureFix, installFix, isInstalled, missingFeatures, requirements } from '../observe/missing-features.ts'
import { findLenders } from '../observe/lenders.ts'
import { lenderText } from '../model/lender.ts'
import type { Host } from '../model/host.ts'
import type { Runner } from '../model/runner.ts'
import type { DoctorJson } from '../views/documents.ts'
import { FORMAT } from '../views/json.ts'
import { locate, type LocateOptions } from './locate.ts'
import { loadLocated } from './prepare.ts'
import { out, outColors, outJson, type Global } from './terminal.ts'

interface Options extends Global, LocateOptions {
  readonly json?: boolean
}

type Finding = DoctorJson['findings'][number]

/** `netlab doctor`: what this machine has and lacks, or what it lacks for a lab; 1 when something essential is missing. */
export async function doctor(host: Host, argument: string | undefined, options: Options): Promise<number> {
  const lab = argument === undefined ? undefined : loadLocated(locate(argument, options), host)
  const wanted = lab && new Set(requirements(lab.resources.values()).keys())
  for (const name of lab ? faultNeeds(lab.faults.values()) : []) wanted?.add(name)
  if (lab?.checks.some(({ ping }) => ping !== undefined)) wanted?.add('ping')
  stage('Looking at this machine …')
  const runner = startRunner(host)
  const findings = [
    ...system(host),
    ...(await Promise.all(
      Object.entries(programs)
        .filter(([name, { essential, process }]) => (wanted ? wanted.has(name) : !process) || essential)
        .map(([name]) => program(name, wanted?.has(name) ?? false, host)),
    )),
    ...(lab ? await lent(lab, host) : []),
    ...shared(lab, procOf(host)),
    ...(await kernel((name) => !wanted || wanted.has(name), wanted !== undefined, runner)),
  ]
  const healthy = findings.every(({ present, essential }) => present || !essential)
  if (options.json) outJson({ format_version: FORMAT, ...(lab && { lab: lab.name }), healthy, findings })
  else out(render(findings, options))
  return healthy ? 0 : 1
}

const OLDEST_NODE = 20

function system({ kernel }: Host): Finding[] {
  const fits = Number(process.versions.node.split('.')[0]) >= OLDEST_NODE
  const base = { kind: 'system', essential: true } as const
  return [
    { ...base, name: 'Linux', purpose: 'everything', present: true, version: kernel },
    {
      ...{ ...base, name: 'Node.js', purpose: 'netlab itself', present: fits, version: process.versions.node },
      ...(!fits && { fix: `install Node.js ${OLDEST_NODE} or newer` }),
    },
  ]
}

/** The containers, and other namespaces of others, that the lab borrows. */
async function lent({ namespaces }: Lab, host: Host): Promise<Finding[]> {
  const { problems } = await findLenders(namespaces, host)
  const byName = new Map(problems.map((problem) => [problem.name, problem]))
  return [...namespaces].flatMap(([name, { lender }]): Finding[] => {
    if (!lender) return []
    const { summary, detail } = byName.get(name) ?? {}
    const base = {
      name: lenderText(lender),
      kind: 'namespace',
      essential: true,
      present: summary === undefined,
    } as const
    return [{ ...base, purpose: summary ?? `${name} in the lab`, ...(detail !== undefined && { fix: detail }) }]
  })
}

/** Limits that all labs of the machine share; with a fix if this lab needs more. */
function shared(lab: Lab | undefined, read: ReadProc): Finding[] {
  const [crowd] = lab ? crowded(lab.topology, lab.checks, read) : []
  return sharedLimits(read).map(({ name, value, purpose }) => {
    const short = crowd?.summary.includes('neighbours') === true && name.includes('neigh')
    const fix = short && crowd.detail !== undefined ? { fix: crowd.detail } : {}
    return {
      name,
      kind: 'limit',
      purpose,
      essential: false,
      present: !short,
      ...(short && { version: String(value) }),
      ...fix,
    }
  })
}

async function program(name: string, wanted: boolean, host: Host): Promise<Finding> {
  const { purpose, essential = false, version = [] } = programs[name] ?? { purpose: '' }
  const base = { name, kind: 'program', purpose, essential: essential || wanted } as const
  if (!isInstalled(name, host)) return { ...base, present: false, fix: installFix(name, host) }
  if (programs[name]?.process) return { ...base, present: true }
  const { stdout, stderr } = await host.run({ argv: [name, ...version] })
  const said = /\d+(\.\d+)+|s?\d{8}/.exec(stdout || stderr)?.[0]
  return { ...base, present: true, ...(said !== undefined && { version: said }) }
}

async function kernel(isWanted: (name: string) => boolean, forLab: boolean, runner: Runner): Promise<Finding[]> {
  const names = Object.keys(features).filter(isWanted)
  const able = ['ip', 'tc', 'unshare'].every((name) => isInstalled(name, runner.host))
  const lacking = able ? await missingFeatures(names, runner) : new Map(names.map((name) => [name, '']))
  return names.flatMap((name): Finding[] => {
    const feature = features[name]
    if (!feature) return []
    const { purpose, essential = false } = feature
    const present = !lacking.has(name)
    const fix = able ? featureFix(feature, runner.host) : 'install the programs above first'
    return [{ name, kind: 'feature', purpose, essential: essential || forLab, present, ...(!present && { fix }) }]
  })
}

const titles = {
  system: 'This machine',
  program: 'Programs',
  feature: 'The kernel',
  namespace: 'Namespaces of others',
  limit: 'What all labs share, and is enough for',
} as const

function render(findings: readonly Finding[], options: Options): string {
  const c = outColors(options)
  const width = Math.max(...findings.map(({ name }) => name.length))
  const line = ({ name, present, version, purpose, fix, essential }: Finding): string => {
    const sign = present ? c.green('✓') : essential ? c.red('✗') : c.yellow('✗')
    const first = `  ${sign} ${name.padEnd(width)}  ${c.dim(version ?? purpose)}`
    return fix === undefined ? `${first}\n` : `${first}\n      ${version === undefined ? '' : `${purpose}. `}${fix}\n`
  }
  return (Object.keys(titles) as Finding['kind'][])
    .map((kind) => [titles[kind], findings.filter((finding) => finding.kind === kind)] as const)
    .filter(([, found]) => found.length > 0)
    .map(([title, found]) => `${c.bold(title)}\n${found.map(line).join('')}`)
    .join('\n')
}

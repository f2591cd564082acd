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

/** Something that a machine has or lacks. */
export type MachineFinding = DoctorJson['findings'][number]

/** What a machine has and lacks; with a lab, only what that needs. */
export async function examineMachine(host: Host, lab: Lab | undefined): Promise<MachineFinding[]> {
  const wanted = lab && new Set(requirements(lab.resources.values()).keys())
  for (const name of lab ? faultNeeds(lab.faults.values()) : []) wanted?.add(name)
  if (lab?.checks.some(({ ping }) => ping !== undefined)) wanted?.add('ping')
  return [
    ...system(host),
    ...(await Promise.all(
      Object.entries(programs)
        .filter(([name, { essential, process }]) => (wanted ? wanted.has(name) : !process) || essential)
        .map(([name]) => program(name, wanted?.has(name) ?? false, host)),
    )),
    ...(lab ? await lent(lab, host) : []),
    ...shared(lab, procOf(host)),
    ...(await kernel((name) => !wanted || wanted.has(name), wanted !== undefined, startRunner(host))),
  ]
}

const OLDEST_NODE = 20

function system({ kernel }: Host): MachineFinding[] {
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
async function lent({ namespaces }: Lab, host: Host): Promise<MachineFinding[]> {
  const { problems } = await findLenders(namespaces, host)
  const byName = new Map(problems.map((problem) => [problem.name, problem]))
  return [...namespaces].flatMap(([name, { lender }]): MachineFinding[] => {
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
function shared(lab: Lab | undefined, read: ReadProc): MachineFinding[] {
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

async function program(name: string, wanted: boolean, host: Host): Promise<MachineFinding> {
  const { purpose, essential = false, version = [] } = programs[name] ?? { purpose: '' }
  const base = { name, kind: 'program', purpose, essential: essential || wanted } as const
  if (!isInstalled(name, host)) return { ...base, present: false, fix: installFix(name, host) }
  if (programs[name]?.process) return { ...base, present: true }
  const { stdout, stderr } = await host.run({ argv: [name, ...version] })
  const said = /\d+(\.\d+)+|s?\d{8}/.exec(stdout || stderr)?.[0]
  return { ...base, present: true, ...(said !== undefined && { version: said }) }
}

async function kernel(isWanted: (name: string) => boolean, forLab: boolean, runner: Runner): Promise<MachineFinding[]> {
  const names = Object.keys(features).filter(isWanted)
  const able = ['ip', 'tc', 'unshare'].every((name) => isInstalled(name, runner.host))
  const lacking = able ? await missingFeatures(names, runner) : new Map(names.map((name) => [name, '']))
  return names.flatMap((name): MachineFinding[] => {
    const feature = features[name]
    if (!feature) return []
    const { purpose, essential = false } = feature
    const present = !lacking.has(name)
    const fix = able ? featureFix(feature, runner.host) : 'install the programs above first'
    return [{ name, kind: 'feature', purpose, essential: essential || forLab, present, ...(!present && { fix }) }]
  })
}

import { stage } from '../host/status-line.ts'
import { fromClab } from '../import/clab.ts'
import { fromCompose } from '../import/compose.ts'
import { readNetwork, type Subject } from '../import/read-network.ts'
import { labText } from '../import/lab-text.ts'
import { removeRefused } from '../import/refused.ts'
import type { OpenLab } from '../language/load-lab.ts'
import { formatYaml } from '../language/yaml/format.ts'
import type { LabFile } from '../language/lab-file.ts'
import { shorten } from '../import/shorten.ts'
import { longLab } from '../language/write.ts'
import type { Fields } from '../model/fields.ts'
import type { Change } from '../model/change.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Lender } from '../model/lender.ts'
import type { Runner } from '../model/runner.ts'
import { startRunner } from '../run/choose-runner.ts'
import { nameInPlan, type Remark } from '../import/network.ts'
import type { LocatedFile } from './locate.ts'
import { textBeside } from './own-files.ts'
import { openLocated } from './open-located.ts'
import { prepare } from './prepare.ts'
import { note, outText, report, type Global } from './terminal.ts'

interface Options extends Global {
  readonly root?: boolean
  readonly container?: readonly string[]
  readonly pid?: readonly string[]
}

/** `netlab import`: writes a lab file for what is live, whoever made it, and says what it leaves out. */
export async function importLab(host: Host, names: readonly string[], options: Options): Promise<number> {
  const files = names.filter((name) => /\.ya?ml$/.test(name))
  const [file] = files
  if (file !== undefined) {
    if (names.length > 1 || options.root || options.container || options.pid)
      throw UserError.of('bad-option', `a file is imported by itself: netlab import ${file}`)
    return importFile(host, file)
  }
  return importLive(host, names, options)
}

/** A lab with the networks of a compose file, or the topology of containerlab. */
function importFile(host: Host, file: string): number {
  const text = textBeside('.', file)
  const { lab, leftOut } = /^topology\s*:/m.test(text) ? fromClab(file, text) : fromCompose(file, text)
  const written = formatYaml(labText(lab, []))
  openText(written, host).lab()
  outText(written)
  if (leftOut.length) note('Left out, because no lab has it:\n')
  for (const { position: at, what, why } of leftOut) note(`  ${at.file}:${at.line}:${at.column}: ${what}: ${why}\n`)
  return 0
}

async function importLive(host: Host, names: readonly string[], options: Options): Promise<number> {
  const runner = startRunner(host)
  stage('Reading the live network …')
  const subject: Subject = { names, root: options.root ?? false, lenders: lendersIn(options) }
  const found = await readNetwork(subject, runner)
  const file = longLab(found.lab, found.resources)
  const remarks = [...found.remarks, ...removeAllRefused(file, host)]
  const remarked = new Set(remarks.map(({ at }) => at[1]))
  const short = shorten(
    file as unknown as LabFile,
    (one) => openText(labText(one as unknown as Fields, []), host).lab().resources,
    (name) => remarked.has(name),
  )
  const { left, warnings } = found.taken.size
    ? { left: [], warnings: [...found.taken].map(([name, lab]) => ofOther(name, lab, found.lab)) }
    : await remaining(labText(short as unknown as Fields, []), runner)
  outText(formatYaml(labText(short as unknown as Fields, [...remarks, ...left])))
  report(warnings, options)
  return 0
}

/** Removes what the language refuses, until it refuses nothing more. Throws the UserError that remains. */
function removeAllRefused(file: object, host: Host): Remark[] {
  const remarks: Remark[] = []
  for (;;) {
    const text = labText(file as Fields, [])
    try {
      openText(text, host).lab()
      return remarks
    } catch (error) {
      const more = error instanceof UserError ? removeRefused(file, text, error) : []
      if (more.length === 0 || labText(file as Fields, []) === text) throw error
      remarks.push(...more)
    }
  }
}

/** A lab file that is nowhere on a disk. */
function located(text: string): LocatedFile {
  const beside = (path: string): never => {
    throw new Error(`${path} is not a file yet`)
  }
  return { file: 'import', text, beside, fileBeside: beside, keyFile: beside, listBeside: () => [] }
}

const openText = (text: string, host: Host): OpenLab => {
  const opened = openLocated(located(text), host, { lint: false })
  if (!opened) throw new Error('a text is a lab file')
  return opened
}

/** The names in the lab of containers and processes. */
function lendersIn({ container = [], pid = [] }: Options): Map<string, Lender> {
  const wrong = pid.find((text) => !/^[1-9]\d{0,6}$/.test(text))
  if (wrong !== undefined) throw UserError.of('bad-option', `--pid ${wrong} is not the id of a process`)
  return new Map<string, Lender>([
    ...container.map((name) => [name.replace(/[^A-Za-z0-9_.-]/g, '-'), { container: name }] as const),
    ...pid.map((text) => [`pid-${text}`, { pid: Number(text) }] as const),
  ])
}

const ofOther = (name: string, lab: string, own: string): Diagnostic => ({
  code: 'foreign-resource',
  severity: 'warning',
  summary: `${name} belongs to lab ${lab}, and this file is lab ${own}`,
  detail: `netlab refuses to apply it here as long as ${lab} is live. Import all namespaces of ${lab} together for a file that can replace its own.`,
})

/** What a plan for this file would change nevertheless: nothing, unless netlab cannot read or say something exactly. */
async function remaining(text: string, runner: Runner): Promise<{ left: Remark[]; warnings: readonly Diagnostic[] }> {
  const { plan, warnings } = await prepare(located(text), openText(text, runner.host), runner, {
    adopt: true,
    lint: false,
  })
  const changes = plan.changes
  return {
    left: changes.map((change) => ({
      at: ['namespaces', change.namespace],
      text: `A plan changes it: ${changeInWords(change)}`,
    })),
    warnings: [
      ...warnings,
      ...changes.map((change): Diagnostic => ({
        code: 'not-imported',
        severity: 'warning',
        summary: `a plan for this file has a change: ${changeInWords(change)}`,
        detail: 'The file does not say exactly what is live.',
      })),
    ],
  }
}

const changeInWords = ({ action, before, after, differences }: Change): string => {
  const r = after ?? before
  const fields = differences.map(({ field, from, to }) => `${field} ${JSON.stringify(from)} → ${JSON.stringify(to)}`)
  return `${action} ${r?.namespace ?? ''} ${r ? nameInPlan(r) : ''}${fields.length ? ` (${fields.join(', ')})` : ''}`
}

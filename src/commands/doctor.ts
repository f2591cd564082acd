import { stage } from '../host/status-line.ts'
import type { Host } from '../model/host.ts'
import { NEAR } from '../model/other-machine.ts'
import { FORMAT } from '../views/json.ts'
import type { OpenedFile } from './change-machines.ts'
import { examineMachine, type MachineFinding } from './examine.ts'
import { locate, recorded, type LocateOptions } from './locate.ts'
import { openLocated } from './open-located.ts'
import { out, outColors, outJson, type Global } from './terminal.ts'

interface Options extends Global, LocateOptions {
  readonly json?: boolean
}

/** `netlab doctor`: what this machine has and lacks, or what it lacks for a lab; 1 when something essential is missing. */
export async function doctor(host: Host, argument: string | undefined, options: Options): Promise<number> {
  const found = argument === undefined ? undefined : locate(argument, options)
  const located = found && 'file' in found ? recorded(found) : found
  const opened = located && openLocated(located, host)
  stage('Looking at this machine …')
  const findings =
    opened?.machines && located && 'file' in located
      ? await everywhere(host, { located, opened })
      : await examineMachine(host, opened?.lab())
  const healthy = findings.every(({ present, essential }) => present || !essential)
  if (options.json) outJson({ format_version: FORMAT, ...(opened && { lab: opened.name }), healthy, findings })
  else out(render(findings, options))
  return healthy ? 0 : 1
}

/** What the machines of a lab have and lack for what of it is on each. One that does not answer is a finding. */
async function everywhere(host: Host, { located, opened }: OpenedFile): Promise<MachineFinding[]> {
  const { openMachines } = await import('./open-machines.ts')
  const lost: MachineFinding[] = []
  const machines = await openMachines(host, located, opened, {
    lost: (name, error) => {
      const [{ summary = '', detail } = {}] = error.diagnostics
      lost.push({
        ...{ name, kind: 'machine', purpose: summary, essential: true, present: false },
        ...(detail && { fix: detail }),
      })
    },
  })
  try {
    stage('Looking at the machines …')
    const found = await machines.each((peer) => peer.ask('examine', null))
    return [
      ...[...found].flatMap(([machine, findings]) =>
        findings.map((finding) => (machine === NEAR ? finding : { ...finding, machine })),
      ),
      ...lost,
    ]
  } finally {
    await machines.close()
  }
}

const titles = {
  machine: 'Machines of the lab',
  system: 'This machine',
  program: 'Programs',
  feature: 'The kernel',
  namespace: 'Namespaces of others',
  limit: 'What all labs share, and is enough for',
} as const

function render(findings: readonly MachineFinding[], options: Options): string {
  const c = outColors(options)
  const width = Math.max(...findings.map(({ name }) => name.length))
  const line = ({ name, present, version, purpose, fix, essential }: MachineFinding): string => {
    const sign = present ? c.green('✓') : essential ? c.red('✗') : c.yellow('✗')
    const first = `  ${sign} ${name.padEnd(width)}  ${c.dim(version ?? purpose)}`
    return fix === undefined ? `${first}\n` : `${first}\n      ${version === undefined ? '' : `${purpose}. `}${fix}\n`
  }
  const machines = [...new Set(findings.map(({ machine }) => machine))]
  return machines
    .flatMap((machine) =>
      (Object.keys(titles) as MachineFinding['kind'][]).map((kind) => {
        const title =
          machine === undefined ? titles[kind] : `${kind === 'system' ? 'The system' : titles[kind]} on ${machine}`
        return [title, findings.filter((finding) => finding.kind === kind && finding.machine === machine)] as const
      }),
    )
    .filter(([, found]) => found.length > 0)
    .map(([title, found]) => `${c.bold(title)}\n${found.map(line).join('')}`)
    .join('\n')
}

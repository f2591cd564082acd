import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Something that a lab needs and this machine lacks. */
export interface Lacking {
  readonly kind: string
  readonly name: string
  readonly fix: string
}

/** What the lab needs and this machine lacks. Only labs that say so may need more than every machine has. */
export function lacking(lab: string): Lacking[] {
  if (!/NEEDS A KERNEL|^# It needs /m.test(readFileSync(lab, 'utf8'))) return []
  const { stdout } = spawnSync(process.execPath, ['dist/netlab.cjs', 'doctor', lab, '--json'], { encoding: 'utf8' })
  const { findings } = JSON.parse(stdout) as { findings: (Lacking & { present: boolean })[] }
  return findings.filter(({ kind, present }) => (kind === 'feature' || kind === 'program') && !present)
}

/** What of that the error of `plan` and `apply` names: programs come first, and features of the kernel only when all of them are there. */
export function namedFirst(lab: string): Lacking[] {
  const all = lacking(lab)
  const programs = all.filter(({ kind }) => kind === 'program')
  return programs.length ? programs : all
}

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Something that a lab needs and this machine lacks. */
export interface Lacking {
  readonly name: string
  readonly fix: string
}

/** What the lab needs and this machine's kernel lacks. Only labs that say so may need more than every kernel has. */
export function lacking(lab: string): Lacking[] {
  if (!readFileSync(lab, 'utf8').includes('NEEDS A KERNEL')) return []
  const { stdout } = spawnSync(process.execPath, ['dist/netlab.cjs', 'doctor', lab, '--json'], { encoding: 'utf8' })
  const { findings } = JSON.parse(stdout) as { findings: (Lacking & { kind: string; present: boolean })[] }
  return findings.filter(({ kind, present }) => kind === 'feature' && !present)
}

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Something that a lab needs and this machine lacks. */
export interface Lacking {
  readonly name: string
  readonly fix: string
}

/** What the lab needs that this machine's kernel lacks. Only a lab that says so to its readers may need more than all kernels have. */
export function lacking(lab: string): Lacking[] {
  if (!readFileSync(lab, 'utf8').includes('NEEDS A KERNEL')) return []
  const { stdout } = spawnSync(process.execPath, ['dist/netlab.cjs', 'doctor', lab, '--json'], { encoding: 'utf8' })
  const { findings } = JSON.parse(stdout) as { findings: (Lacking & { kind: string; present: boolean })[] }
  return findings.filter(({ kind, present }) => kind === 'feature' && !present)
}

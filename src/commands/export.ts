import { openLab } from '../language/load-lab.ts'
import { UserError } from '../model/diagnostic.ts'
import { makePlan } from '../plan/make-plan.ts'
import { renderScript } from '../views/script.ts'
import { locate, type LocateOptions } from './locate.ts'
import { reading, type Linting } from './open-located.ts'
import { outText, report, type Global } from './terminal.ts'

/**
 * `netlab export`: prints a shell script that builds the lab without netlab, and takes it away. The kernel is not read: the script
 * is for another machine.
 */
export function exportLab(argument: string | undefined, options: Global & Linting & LocateOptions): number {
  const located = locate(argument, options)
  if ('name' in located) throw UserError.of('no-lab-file', `there is no lab file ${located.name}`)
  const { lint } = options
  const lab = openLab({ ...reading(located), readBeside: located.beside, lint }).lab()
  report(lab.warnings, options)
  const { name, resources, description } = lab
  const plan = (desired: typeof resources, live: typeof resources) => makePlan({ lab: name, desired, live }).steps
  const [build, remove] = [plan(resources, new Map()), plan(new Map(), resources)]
  outText(renderScript({ name, file: located.file, description, desired: resources, build, remove }))
  return 0
}

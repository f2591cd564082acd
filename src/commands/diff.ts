import { stage } from '../host/status-line.ts'
import { openLab, type LabInput, type OpenLab } from '../language/load-lab.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Resources } from '../model/resource.ts'
import { asIfLive } from '../observe/as-if-live.ts'
import { changesBetween } from '../plan/make-plan.ts'
import { renderDiff, renderMarkdown } from '../views/diff-text.ts'
import { planJson } from '../views/json.ts'
import { exitCodeOf, type ChecksJson } from '../views/check-results.ts'
import type { Source } from '../session/protocol.ts'
import type { PlannedOptions } from './fresh-checks.ts'
import { naming, openSource, sourceOf } from './lab-source.ts'
import type { LocateOptions } from './locate.ts'
import { note, out, outColors, outJson, type Global } from './terminal.ts'

interface Options extends Global, LocateOptions {
  readonly json?: boolean
  readonly format?: 'text' | 'markdown'
  /** Nothing is folded. */
  readonly full?: boolean
  readonly detailedExitcode?: boolean
  /** The checks of the second lab run in a copy of it. */
  readonly test?: boolean
  /** The path of both files in the working tree, when they are copies that git has made. */
  readonly as?: string
}

/** One of the labs: its file, or nothing, with the names that messages show for paths. */
interface Side {
  readonly source?: Source
  readonly input?: LabInput
  readonly shown: (path: string) => string
}

/** Stands for no lab: git compares a file that is new, or gone, with it. */
const NOTHING = '/dev/null'

/**
 * `netlab diff A B`: what a plan from one lab file to another would change. Reads files and git, never the live network; loads rules that
 * are written differently in throw-away namespaces. With --test, the checks of B run in a copy of it. Returns 0; with --detailed-exitcode, 2 when there are changes; with --test, 1 and 3 as
 * `netlab test` does.
 */
export async function diff(host: Host, from: string, to: string, options: Options): Promise<number> {
  if (from === '-' && to === '-')
    throw UserError.of('bad-option', 'standard input can be one of the two files, not both')
  const [before, after] = [side(from, options), side(to, options)]
  const names = [before, after].map((one) => naming(one.shown, () => opened(one)?.name))
  const name = names[1] ?? names[0] ?? 'lab'
  if (names[0] !== undefined && names[0] !== name && isNamed(before, after))
    note(`${from} is lab ${names[0]}, and ${to} is lab ${name}: they are compared as if both were ${name}.\n`)
  const written = [before, after].map((one) => naming(one.shown, () => resourcesOf(opened(one, name))))
  stage('Comparing …')
  const { spelledAlike } = await import('./spelled-alike.ts') // loaded on demand
  const { sides, untried } = await spelledAlike(written[0]!, written[1]!, host)
  if (untried !== undefined)
    note(`Rules are compared as they are written, and another spelling of the same is shown as a change: ${untried}\n`)
  const { live, desired } = asIfLive(name, ...sides)
  const changes = changesBetween({ live, desired })
  const plan = planJson({ lab: name, adopts: [], strangers: [], changes, steps: [] })
  const document = { ...plan, compared: { from, to } }
  const isLast = options.json || options.format === 'markdown' // the results of checks are part of it
  if (!isLast) out(renderDiff(document, outColors(options), options.full))
  const tests = options.test ? await testSecond(host, after, to, { ...options, quiet: isLast }) : undefined
  if (options.json) outJson({ ...document, ...(tests && { tests }) })
  else if (isLast) out(renderMarkdown(document, outColors({ color: false }), options.full, tests))
  const code = tests ? exitCodeOf(tests) : 0
  return code || (options.detailedExitcode && changes.length > 0 ? 2 : 0)
}

/** Runs the checks of the second lab in a copy of it. */
async function testSecond(host: Host, { source }: Side, to: string, options: PlannedOptions): Promise<ChecksJson> {
  if (!source) throw UserError.of('bad-option', `--test needs a lab, and ${to} is none`)
  const { testPlanned } = await import('./fresh-checks.ts') // loaded on demand
  return await testPlanned(host, { source }, options)
}

const opened = ({ input }: Side, name?: string): OpenLab | undefined =>
  input && openLab({ ...input, ...(name !== undefined && { name }), lint: false })

const resourcesOf = (lab: OpenLab | undefined): Resources => lab?.lab().resources ?? new Map()

/** Whether one of the files gives its lab a name itself, so that another name is no accident of where the file lies. */
const isNamed = (...sides: readonly Side[]): boolean => sides.some(({ input }) => /^name\s*:/m.test(input?.text ?? ''))

/** Finds a lab that an argument names: a file, or one in a revision of git. */
function side(argument: string, { as, ...options }: Options): Side {
  if (argument === NOTHING) return { shown: (path) => path }
  stage(`Reading ${argument} …`)
  const read = sourceOf(argument, options)
  const found = as === undefined || read.revision !== undefined ? read : { ...read, file: as }
  const { located, shown } = openSource(found)
  const { file } = found
  const { text, set, beside, listBeside, fileBeside, keyFile } = located
  return {
    source: found,
    shown: (path) => (path === as ? argument : shown(path)),
    input: { file, text, set: set ?? new Map(), readBeside: beside, listBeside, fileBeside, keyFile },
  }
}

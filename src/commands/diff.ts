import { dirname, relative, resolve } from 'node:path'
import { stage } from '../host/status-line.ts'
import { openLab, type LabInput, type OpenLab } from '../language/load-lab.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { Resources } from '../model/resource.ts'
import { asIfLive } from '../observe/as-if-live.ts'
import { changesBetween } from '../plan/make-plan.ts'
import { renderDiff, renderMarkdown } from '../views/diff-text.ts'
import { planJson } from '../views/json.ts'
import { besideIn, disk, type FileTree } from './beside.ts'
import { filesOfRevision, revisionIn } from './git-files.ts'
import { locate, valuesOf, type LocateOptions } from './locate.ts'
import { textOf } from './own-files.ts'
import { note, out, outColors, outJson, type Global } from './terminal.ts'

interface Options extends Global, LocateOptions {
  readonly json?: boolean
  readonly format?: 'text' | 'markdown'
  /** Nothing is folded. */
  readonly full?: boolean
  readonly detailedExitcode?: boolean
  /** The path of both files in the working tree, when they are copies that git has made. */
  readonly as?: string
}

/** One of the labs: its file, or nothing, with the names that messages show for paths. */
interface Side {
  readonly input?: LabInput
  readonly shown: (path: string) => string
}

/** Stands for no lab: git compares a file that is new, or gone, with it. */
const NOTHING = '/dev/null'

/**
 * `netlab diff A B`: what a plan from one lab file to another would change. Reads files and git, never the kernel. Returns 0;
 * with --detailed-exitcode, 2 when there are changes.
 */
export function diff(from: string, to: string, options: Options): number {
  if (from === '-' && to === '-')
    throw UserError.of('bad-option', 'standard input can be one of the two files, not both')
  const [before, after] = [side(from, options), side(to, options)]
  const names = [before, after].map((one) => loading(one, () => opened(one)?.name))
  const name = names[1] ?? names[0] ?? 'lab'
  if (names[0] !== undefined && names[0] !== name && isNamed(before, after))
    note(`${from} is lab ${names[0]}, and ${to} is lab ${name}: they are compared as if both were ${name}.\n`)
  const [first, second] = [before, after].map((one) => loading(one, () => resourcesOf(opened(one, name))))
  stage('Comparing …')
  const { live, desired } = asIfLive(name, first!, second!)
  const changes = changesBetween({ live, desired })
  const plan = planJson({ lab: name, adopts: [], strangers: [], changes, steps: [] })
  const document = { ...plan, compared: { from, to } }
  if (options.json) outJson(document)
  else if (options.format === 'markdown') out(renderMarkdown(document, outColors({ color: false }), options.full))
  else out(renderDiff(document, outColors(options), options.full))
  return options.detailedExitcode && changes.length > 0 ? 2 : 0
}

const opened = ({ input }: Side, name?: string): OpenLab | undefined =>
  input && openLab({ ...input, ...(name !== undefined && { name }), lint: false })

const resourcesOf = (lab: OpenLab | undefined): Resources => lab?.lab().resources ?? new Map()

/** Whether one of the files gives its lab a name itself, so that another name is no accident of where the file lies. */
const isNamed = (...sides: readonly Side[]): boolean => sides.some(({ input }) => /^name\s*:/m.test(input?.text ?? ''))

/** Does it; in errors, positions have the names that messages show for files. */
function loading<T>({ shown }: Pick<Side, 'shown'>, load: () => T): T {
  try {
    return load()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError(
      error.diagnostics.map(({ position, ...rest }): Diagnostic => ({
        ...rest,
        ...(position && { position: { ...position, file: shown(position.file) } }),
      })),
    )
  }
}

/** Finds a lab that an argument names: a file, or one in a revision of git. */
function side(argument: string, { set: given = [], as, say }: Options): Side {
  if (argument === NOTHING) return { shown: (path) => path }
  const set = valuesOf(given)
  const revision = disk.kind(argument) === undefined ? revisionIn(argument) : undefined
  if (revision) {
    stage(`Reading ${argument} …`)
    const files = filesOfRevision(revision)
    const file = relative('.', files.file)
    return loading(files, () => {
      const text = textOf(file, files.read(files.file).bytes)
      return { shown: files.shown, input: { file, text, set, ...waysIn(files, dirname(file)) } }
    })
  }
  const located = locate(argument, { ...(say && { say }) })
  if ('name' in located) throw UserError.of('no-lab-file', `there is no lab file ${located.name}`)
  const file = as ?? located.file
  return {
    shown: (path) => (path === as ? argument : path),
    input: { file, text: located.text, set, ...waysIn(disk, file === '-' ? '.' : dirname(file)) },
  }
}

/** The ways to what a lab file in this folder names. Keys are seldom in a repository: those that are not are read from the disk. */
function waysIn(
  files: FileTree,
  folder: string,
): Pick<LabInput, 'readBeside' | 'listBeside' | 'fileBeside' | 'keyFile'> {
  const { beside, listBeside, fileBeside } = besideIn(files, folder)
  return {
    ...{ readBeside: beside, listBeside, fileBeside },
    keyFile(path) {
      const full = resolve(folder, path)
      const tree = files.kind(full) === 'file' ? files : disk
      return { path: full, text: tree.read(full).bytes.toString() }
    },
  }
}

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { UserError } from '../model/diagnostic.ts'
import { openPlan, type SavedPlan } from './saved.ts'
import { besideIn, disk, type BesideLab, type FoundBeside } from './beside.ts'
import { textOf } from './own-files.ts'
import { note } from './terminal.ts'

/** A lab file, from disk or out of a saved plan. */
export interface LocatedFile extends BesideLab {
  readonly file: string
  readonly text: string
  /** Reads a file with a key, which never becomes part of a saved plan. */
  readonly keyFile: (path: string) => { readonly path: string; readonly text: string }
  readonly saved?: SavedPlan
  /** The values of vars that the command line, or the saved plan, gives. */
  readonly set?: ReadonlyMap<string, string>
}

/** What the argument LAB stands for: a lab file, or the name of a live lab. */
export type Located = LocatedFile | { readonly name: string }

/** Files with the positions of nodes (`netlab graph --pin`) are no lab files. */
const isLabFile = (name: string): boolean => /(?<!\.layout)\.ya?ml$/.test(name)
const labFiles = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true })
        .filter((entry) => isLabFile(entry.name) && !entry.isDirectory())
        .map(({ name }) => join(folder, name))
        .sort()
    : []

/** The lab files in a folder, sorted; undefined when it is not a folder, or has none. */
export function labFilesIn(path: string): string[] | undefined {
  if (path === '-' || !statSync(path, { throwIfNoEntry: false })?.isDirectory()) return undefined
  const files = labFiles(path)
  return files.length ? files : undefined
}

const defaults = (folder: string): string[] =>
  ['lab.yaml', 'netlab.yaml'].map((name) => join(folder, name)).filter((f) => existsSync(f))

/** How a lab is looked for. */
export interface LocateOptions {
  /** What `--set` gives: `NAME=VALUE`. */
  readonly set?: readonly string[]
  /** Where the file that is taken without being named is reported. Default: standard error. */
  readonly say?: (text: string) => void
}

/**
 * Finds the lab: a file, a directory that holds one, `-`, or the name of a live lab. Without an argument: lab.yaml or
 * netlab.yaml here, else the only lab file here or in labs/, else the one last planned or applied in this directory.
 * Throws a UserError that lists the candidates.
 */
export function locate(argument: string | undefined, { set: given = [], say = note }: LocateOptions = {}): Located {
  const set = valuesOf(given)
  const file = argument === undefined ? implied(say) : explicit(argument)
  if (file === undefined) {
    if (set.size) throw UserError.of('bad-option', `--set needs a lab file, and ${argument} is the name of a lab`)
    return { name: argument ?? '' }
  }
  const folder = file === '-' ? '.' : dirname(file)
  try {
    const bytes = readFileSync(file === '-' ? 0 : file)
    const saved = openPlan(file, bytes.toString())
    if (saved && set.size)
      throw UserError.of(
        'bad-option',
        '--set cannot change a saved plan',
        'Make it again: netlab plan --set … --out FILE',
      )
    if (saved)
      return {
        ...saved,
        ...besideRecorded(saved.beside),
        keyFile: keyFileIn(dirname(saved.file)),
        saved,
        set: new Map(saved.set),
      }
    const text = textOf(file, bytes)
    return { file, text, ...besideIn(disk, folder), keyFile: keyFileIn(folder), set }
  } catch (error) {
    if (error instanceof UserError) throw error
    throw UserError.of('unreadable-file', `cannot read ${file}`, (error as Error).message)
  }
}

/** Reads files with keys that a lab file in this folder names. */
export const keyFileIn =
  (folder: string): LocatedFile['keyFile'] =>
  (path) => {
    const full = resolve(folder, path)
    return { path: full, text: readFileSync(full, 'utf8') }
  }

/** The ways to the files that a saved plan has recorded. */
export const besideRecorded = (beside: SavedPlan['beside']): BesideLab => ({
  beside: (path) => beside[path] ?? '',
  listBeside: (pattern) => beside[pattern]?.split('\n').filter(Boolean) ?? [],
  fileBeside: (path) => JSON.parse(beside[FOUND + path] ?? '') as FoundBeside,
})

/** Before the path of a file or folder that a saved plan records whole. */
const FOUND = 'found '

/** A lab file that notes what is taken from the files beside it. */
export interface RecordedFile extends LocatedFile {
  /** By what they are asked for: what `besideRecorded` takes. */
  readonly taken: SavedPlan['beside']
  /** The files with keys, by the paths by which they are asked for. */
  readonly keys: Readonly<Record<string, ReturnType<LocatedFile['keyFile']>>>
}

/** The same lab file; from now on, what is taken from the files beside it is noted. */
export function recorded(located: LocatedFile): RecordedFile {
  const taken: Record<string, string> = {}
  const keys: Record<string, ReturnType<LocatedFile['keyFile']>> = {}
  return {
    ...located,
    ...{ taken, keys },
    beside: (path) => (taken[path] = located.beside(path)),
    fileBeside(path) {
      const found = located.fileBeside(path)
      taken[FOUND + path] = JSON.stringify(found)
      return found
    },
    listBeside(pattern) {
      const files = located.listBeside(pattern)
      taken[pattern] = files.join('\n')
      return files
    },
    keyFile: (path) => (keys[path] = located.keyFile(path)),
  }
}

/** The values of vars that `NAME=VALUE` gives, by name. */
export function valuesOf(given: readonly string[]): Map<string, string> {
  return new Map(
    given.map((text) => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
      if (name === undefined || value === undefined || value.includes('\0'))
        throw UserError.of('bad-option', `--set ${text} gives no value`, 'Write it as --set hosts=100')
      return [name, value]
    }),
  )
}

/** The file that an argument names; undefined when it must be the name of a live lab. */
function explicit(argument: string): string | undefined {
  if (argument === '-') return argument
  if (!existsSync(argument)) {
    if (/^[a-z0-9][a-z0-9-]{0,31}$/.test(argument)) return undefined
    throw UserError.of('no-lab-file', `there is no lab file ${argument}`, candidates())
  }
  if (!statSync(argument).isDirectory()) return argument
  const [first] = defaults(argument)
  const files = labFiles(argument)
  const only = first ?? (files.length === 1 ? files[0] : undefined)
  if (only === undefined)
    throw UserError.of(
      'no-lab-file',
      `${argument} is a directory with ${files.length || 'no'} lab files`,
      files.length
        ? files.map((f) => `netlab plan ${f}`).join('\n')
        : 'A lab file ends in .yaml or .yml: name another directory, or the file itself.',
    )
  return only
}

function implied(say: (text: string) => void): string {
  const [here] = defaults('.')
  if (here !== undefined) return here
  const [one, another] = labFiles('.').filter(isLab)
  if (one !== undefined && another === undefined) {
    say(`Using ${one}, the only lab file of this directory.\n`)
    return one
  }
  const files = labFiles('labs')
  if (files.length === 1 && files[0] !== undefined) return files[0]
  const last = remembered()
  if (last === undefined) throw UserError.of('no-lab-file', 'which lab?', candidates())
  say(`Using ${last}, the lab last used in this directory.\n`)
  return last
}

/** Whether a YAML file describes a lab, and not something else that is written in YAML. */
const isLab = (file: string): boolean => /^namespaces\s*:/m.test(readFileSync(file, 'utf8'))

function candidates(): string {
  const files = [...labFiles('.'), ...labFiles('labs')]
  return files.length
    ? `Name one of these:\n${files.map((f) => `  ${f}`).join('\n')}`
    : 'There is no lab.yaml, no netlab.yaml and nothing in labs/ here. Name a file, or write one.'
}

const memory = (): string =>
  join(process.env['XDG_STATE_HOME'] || join(homedir(), '.local/state'), 'netlab', 'last.json')

function memories(): Record<string, string> {
  try {
    return JSON.parse(readFileSync(memory(), 'utf8')) as Record<string, string>
  } catch {
    return {} // a missing or broken file of remembered labs counts as empty
  }
}

function remembered(): string | undefined {
  const file = memories()[process.cwd()]
  return file !== undefined && existsSync(file) ? relative('.', file) || file : undefined
}

/** Remembers the lab file for the next command in this directory that does not name one. */
export function remember(file: string): void {
  if (file === '-') return
  try {
    mkdirSync(dirname(memory()), { recursive: true })
    writeFileSync(memory(), JSON.stringify({ ...memories(), [process.cwd()]: resolve(file) }))
  } catch {
    // when the home cannot be written to, the file is not remembered
  }
}

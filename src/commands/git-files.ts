import type * as ChildProcesses from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { UserError } from '../model/diagnostic.ts'
import { disk, type FileTree } from './beside.ts'

/** A file in a revision of a git repository: `main:labs/router.yaml`. */
export interface Revision {
  /** As git takes it: `HEAD~1`; a number from 0 to 3: the index, or a side of a merge in it. */
  readonly name: string
  /** As it was typed: from the top of the repository, or after `./` and `../` from the current folder. */
  readonly path: string
  /** The whole argument, for messages. */
  readonly typed: string
}

/** An entry of a tree. */
interface Entry {
  /** In octal, as git lists it. */
  readonly mode: string
  readonly object: string
}

/** The files of a revision, at the paths that they have in a working tree; those outside the repository are on disk. */
export interface RevisionFiles extends FileTree {
  /** The path of the file that was named. */
  readonly file: string
  /** A path as messages show it: `HEAD~1:labs/router.yaml`. */
  readonly shown: (path: string) => string
}

const SYMLINK = '120000'
/** As many links as the kernel follows (MAXSYMLINKS in include/linux/namei.h). */
const MOST_LINKS = 40
/** The longest list of files, and the largest file, that is read from git, in bytes. */
const LARGEST = 1 << 28

/** The revision and the file that an argument names in git's way, `REV:FILE`; undefined when it has no such form. */
export function revisionIn(argument: string): Revision | undefined {
  const [, side = '0', staged] = /^:(?:([0-3]):)?([^/].*)$/s.exec(argument) ?? []
  if (staged !== undefined) return { name: side, path: staged, typed: argument }
  // A colon within braces belongs to the revision: HEAD@{2026-01-01 12:00}:lab.yaml.
  const [, name, path] = /^((?:\{[^}]*\}|[^{}:])+):(.+)$/s.exec(argument) ?? []
  return name === undefined || path === undefined ? undefined : { name, path, typed: argument }
}

/** The output of git with these arguments. Throws a UserError with its message. */
function git(what: string, ...args: readonly string[]): Buffer {
  try {
    const env = { ...process.env, LC_ALL: 'C' }
    // Loaded on demand: most lab files are not read from git, and it takes Node 5 ms.
    const { execFileSync } = createRequire(__filename)('node:child_process') as typeof ChildProcesses
    return execFileSync('git', args, { env, stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: LARGEST })
  } catch (error) {
    const { code, stderr = '', message } = error as NodeJS.ErrnoException & { readonly stderr?: Buffer }
    if (code === 'ENOENT') throw UserError.of('no-revision', `${what} is in git, which is not installed`)
    const words = String(stderr).replace(/^(fatal|error): /gm, '').trim() // prettier-ignore
    throw UserError.of('no-revision', `git cannot read ${what}`, words || message)
  }
}

/** Whether it is the index, or a side of a merge in it. */
const isIndex = ({ name }: Revision): boolean => /^[0-3]$/.test(name)

/** What has the files, for messages. */
const holder = (revision: Revision): string => (isIndex(revision) ? 'the index' : revision.name)

/** The entries of a revision by their paths from the top of the repository. */
function entriesOf(revision: Revision, what: string): Map<string, Entry> {
  const { name } = revision
  const staged = isIndex(revision)
  const lines = staged
    ? git(what, 'ls-files', '--stage', '--full-name', '-z', '--', ':/')
    : git(what, 'ls-tree', '-r', '--full-tree', '-z', treeOf(name, what))
  return new Map(
    lines
      .toString()
      .split('\0')
      .flatMap((line): [string, Entry][] => {
        const [, mode, object, side, path] =
          /^(\d+) (?:blob |commit )?([0-9a-f]+)(?: ([0-3]))?\t(.+)$/s.exec(line) ?? []
        if (mode === undefined || object === undefined || path === undefined) return []
        return staged && side !== name ? [] : [[path, { mode, object }]]
      }),
  )
}

/** The number of the tree of a revision. What begins with a dash is no option, whatever it is. */
function treeOf(name: string, what: string): string {
  try {
    return git(what, 'rev-parse', '--verify', '--end-of-options', `${name}^{tree}`).toString().trim()
  } catch {
    throw UserError.of('no-revision', `git cannot read ${what}`, `This repository has no revision ${name}.`)
  }
}

/**
 * The files of a revision in the repository around the current folder. Throws a UserError when git does not know the revision,
 * or the file is not in it.
 */
export function filesOfRevision(revision: Revision): RevisionFiles {
  const what = revision.typed
  const prefix = git(what, 'rev-parse', '--show-prefix').toString().replace(/\n$/, '')
  const top = resolve(prefix.replace(/[^/]+/g, '..'))
  const isRelative = /^\.\.?\//.test(revision.path)
  const file = resolve(isRelative ? '.' : top, revision.path)
  const entries = entriesOf(revision, what)
  const folders = foldersOf(entries.keys())
  const within = (full: string): string | undefined => {
    const path = relative(top, full)
    return path === '..' || path.startsWith('../') ? undefined : path
  }

  /** The path at which the links of a path end; undefined: there is nothing. */
  function followed(path: string, links = 0): string | undefined {
    const steps = path.split('/')
    for (const i of steps.keys()) {
      const at = steps.slice(0, i + 1).join('/')
      const entry = entries.get(at)
      if (entry?.mode !== SYMLINK) continue
      if (links === MOST_LINKS) return undefined
      const target = git(what, 'cat-file', 'blob', entry.object).toString()
      const on = within(resolve(top, dirname(at), target, ...steps.slice(i + 1)))
      return on === undefined ? undefined : followed(on, links + 1)
    }
    return entries.has(path) || folders.has(path) ? path : undefined
  }
  const find = (full: string): string | undefined => {
    const path = within(full)
    return path === undefined ? undefined : followed(path)
  }
  const entryOf = (full: string): Entry | undefined => entries.get(find(full) ?? '')

  if (!entryOf(file))
    throw UserError.of('no-revision', `git cannot read ${what}`, missing(revision, within(file), entries))
  const isOutside = (full: string): boolean => within(full) === undefined
  return {
    file,
    shown(path) {
      const full = resolve(path)
      const prefix = revision.name === '0' ? '' : isIndex(revision) ? `:${revision.name}` : revision.name
      return isOutside(full) ? path : `${prefix}:${isRelative ? `./${relative('.', full)}` : within(full)}`
    },
    kind: (full) => {
      if (isOutside(full)) return disk.kind(full)
      const path = find(full)
      return path === undefined ? undefined : folders.has(path) ? 'folder' : 'file'
    },
    names: (full) => (isOutside(full) ? disk.names(full) : [...(folders.get(find(full) ?? '\0') ?? [])].sort()),
    read(full) {
      if (isOutside(full)) return disk.read(full)
      const entry = entryOf(full)
      if (!entry) throw new Error(`${holder(revision)} has no file ${within(full) ?? full}`)
      return { bytes: git(what, 'cat-file', 'blob', entry.object), executable: entry.mode === '100755' }
    },
  }
}

/** Why there is no such file. */
function missing(revision: Revision, full: string | undefined, entries: ReadonlyMap<string, Entry>): string {
  const { path, typed } = revision
  if (full === undefined) return `${path} is outside the repository.`
  const none = `${holder(revision)} has no file ${full}.`
  const here = join(git(typed, 'rev-parse', '--show-prefix').toString().trim(), path)
  return entries.has(here) ? `${none} From the current folder: ${typed.slice(0, -path.length)}./${path}` : none
}

/** The names in each folder, by its path; the top is the empty path. */
function foldersOf(paths: Iterable<string>): Map<string, Set<string>> {
  const folders = new Map<string, Set<string>>()
  const add = (path: string): void => {
    const at = path.lastIndexOf('/')
    const folder = path.slice(0, Math.max(at, 0))
    const names = folders.get(folder)
    if (names) return void names.add(path.slice(at + 1))
    folders.set(folder, new Set([path.slice(at + 1)]))
    if (folder) add(folder)
  }
  for (const path of paths) add(path)
  return folders
}

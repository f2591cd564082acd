import { dirname, relative, resolve } from 'node:path'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { Source } from '../session/protocol.ts'
import { besideIn, disk } from './beside.ts'
import { filesOfRevision, revisionIn } from './git-files.ts'
import {
  besideRecorded,
  keyFileIn,
  locate,
  valuesOf,
  type LocatedFile,
  type LocateOptions,
  type RecordedFile,
} from './locate.ts'
import { textOf } from './own-files.ts'

/**
 * Finds a lab file, as `locate` does, or in a revision of git (`REV:FILE`), for another process. Throws a UserError when there
 * is none.
 */
export function sourceOf(argument: string | undefined, options: LocateOptions): Source {
  const found = argument === undefined || disk.kind(argument) ? undefined : revisionIn(argument)
  if (found) {
    const files = filesOfRevision(found)
    const file = relative('.', files.file)
    const text = naming(files.shown, () => textOf(file, files.read(files.file).bytes))
    return { file, text, set: Object.fromEntries(valuesOf(options.set ?? [])), revision: found.typed }
  }
  const located = locate(argument, options)
  if ('name' in located) throw UserError.of('no-lab-file', `there is no lab file ${argument}`)
  return sourceIn(located)
}

/** A lab file that was located, for another process. */
export const sourceIn = ({ file, text, set, saved }: LocatedFile): Source => ({
  ...{ file, text, set: Object.fromEntries(set ?? []) },
  ...(saved && { beside: saved.beside }),
})

/** A lab file with all that was taken from the files beside it, for a process on another machine. */
export const sourceElsewhere = ({ file, text, set, taken, keys }: RecordedFile): Source => ({
  ...{ file, text, set: Object.fromEntries(set ?? []), beside: taken, keys },
})

/** A lab file that was found. */
interface OpenSource {
  /** With the ways to what it names. */
  readonly located: LocatedFile
  /** The paths of the files that have been read. */
  readonly named: ReadonlySet<string>
  /** The name of a path in messages. */
  readonly shown: (path: string) => string
}

/** Finds what the lab file names. Keys are seldom in a repository: those that are not are read from the disk. */
export function openSource({ file, text, set, revision, beside: saved, keys }: Source): OpenSource {
  const folder = file === '-' ? '.' : dirname(file)
  const found = revision === undefined ? undefined : revisionIn(revision)
  const tree = found && filesOfRevision(found)
  const files = saved ? besideRecorded(saved) : besideIn(tree ?? disk, folder)
  const named = new Set([file])
  const noting =
    <T>(read: (path: string) => T) =>
    (path: string): T => {
      named.add(resolve(folder, path))
      return read(path)
    }
  const located = {
    ...files,
    beside: noting(files.beside),
    fileBeside: noting(files.fileBeside),
    keyFile(path: string) {
      if (keys?.[path]) return keys[path]
      const full = resolve(folder, path)
      return tree?.kind(full) === 'file'
        ? { path: full, text: tree.read(full).bytes.toString() }
        : keyFileIn(folder)(path)
    },
    ...{ file, text, set: new Map(Object.entries(set)) },
  }
  return { located, named, shown: tree?.shown ?? ((path) => path) }
}

/** Does it; in errors, positions have the names that messages show for files. */
export function naming<T>(shown: OpenSource['shown'], act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw renamedError(shown, error)
  }
}

/** An error whose positions have the names that messages show for files. */
export const renamedError = (shown: OpenSource['shown'], error: unknown): unknown =>
  error instanceof UserError ? new UserError(error.diagnostics.map(renamed(shown))) : error

/** A diagnostic whose position has the name that messages show for its file. */
export const renamed =
  (shown: OpenSource['shown']) =>
  ({ position, ...rest }: Diagnostic): Diagnostic => ({
    ...rest,
    ...(position && { position: { ...position, file: shown(position.file) } }),
  })
